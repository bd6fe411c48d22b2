"""Moodle XML: what Moodle's question bank imports and exports (docs.moodle.org, "Moodle XML format")."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html import unescape
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from course_content.exchange.items import Answer, Item, Left, Pair, per_cent


class NotMoodleXml(ValueError):
    """The file as a whole is not Moodle XML; the message says why."""


def write(items: Iterable[Item], *, category: str) -> bytes:
    """A quiz file with a category and one question for each item."""
    quiz = Element("quiz")
    top = SubElement(quiz, "question", type="category")
    _text(SubElement(top, "category"), f"$course$/{category}")
    for item in items:
        _question(quiz, item)
    ElementTree.indent(quiz)
    text: str = ElementTree.tostring(quiz, "unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _question(quiz: Element, item: Item) -> None:
    kind = "matching" if item.pairs else "multichoice"
    question = SubElement(quiz, "question", type=kind)
    _text(SubElement(question, "name"), item.id)
    _formatted(question, "questiontext", item.text)
    _formatted(question, "generalfeedback", item.explanation)
    SubElement(question, "defaultgrade").text = "1"
    SubElement(question, "penalty").text = "0"
    SubElement(question, "hidden").text = "0"
    SubElement(question, "idnumber").text = item.id
    SubElement(question, "shuffleanswers").text = "true"
    if item.pairs:
        for pair in item.pairs:
            line = _formatted(question, "subquestion", pair.text)
            _text(SubElement(line, "answer"), pair.partner)
    else:
        SubElement(question, "single").text = "false" if item.several else "true"
        SubElement(question, "answernumbering").text = "none"
        for answer in item.answers:
            line = _formatted(question, "answer", answer.text, fraction=per_cent(answer.fraction))
            _formatted(line, "feedback", answer.feedback)
    tags = SubElement(question, "tags")
    for tag in item.tags:
        _text(SubElement(tags, "tag"), tag)


def _text(parent: Element, text: str) -> None:
    SubElement(parent, "text").text = text


def _formatted(parent: Element, name: str, text: str, *, fraction: str = "") -> Element:
    made = SubElement(parent, name, {**({"fraction": fraction} if fraction else {}), "format": "markdown"})
    _text(made, text)
    return made


def read(content: bytes) -> tuple[list[Item], list[Left]]:
    """The questions of a file that we have a kind for, and those that we have none for. Raises NotMoodleXml."""
    # Entities are a way to make a small file huge; Moodle writes none of its own.
    if b"\0" in content:
        raise NotMoodleXml("it is not UTF-8, as every export of Moodle is")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise NotMoodleXml("it declares a document type, which no export of Moodle does")
    try:
        quiz = ElementTree.fromstring(content)  # noqa: S314 - no document type, so no entities
    except ElementTree.ParseError as error:
        raise NotMoodleXml(f"it is not well-formed XML: {error}") from None
    if quiz.tag != "quiz":
        raise NotMoodleXml(f"it is a <{quiz.tag}>, not a <quiz>")
    items: list[Item] = []
    left: list[Left] = []
    for number, question in enumerate(quiz.iter("question"), 1):
        kind = question.get("type", "")
        name = _said(question.find("name/text"))
        if kind == "category":
            continue
        if _holds_a_picture(question):
            why = "it holds an image or a file, which training on this subject never does"
            left.append(Left(number, name, why))
        elif kind == "multichoice":
            items.append(_multichoice(question, number))
        elif kind == "truefalse":
            items.append(_true_false(question, number))
        elif kind == "matching":
            items.append(_matching(question, number))
        else:
            left.append(Left(number, name, f"questions of the type '{kind}' have no like here"))
    return items, left


def _holds_a_picture(question: Element) -> bool:
    return question.find(".//file") is not None or "<img" in "".join(question.itertext()).lower()


def _head(question: Element, number: int) -> Item:
    return Item(
        id=_said(question.find("idnumber")) or _said(question.find("name/text")),
        text=_words(question.find("questiontext")),
        explanation=_words(question.find("generalfeedback")),
        tags=tuple(_said(tag) for tag in question.iterfind("tags/tag/text") if _said(tag)),
        line=number,
    )


def _multichoice(question: Element, number: int) -> Item:
    several = _said(question.find("single")) in {"false", "0"}
    return replace(_head(question, number), several=several, answers=tuple(_answers(question)))


def _true_false(question: Element, number: int) -> Item:
    answers = tuple(replace(answer, text=answer.text.capitalize()) for answer in _answers(question))
    return replace(_head(question, number), answers=answers)


def _answers(question: Element) -> Iterator[Answer]:
    for answer in question.iterfind("answer"):
        yield Answer(_words(answer), float(answer.get("fraction") or 0), _words(answer.find("feedback")))


def _matching(question: Element, number: int) -> Item:
    pairs = (Pair(_words(line), _said(line.find("answer/text"))) for line in question.iterfind("subquestion"))
    return replace(_head(question, number), pairs=tuple(pairs))


def _said(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def _words(element: Element | None) -> str:
    """A text as words, whatever its format: paragraphs stay, other markup goes."""
    if element is None:
        return ""
    text = _said(element.find("text"))
    if element.get("format") in {"markdown", "plain_text"}:
        return text
    text = re.sub(r"(?i)<br\s*/?>|</(p|li|div|h\d)>", "\n\n", text)
    text = unescape(re.sub(r"<[^>]+>", " ", text)).replace("\xa0", " ")
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return "\n\n".join(part for part in paragraphs if part)
