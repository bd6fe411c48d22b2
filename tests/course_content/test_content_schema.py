"""What an author's editor is told of a pack's files: all that we have fits, and slips do not."""

import json
from collections.abc import Iterator
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft7Validator

from course_content import content_schema
from course_content.catalogue import BUILT_IN, pack_folders
from course_content.content_schema import FOLDER, KINDS, as_file, file_name, kind_of, schema_of
from course_content.sources import read_markdown, read_yaml
from tests.course_content.small_pack import CLAIMS, MODULE, QUIZ, SCENARIO, write_pack

PACKS = Path(__file__).parents[1] / "packs"


def as_json(value: Any) -> Any:
    """What an editor makes of a file: dates are text, and every key is."""
    if isinstance(value, dict):
        return {str(key): as_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_json(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def slips(kind: str, data: Any) -> list[str]:
    """What an editor would mark, and where."""
    errors = Draft7Validator(schema_of(kind)).iter_errors(as_json(data))
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


def files() -> Iterator[tuple[str, Path, str]]:
    for folder in pack_folders((BUILT_IN, PACKS)):
        for path in sorted(folder.rglob("*")):
            kind = kind_of(path.relative_to(folder).as_posix()) if path.is_file() else None
            if kind:
                yield kind, path, f"{folder.name}/{path.relative_to(folder)}"


def test_what_is_committed_is_what_the_models_give() -> None:
    """If not: manage.py content_schema"""
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(map(file_name, KINDS))
    stale = [
        kind for kind in KINDS if (FOLDER / file_name(kind)).read_text(encoding="utf-8") != as_file(kind)
    ]
    assert stale == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_a_good_schema_with_nothing_loose(kind: str) -> None:
    schema = schema_of(kind)
    Draft7Validator.check_schema(schema)
    text = json.dumps(schema)
    assert "$defs" not in text
    for ref in {part.split('"')[0] for part in text.split('"$ref": "#/definitions/')[1:]}:
        assert ref in schema["definitions"]


def test_every_file_of_our_packs_fits() -> None:
    found = []
    kinds = set()
    for kind, path, name in files():
        text = path.read_text(encoding="utf-8")
        source, faults = (read_markdown if path.suffix == ".md" else read_yaml)(name, text)
        assert faults == [], name
        data = {key: value for key, value in source.data.items() if key != "body" or kind != "lesson"}
        kinds.add(kind)
        found += [f"{name}: {slip}" for slip in slips(kind, data)]
    assert found == []
    assert kinds == set(KINDS)


def test_every_file_of_a_pack_has_a_kind() -> None:
    assert kind_of("module.yaml") == kind_of("forms/half-day.yaml") == "form"
    assert kind_of("lessons/area/01-name.md") == "lesson"
    assert kind_of("quiz.yaml") == kind_of("quizzes/half-day.yaml") == "quiz"
    assert kind_of("README.md") is None
    assert kind_of("languages/cy.po") is None


# --- what differs between readers -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: At the door", "title: {scotland: At a door, otherwise: At the door}"),
        ("verdict: best", "verdict: {'wales, scotland': acceptable, otherwise: best}"),
        ("verdict: best", "verdict: {england & not school: poor, otherwise: best}"),
        ("verdict: best", "verdict: {wales: {cy: poor, otherwise: best}, otherwise: best}"),
        ("recommended: [open]", "recommended: {scotland: [open], otherwise: [open]}"),
        ("claims: [tell]", "claims: [tell, {for: scotland, use: tell-scots}]"),
        ("claims: [tell]", "claims: {scotland: [tell], otherwise: null}"),
        ("      - id: ignore\n", "      - id: ignore\n        for: not scotland\n"),
        ("  again:\n", "  again:\n    for: england\n"),
        (
            "    ending:\n      outcome: good",
            "    ending:\n      outcome: {scotland: mixed, otherwise: good}",
        ),
    ],
)
def test_what_differs_may_be_written_wherever_the_engine_takes_it(old: str, new: str) -> None:
    assert old in SCENARIO
    assert slips("scenario", yaml.safe_load(SCENARIO.replace(old, new, 1))) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("verdict: best", "verdict: good", "nodes.knock.choices.0.verdict"),
        (
            "verdict: best",
            "verdict: {scotland: good, otherwise: best}",
            "nodes.knock.choices.0.verdict.scotland",
        ),
        ("verdict: best", "verdict: {scotlnad: poor, otherwise: best}", "nodes.knock.choices.0.verdict"),
        ("verdict: best", "verdict: {scotland: poor}", "nodes.knock.choices.0.verdict"),
        ("reason: Good.", "reasons: Good.", "nodes.knock.choices.0"),
        ("      - id: open\n", "      - id: open\n        for: nobody\n", "nodes.knock.choices.0.for"),
        ("claims: [tell]", "claims: [{for: scotland, use: Tell Scots}]", "claims.0.use"),
        ("start: knock\n", "", ""),
    ],
)
def test_a_slip_is_marked_where_it_is(old: str, new: str, where: str) -> None:
    found = slips("scenario", yaml.safe_load(SCENARIO.replace(old, new, 1)))
    assert {slip.split(": ")[0] for slip in found} == {where}


def test_a_question_is_held_to_its_own_kind() -> None:
    wrong = yaml.safe_load(QUIZ)
    wrong["questions"][0]["kind"] = "singel"
    assert [slip.split(": ")[0] for slip in slips("quiz", wrong)] == ["questions.0.kind"]
    wrong["questions"][0] = {**yaml.safe_load(QUIZ)["questions"][0], "answr": ["x"]}
    assert [slip.split(": ")[0] for slip in slips("quiz", wrong)] == ["questions.0"]


def test_a_form_may_leave_to_others_what_all_forms_share() -> None:
    facts = yaml.safe_load(MODULE)
    assert slips("form", facts) == []
    assert slips("form", {"slug": "short", "steps": facts["steps"]}) == []
    assert slips("common", {"status": "draft"}) == []
    assert slips("form", {"steps": facts["steps"]}) != []


def test_lists_and_words_are_held_to_their_shape() -> None:
    assert slips("claims", yaml.safe_load(CLAIMS)) == []
    assert slips("claims", {"claims": []}) != []
    assert slips("terms", {"terms": {"dsl": {"scotland": "CPC", "otherwise": "DSL"}, "head": "head"}}) == []
    assert slips("terms", {"terms": {"dsl": 3}}) != []


# --- where they are to be had ---------------------------------------------------------------------


def test_the_command_writes_them(tmp_path: Path) -> None:
    call_command("content_schema", str(tmp_path / "schemas"), stdout=StringIO())
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "schemas").iterdir()}
    assert written == {file_name(kind): as_file(kind) for kind in KINDS}


def test_anybody_may_read_them(client: Client) -> None:
    response = client.get("/authoring/schema/scenario.schema.json")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/schema+json"
    assert response.json() == content_schema.schema_of("scenario")
    assert client.get("/authoring/schema/nothing.schema.json").status_code == 404


def test_the_packs_of_tests_fit_too(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "small")
    for path in folder.rglob("*.yaml"):
        kind = kind_of(path.relative_to(folder).as_posix())
        assert kind is not None
        assert slips(kind, yaml.safe_load(path.read_text(encoding="utf-8"))) == [], path.name
