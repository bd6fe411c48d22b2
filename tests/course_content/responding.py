"""The real pack, read once for all the tests of its content, and everything that it says, by who says it.

A text of the pack is *ours* where the course speaks for itself, *right* where somebody is to choose or do it,
*wrong* where it is there to be recognised as wrong, and *told* where a story, a case or a question tells it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal, TypeVar

from course_content.assessments import Assessment
from course_content.packs import Pack, PackReport, report_on
from course_content.parts import Nation
from course_content.questions import (
    AnyExercise,
    Confidence,
    MatchingQuestion,
    OrderingQuestion,
    Position,
    ReasonedQuestion,
    SortingQuestion,
    SpottingQuestion,
)
from course_content.schema import Commitment, Lesson, Module, Quiz, Scenario, Step
from course_content.variants import NATIONS
from tests.course_content.conftest import PACKS

PACK = PACKS / "responding"
FORMS = tuple(sorted(path.stem for path in (PACK / "forms").glob("*.yaml")))

Voice = Literal["ours", "right", "wrong", "told"]
_Step = TypeVar("_Step", Lesson, Scenario, Assessment, Commitment, Quiz)


@lru_cache(maxsize=1)
def pack() -> Pack:
    return Pack(PACK)


@lru_cache(maxsize=1)
def report() -> PackReport:
    return report_on(pack())


@lru_cache(maxsize=1)
def modules() -> tuple[Module, ...]:
    """Every form for every variant that reads it in English, the language in which it was written."""
    return tuple(module for module in report().modules if module.language == "en")


@cache
def variants_of(form: str) -> tuple[Module, ...]:
    """A form, as each of its readers gets it."""
    made = tuple(module for module in modules() if module.slug == form)
    assert made, f"'{form}' is made for nobody; see manage.py check_content"
    return made


@cache
def distinct(kind: type[_Step]) -> tuple[_Step, ...]:
    """Every step of a kind in every variant of every form; those that are equal once."""
    return tuple(step for step, _nations in in_nations(kind))


@cache
def in_nations(kind: type[_Step]) -> tuple[tuple[_Step, frozenset[Nation]], ...]:
    """Every distinct step of a kind, with the nations whose readers get it."""
    # The pack hands equal readers the same object, so there are few to compare by what they say.
    objects = {id(step): step for m in modules() for step in m.steps if isinstance(step, kind)}
    where: dict[int, set[Nation]] = {}
    for module in modules():
        for step in module.steps:
            where.setdefault(id(step), set()).add(module.nation)
    first: dict[str, _Step] = {}
    nations: dict[str, set[Nation]] = {}
    for key, step in objects.items():
        said = step.model_dump_json()
        first.setdefault(said, step)
        nations.setdefault(said, set()).update(where[key])
    return tuple((step, frozenset(nations[said])) for said, step in first.items())


def slugs(folder: str) -> tuple[str, ...]:
    """The slugs of the steps whose files lie in a folder of the pack, for the names of tests."""
    files = sorted((PACK / folder).rglob("*.yaml"))
    found = (re.search(r"^slug: (\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE) for file in files)
    return tuple(match[1] for match in found if match)


# --- what it says ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """One text of the pack: where, who speaks, and whether it goes through `markdown.render`."""

    place: str
    text: str
    voice: Voice
    markdown: bool = False


def everything_said(nation: Nation | None = None) -> tuple[Said, ...]:
    """Every text that somebody (in this nation) reads, each once."""
    return _said(nation)


@cache
def _said(nation: Nation | None) -> tuple[Said, ...]:
    if nation is None:
        return tuple(dict.fromkeys(said for one in NATIONS for said in _said(one)))
    found: dict[Said, None] = {}
    done: set[int] = set()
    for module in modules():
        if module.nation != nation:
            continue
        found.update(dict.fromkeys(_of_the_module(module)))
        for step in module.steps:
            if id(step) not in done:
                done.add(id(step))
                found.update(dict.fromkeys(said_in(step)))
    return tuple(found)


def _of_the_module(module: Module) -> Iterator[Said]:
    here = module.slug
    for name in ("title", "summary", "guidance_edition"):
        yield Said(f"{here}/{name}", getattr(module, name), "ours")
    for name in ("content_note", "wellbeing"):
        yield Said(f"{here}/{name}", getattr(module, name), "ours", markdown=True)
    for outcome in module.outcomes:
        yield Said(f"{here}/outcomes", outcome, "ours")
    for section in module.sections:
        for text in (section.title, *section.outcomes):
            yield Said(f"{here}/{section.slug}", text, "ours")
    for helpline in module.helplines:
        for text in (helpline.name, helpline.for_whom, helpline.hours, helpline.phone or ""):
            yield Said(f"{here}/helplines", text, "ours")


def said_in(step: Step) -> Iterator[Said]:
    """Every text of a step. `place` is the step's slug and the ids on the way to the text."""
    here = step.slug
    yield Said(f"{here}/title", step.title, "ours")
    if note := getattr(step, "content_note", ""):
        yield Said(f"{here}/content_note", note, "ours")
    if not isinstance(step, Lesson):
        yield Said(f"{here}/intro", step.intro, "ours", markdown=True)
    yield from _PARTS[type(step)](step)


