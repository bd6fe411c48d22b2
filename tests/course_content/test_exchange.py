"""Questions out to a VLE's question bank, and in again."""

import xml.etree.ElementTree as ElementTree
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from course_content.exchange import gift, moodle_xml
from course_content.exchange.items import Item, item_of
from course_content.marking import mark_question
from course_content.packs import Pack, bank_of
from course_content.questions import AnyQuestion
from course_content.schema import Bank
from course_content.variants import Variant
from tests.course_content import every_kind

EVERY_KIND = Bank.model_validate(
    {"questions": yaml.safe_load((every_kind.FOLDER / "quiz.yaml").read_text())["questions"]}
).questions


def run(*args: str) -> tuple[str, str]:
    out = StringIO()
    try:
        call_command(*args, stdout=out)
    except CommandError as failed:
        return out.getvalue(), str(failed)
    return out.getvalue(), ""


def there_and_back(folder: Path, kind: str) -> dict[str, Any]:
    """The questions of the pack with every kind, out as that format and in again, by id."""
    (folder / "questions").mkdir(parents=True)
    pack = every_kind.copy(folder / "pack")
    bank = yaml.safe_load((pack / "quiz.yaml").read_text())["questions"]
    (pack / "questions").mkdir()
    (pack / "questions" / "bank.yaml").write_text(yaml.safe_dump({"questions": bank}))
    out = folder / f"bank.{kind}"
    assert run("export_questions", str(pack), "bank", f"--format={kind}", f"--out={out}")[1] == ""
    said, error = run("import_questions", str(out), f"--out={folder / 'back.yaml'}")
    assert (error, "left out:" in said) == ("", False)
    back = Bank.model_validate(yaml.safe_load((folder / "back.yaml").read_text()))
    return {question.id: question for question in back.questions}


@pytest.mark.parametrize("kind", ["moodle", "gift"])
def test_what_goes_out_comes_back_and_asks_the_same(tmp_path: Path, kind: str) -> None:
    back = there_and_back(tmp_path, kind)
    assert set(back) == {question.id for question in EVERY_KIND}
    for question in EVERY_KIND:
        again = back[question.id]
        assert again.prompt.startswith(question.prompt)
        assert again.explanation == question.explanation.strip()
        assert (again.topic, again.critical) == (question.topic, question.critical)
        nearest = {"reasoned": "single", "spotting": "multiple"}
        assert again.kind == nearest.get(question.kind, question.kind)
        assert mark_question(again, again.answer).right
        assert len(again.answer) == (1 if question.kind == "reasoned" else len(question.answer))


@pytest.mark.parametrize("question", EVERY_KIND, ids=lambda question: question.id)
def test_fractions_give_a_hundred_for_all_that_is_right_and_nothing_for_all(question: AnyQuestion) -> None:
    item = item_of(question)
    if item.answers:
        right = sum(answer.fraction for answer in item.answers if answer.fraction > 0)
        assert round(right if item.several else max(a.fraction for a in item.answers)) == 100


def test_moodles_file_is_what_moodle_writes_itself() -> None:
    """The elements that Moodle's own export has for each type (question/format/xml/format.php)."""
    quiz = ElementTree.fromstring(moodle_xml.write([item_of(q) for q in EVERY_KIND], category="bank"))
    assert quiz.findtext("question[@type='category']/category/text") == "$course$/bank"
    for question in quiz.iter("question"):
        if question.get("type") == "category":
            continue
        for name in ("name/text", "questiontext/text", "generalfeedback/text", "defaultgrade", "idnumber"):
            assert question.findtext(name), name
        if question.get("type") == "multichoice":
            fractions = [float(a.get("fraction", "")) for a in question.iterfind("answer")]
            assert max(fractions) > 0
            assert question.findtext("single") in {"true", "false"}
        else:
            assert question.get("type") == "matching"
            assert all(line.findtext("answer/text") for line in question.iterfind("subquestion"))


MOODLE = """<?xml version="1.0" encoding="UTF-8"?>
<quiz>
  <question type="truefalse">
    <name><text>Secrets</text></name>
    <questiontext format="html"><text><![CDATA[<p>You may promise a <b>secret</b>.</p>]]></text></questiontext>
    <generalfeedback format="html"><text>&lt;p&gt;Nobody can keep it.&lt;/p&gt;</text></generalfeedback>
    <answer fraction="0" format="moodle_auto_format"><text>true</text><feedback><text>No.</text></feedback></answer>
    <answer fraction="100" format="moodle_auto_format"><text>false</text><feedback><text/></feedback></answer>
  </question>
  <question type="essay"><name><text>Tell us</text></name><questiontext><text>Why?</text></questiontext></question>
  <question type="multichoice">
    <name><text>With a picture</text></name>
    <questiontext format="html"><text><![CDATA[<img src="@@PLUGINFILE@@/x.png">]]></text></questiontext>
  </question>
  <question type="multichoice">
    <name><text>Unexplained</text></name>
    <questiontext format="html"><text>Whom?</text></questiontext><single>true</single>
    <answer fraction="100"><text>A</text></answer><answer fraction="0"><text>B</text></answer>
  </question>
</quiz>
"""


