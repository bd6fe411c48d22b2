"""The two shapes that both formats share, and our questions as them and back."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from course_content.questions import (
    AnyQuestion,
    MatchingQuestion,
    OrderingQuestion,
    ReasonedQuestion,
    SortingQuestion,
    SpottingQuestion,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to choose, and what choosing it earns, in per cent (of all right ones together 100)."""

    text: str
    fraction: float
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A line and its partner; a partner without a line is one left over."""

    text: str
    partner: str


@dataclass(frozen=True, slots=True)
class Item:
    """A question as a question bank holds it: with answers, or with pairs."""

    id: str
    text: str
    explanation: str
    answers: tuple[Answer, ...] = ()
    pairs: tuple[Pair, ...] = ()
    several: bool = False
    tags: tuple[str, ...] = ()
    line: int = 1


@dataclass(frozen=True, slots=True)
class Left:
    """A question that could not be taken, and why."""

    line: int
    name: str
    why: str


def per_cent(fraction: float) -> str:
    """A fraction as both formats write it: to five places, as 33.33333 for a third."""
    return f"{fraction:.5f}".rstrip("0").rstrip(".")


# --- ours, as items -------------------------------------------------------------------------------


def item_of(question: AnyQuestion) -> Item:
    """One of our questions as a question bank can hold it."""
    tags = [question.topic or "", "critical" if question.critical else "", *question.claims]
    item = Item(question.id, question.prompt, question.explanation, tags=tuple(tag for tag in tags if tag))
    if isinstance(question, ReasonedQuestion):
        return replace(item, answers=tuple(_verdicts_with_reasons(question)))
    if isinstance(question, SortingQuestion | MatchingQuestion):
        texts = {target.id: target.text for target in question.targets}
        pairs = [Pair(card.text, texts.pop(card.goes_to, "")) for card in question.cards]
        if isinstance(question, SortingQuestion):
            piles = {pile.id: pile.text for pile in question.piles}
            return replace(item, pairs=tuple(Pair(c.text, piles[c.goes_to]) for c in question.cards))
        return replace(item, pairs=(*pairs, *(Pair("", text) for text in texts.values())))
    if isinstance(question, OrderingQuestion):
        texts = {option.id: option.text for option in question.options}
        ordered = enumerate(question.answer, 1)
        return replace(item, pairs=tuple(Pair(texts[option_id], str(place)) for place, option_id in ordered))
    right = set(question.answer)
    share = 100 / len(right)
    several = question.kind != "single"
    answers = tuple(
        Answer(option.text, share if option.id in right else -share if several else 0, option.feedback)
        for option in question.options
    )
    text = question.prompt
    if isinstance(question, SpottingQuestion):
        text = "\n\n".join([text, *(f"{line.speaker}: {line.text}" for line in question.lines)])
    return replace(item, text=text, answers=answers, several=several)


def _verdicts_with_reasons(question: ReasonedQuestion) -> Iterable[Answer]:
    for verdict in question.verdicts:
        right = (verdict.id == "true") is question.is_true
        for reason in question.reasons:
            fraction = 0 if not right else 100 if reason.id == question.reason else 50
            yield Answer(f"{verdict.text}: {reason.text}", fraction, reason.feedback)


# --- items, as ours -------------------------------------------------------------------------------


class NotOurs(ValueError):
    """An item that is none of our kinds; the message says why, for its author."""


@dataclass
class Ids:
    """Ids made from texts, each used once."""

    used: set[str] = field(default_factory=set)

    def of(self, text: str, otherwise: str) -> str:
        words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
        base = "-".join(words.split("-")[:5])[:40].strip("-") or otherwise
        number = 1
        found = base
        while found in self.used:
            number += 1
            found = f"{base}-{number}"
        self.used.add(found)
        return found


def question_of(item: Item, *, ids: Ids, topic: str) -> Mapping[str, Any]:
    """An item as a question of a bank, ready to be written as YAML. Raises NotOurs."""
    if not item.text:
        raise NotOurs("it asks nothing")
    if not item.explanation:
        raise NotOurs("it has no general feedback: say there why the right answer is right")
    tags = [tag for tag in item.tags if tag != "critical"]
    head: dict[str, Any] = {"id": ids.of(item.id or item.text, "question")}
    known: dict[str, Any] = {"topic": tags[0] if tags else topic}
    if "critical" in item.tags:
        known["critical"] = True
    tail = {"explanation": item.explanation, **({"claims": tags[1:]} if tags[1:] else {})}
    body = _placing(item) if item.pairs else _choosing(item)
    return {**head, "kind": body.pop("kind"), **known, "prompt": item.text, **body, **tail}


def _choosing(item: Item) -> dict[str, Any]:
    if len(item.answers) < 2:
        raise NotOurs("it needs at least two answers to choose from")
    ids = Ids()
    named = [(ids.of(answer.text, "answer"), answer) for answer in item.answers]
    right = [name for name, answer in named if answer.fraction > (0 if item.several else 99)]
    if not right or (len(right) > 1 and not item.several):
        raise NotOurs(
            "no answer is right" if not right else "more than one answer is right, but one may be chosen"
        )
    if item.several and len(right) == len(named):
        raise NotOurs("every answer is right; at least one must be wrong")
    options = [
        {"id": name, "text": answer.text, **({"feedback": answer.feedback} if answer.feedback else {})}
        for name, answer in named
    ]
    return {"kind": "multiple" if item.several else "single", "options": options, "answer": right}


def _placing(item: Item) -> dict[str, Any]:
    lines = [pair for pair in item.pairs if pair.text]
    if len(lines) < 3:
        raise NotOurs("it needs at least three lines to place")
    partners = list(dict.fromkeys(pair.partner for pair in item.pairs))
    ids = Ids()
    if sorted(partners) == sorted(str(n) for n in range(1, len(lines) + 1)):
        ordered = sorted(lines, key=lambda pair: int(pair.partner))
        options = [{"id": ids.of(pair.text, "item"), "text": pair.text} for pair in ordered]
        return {"kind": "ordering", "options": options, "answer": [option["id"] for option in options]}
    is_matching = len({pair.partner for pair in lines}) == len(lines)
    if not is_matching and not 2 <= len(partners) <= 4:
        raise NotOurs("it has more than four piles")
    targets = {partner: ids.of(partner, "target") for partner in partners}
    cards_ids = Ids()
    cards = [
        {"id": cards_ids.of(pair.text, "card"), "text": pair.text, "goes_to": targets[pair.partner]}
        for pair in lines
    ]
    places = [{"id": target, "text": partner} for partner, target in targets.items()]
    return {
        "kind": "matching" if is_matching else "sorting",
        ("partners" if is_matching else "piles"): places,
        "cards": cards,
    }
