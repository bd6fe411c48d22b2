"""What files a pack has, by their paths, and those of them that are lists or words."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, Field

from course_content import assessment_rules, question_rules, scenario_rules
from course_content.pack_rules import Finding
from course_content.parts import Part
from course_content.schema import (
    Assessment,
    Bank,
    Change,
    Claim,
    Commitment,
    GuidanceEntry,
    Lesson,
    Quiz,
    Scenario,
    Step,
)
from course_content.sources import Source

MODULE_FILE = "module.yaml"
FORMS_FOLDER = "forms"
COMMON_FILE = "common.yaml"
TERMS_FILE = "terms.yaml"
GUIDANCE_FILE = "guidance.yaml"
CHANGES_FILE = "changes.yaml"
CLAIMS_FILE = "claims.yaml"

BIGGEST_FILE = 256 * 1024
BIGGEST_CATALOGUE = 8 * 1024 * 1024
MOST_FILES = 400

STEP_FILE = re.compile(
    r"lessons/([^/]+/)?[^/]+\.md|(scenarios|assessments|commitments|quizzes)/([^/]+/)?[^/]+\.yaml"
    r"|commitment\.yaml|quiz\.yaml"
)
FORM_FILE = re.compile(r"module\.yaml|forms/[^/]+\.yaml")
CLAIMS = re.compile(r"claims\.yaml|claims/[^/]+\.yaml")
BANK = re.compile(r"questions/[^/]+\.yaml")
CATALOGUE = re.compile(r"languages/([a-z]{2})\.po")
OTHER = re.compile(r"(common|terms|guidance|changes)\.yaml")


# --- the files that are lists or words ------------------------------------------------------------


class GuidanceList(Part):
    guidance: tuple[GuidanceEntry, ...] = Field(min_length=1)


class ClaimList(Part):
    claims: tuple[Claim, ...] = Field(min_length=1)


class ChangeList(Part):
    changes: tuple[Change, ...] = Field(min_length=1)


class TermList(Part):
    terms: dict[str, str]


_STEPS: tuple[tuple[str, type[Step]], ...] = (
    ("lessons/", Lesson),
    ("scenarios/", Scenario),
    ("assessments/", Assessment),
    ("commitment", Commitment),
    ("quiz", Quiz),
)


def kind_of_step(file: str) -> type[Step]:
    return next(kind for start, kind in _STEPS if file.startswith(start))


def rules_of(part: BaseModel, source: Source) -> Iterator[Finding]:
    """What must hold inside one file."""
    if isinstance(part, Scenario):
        yield from scenario_rules.scenario_findings(part)
    elif isinstance(part, Bank | Quiz):
        yield from question_rules.bank_findings(part)
    elif isinstance(part, Assessment):
        yield from assessment_rules.assessment_findings(part)
    elif isinstance(part, Commitment):
        yield from assessment_rules.commitment_findings(part)
    elif isinstance(part, Lesson):
        yield from question_rules.lesson_findings(part, source.body_line)


def mapping(source: Source | None) -> dict[str, Any]:
    return source.data if source and isinstance(source.data, dict) else {}


def files_named(form: Any) -> Iterator[str]:
    """Every file that a form names, for whomever."""
    if isinstance(form, dict):
        for value in form.values():
            yield from files_named(value)
    elif isinstance(form, list):
        for value in form:
            yield from files_named(value)
    elif isinstance(form, str) and STEP_FILE.fullmatch(form):
        yield form


def banks_named(step: Any) -> Iterator[str]:
    """The banks that a quiz or a recall names."""
    if isinstance(step, dict):
        recall = step.get("recall")
        for banks in (step.get("banks"), recall.get("banks") if isinstance(recall, dict) else None):
            yield from (str(name) for name in banks or ())