def test_what_has_no_like_here_is_told_and_the_rest_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "moodle.xml"
    file.write_text(MOODLE)
    said, error = run("import_questions", str(file), f"--out={tmp_path / 'bank.yaml'}", "--topic=secrets")
    assert error == ""
    assert "question 2 (Tell us): questions of the type 'essay' have no like here" in said
    assert "question 3 (With a picture): it holds an image" in said
    assert "question 4 (Unexplained): it has no general feedback" in said
    (question,) = Bank.model_validate(yaml.safe_load((tmp_path / "bank.yaml").read_text())).questions
    assert question.kind == "single"
    assert (question.id, question.topic, question.prompt) == (
        "secrets",
        "secrets",
        "You may promise a secret .",
    )
    assert [option.text for option in question.options] == ["True", "False"]
    assert question.answer == ("false",)


@pytest.mark.parametrize(
    "content",
    [b"<quiz><question>", b"<questestinterop/>", b'<!DOCTYPE q [<!ENTITY a "aa">]><quiz/>', b"\xff\xfe\x00"],
)
def test_a_file_of_another_kind_is_refused_and_nothing_is_written(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    _, error = run("import_questions", str(file), f"--out={tmp_path / 'bank.yaml'}")
    assert "cannot be read" in error
    assert not (tmp_path / "bank.yaml").exists()


def test_a_bank_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "bank.yaml").write_text("mine")
    (tmp_path / "x.gift").write_text("::a::Is it?{T####Yes.}")
    _, error = run("import_questions", str(tmp_path / "x.gift"), f"--out={tmp_path / 'bank.yaml'}")
    assert "exists already" in error
    assert (tmp_path / "bank.yaml").read_text() == "mine"


GIFT = r"""
// a comment
::Whom::[html]Whom do you tell\: one person{
=The DSL#Yes.
~A parent#Not yet.
~%-50%Nobody
####Tell them at once.}

Is it lawful?{FALSE#It is not.#Right.####Never.}

::kind::Which are kind?{~%50%Listening ~%50%Thanking ~%-100%Asking why####Be kind.}

::pairs::Match{=one -> 1st =two -> 2nd =three -> 4th####In order.}

How many?{#3:1}

Say more.{}

Name it.{=DSL =lead}
"""


def test_gift_is_read_as_its_documentation_says() -> None:
    items, left = gift.read(GIFT)
    assert [item.id or item.text for item in items] == ["Whom", "Is it lawful?", "kind", "pairs"]
    whom, lawful, kind, pairs = items
    assert whom.text == "Whom do you tell: one person"
    assert [(a.text, a.fraction) for a in whom.answers] == [
        ("The DSL", 100),
        ("A parent", 0),
        ("Nobody", -50),
    ]
    assert [(a.text, a.fraction, a.feedback) for a in lawful.answers] == [
        ("True", 0, "It is not."),
        ("False", 100, "Right."),
    ]
    assert kind.several
    assert [pair.partner for pair in pairs.pairs] == ["1st", "2nd", "4th"]
    assert [(one.name, one.why) for one in left] == [
        ("How many?", "numerical questions have no like here"),
        ("Say more.", "essays have no like here"),
        ("Name it.", "short answers have no like here"),
    ]


def test_special_characters_survive() -> None:
    item = Item("a", "Is {this} = ~that#: \\ ok?\n\nYes?", "Because: {it} is.", several=False)
    pack = gift.write([item_of(EVERY_KIND[0])], category="x")
    assert "{" in pack
    from course_content.exchange.items import Answer

    item = Item("a", item.text, item.explanation, answers=(Answer("x=1", 100, "a#b"), Answer("~y", 0)))
    (back,), left = gift.read(gift.write([item], category="x"))
    assert left == []
    assert (back.text, back.explanation, back.answers) == (item.text, item.explanation, item.answers)


def test_a_bank_goes_out_as_its_readers_get_it(tmp_path: Path) -> None:
    pack = every_kind.copy(tmp_path / "pack")
    bank = yaml.safe_load((pack / "quiz.yaml").read_text())["questions"]
    bank[0]["for"] = "scotland"
    (pack / "questions").mkdir()
    (pack / "questions" / "bank.yaml").write_text(yaml.safe_dump({"questions": bank}))
    ours = bank_of(Pack(pack), "bank", Variant("england", "school"))
    assert bank[0]["id"] not in {question.id for question in ours.questions}


def test_xml_in_another_encoding_cannot_hide_an_entity(tmp_path: Path) -> None:
    file = tmp_path / "moodle.xml"
    file.write_bytes('<!DOCTYPE quiz [<!ENTITY a "aa">]><quiz>&a;</quiz>'.encode("utf-16-le"))
    _, error = run("import_questions", str(file), f"--out={tmp_path / 'bank.yaml'}")
    assert "cannot be read" in error


def test_what_a_pack_would_read_as_a_term_is_taken_literally(tmp_path: Path) -> None:
    (tmp_path / "x.gift").write_text("::a::It costs $5, or $dsl [?x]. Is it?{T####Yes.}")
    assert run("import_questions", str(tmp_path / "x.gift"), f"--out={tmp_path / 'bank.yaml'}")[1] == ""
    pack = every_kind.copy(tmp_path / "pack")
    (pack / "questions").mkdir()
    (pack / "questions" / "bank.yaml").write_text((tmp_path / "bank.yaml").read_text())
    (question,) = bank_of(Pack(pack), "bank", Variant("england", "school")).questions
    assert question.prompt == "It costs $5, or $dsl [ ?x]. Is it?"