def _lesson(lesson: Lesson) -> Iterator[Said]:
    yield Said(f"{lesson.slug}/body", lesson.body, "ours", markdown=True)
    for exercise in lesson.exercises:
        yield from said_by(exercise, f"{lesson.slug}/{exercise.id}")
    for question in lesson.recalled:
        yield from said_by(question, question.id)


def _quiz(quiz: Quiz) -> Iterator[Said]:
    for question in quiz.questions:
        yield from said_by(question, question.id)


def _commitment(commitment: Commitment) -> Iterator[Said]:
    for words in (*commitment.changes, *commitment.by_when):
        yield Said(f"{commitment.slug}/{words.id}", words.text, "right")


def _assessment(assessment: Assessment) -> Iterator[Said]:
    here = assessment.slug
    yield Said(f"{here}/case", assessment.case, "told", markdown=True)
    for trigger in assessment.triggers:
        at = f"{here}/{trigger.id}"
        yield Said(at, trigger.question, "told")
        yield Said(at, trigger.hint, "ours")
        yield Said(at, trigger.explanation, "ours", markdown=True)
        yield Said(at, trigger.finding_out or "", "told", markdown=True)
        yield from (Said(at, whom, "ours") for whom in trigger.refer_to)
    for reason in assessment.reasons:
        yield Said(f"{here}/{reason.id}", reason.text, "right" if reason.holds else "wrong")
        yield Said(f"{here}/{reason.id}", reason.feedback, "ours")
    for name in ("refer", "find_out", "in_school"):
        yield Said(f"{here}/{name}", getattr(assessment, name), "ours", markdown=True)
    yield from (Said(f"{here}/checks", check, "right") for check in assessment.checks)


def _scenario(scenario: Scenario) -> Iterator[Said]:
    here = scenario.slug
    yield from (Said(f"{here}/stages", stage, "ours") for stage in scenario.stages)
    yield from (Said(f"{here}/{fact.id}", fact.text, "told") for fact in scenario.facts)
    for finding in scenario.findings:
        yield Said(f"{here}/{finding.id}", finding.text, "ours", markdown=True)
    for node in scenario.nodes.values():
        at = f"{here}/{node.id}"
        yield Said(at, node.text, "told", markdown=True)
        yield from (Said(at, aside.text, "told", markdown=True) for aside in node.asides)
        if node.ending:
            yield Said(at, node.ending.title, "told")
            yield Said(at, node.ending.debrief, "ours", markdown=True)
        for choice in node.choices:
            good = choice.verdict in ("best", "acceptable")
            yield Said(f"{at}/{choice.id}", choice.text, "right" if good else "wrong")
            yield Said(f"{at}/{choice.id}", choice.reason, "ours", markdown=True)


_PARTS: dict[type[Step], Callable[[Any], Iterator[Said]]] = {
    Lesson: _lesson,
    Scenario: _scenario,
    Assessment: _assessment,
    Commitment: _commitment,
    Quiz: _quiz,
}


def said_by(exercise: AnyExercise, here: str) -> Iterator[Said]:
    """Every text of a question. A card is read with the pile or partner that it belongs to."""
    yield Said(f"{here}/prompt", exercise.prompt, "told")
    if isinstance(exercise, Confidence):
        yield from (Said(here, level, "told") for level in exercise.levels)
        return
    if isinstance(exercise, Position):
        yield from (Said(f"{here}/{option.id}", option.text, "told") for option in exercise.options)
        for view in exercise.views:
            yield Said(f"{here}/views", f"{view.role}: {view.reason}", "told")
        return
    yield Said(f"{here}/explanation", exercise.explanation, "ours", markdown=True)
    if isinstance(exercise, SortingQuestion | MatchingQuestion):
        targets = {target.id: target.text for target in exercise.targets}
        for card in exercise.cards:
            yield Said(f"{here}/{card.id}", f"{targets[card.goes_to]}: {card.text}", "right")
            yield Said(f"{here}/{card.id}", card.feedback, "ours")
        left = set(targets) - {card.goes_to for card in exercise.cards}
        yield from (Said(f"{here}/{name}", targets[name], "wrong") for name in sorted(left))
    elif isinstance(exercise, SpottingQuestion):
        for line in exercise.lines:
            voice: Voice = "wrong" if line.id in exercise.answer else "right"
            yield Said(f"{here}/{line.id}", line.text, voice)
            yield Said(f"{here}/{line.id}", line.feedback, "ours")
            yield Said(f"{here}/{line.id}", line.speaker, "told")
    else:
        options = exercise.reasons if isinstance(exercise, ReasonedQuestion) else exercise.options
        for option in options:
            right = isinstance(exercise, OrderingQuestion) or option.id in exercise.answer
            yield Said(f"{here}/{option.id}", option.text, "right" if right else "wrong")
            yield Said(f"{here}/{option.id}", option.feedback, "ours")
