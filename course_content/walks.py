"""Walking a scenario, or a risk assessment, on record: where somebody stands in it, and what they say next."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from course_content import assessments, scenarios
from course_content.assessments import Assessment, Standing
from course_content.journey import choices_as_shown
from course_content.scenarios import Position
from course_content.schema import Choice, Scenario
from grading import enrolments
from grading.models import Enrolment


@dataclass(frozen=True, slots=True)
class Walk:
    """Where somebody stands. `seen` is how many choices are on record, also such as no longer exist."""

    position: Position
    offered: tuple[Choice, ...]
    recommended: Position
    seen: int
    done: bool

    @property
    def as_recommended(self) -> bool:
        return self.position.choices == self.recommended.choices


def walk_of(enrolment: Enrolment, scenario: Scenario) -> Walk | None:
    """The walk on record; None when the scenario has not been begun."""
    progress = enrolments.progress_by_step(enrolment).get(scenario.slug)
    if progress is None:
        return None
    here = scenarios.position(scenario, progress.choices)
    shown = choices_as_shown(here.node, seed=f"{enrolment.pk}:{scenario.slug}")
    return Walk(
        position=here,
        offered=tuple(choice for choice in shown if choice in here.offered),
        recommended=scenarios.position(scenario, scenario.recommended),
        seen=len(progress.choices),
        done=progress.done_at is not None,
    )


def decide(enrolment: Enrolment, scenario: Scenario, walk: Walk, choice_id: str, *, now: datetime) -> None:
    """Take one more step, and keep it. Whoever has walked in circles for too long begins again."""
    try:
        here = scenarios.take(scenario, walk.position.choices, choice_id)
    except scenarios.NotOnOffer:
        enrolments.walk_again(enrolment, scenario.slug, now=now)
        return
    enrolments.keep_choices(
        enrolment, scenario.slug, seen=walk.seen, choices=here.choices, done=here.ended, now=now
    )


@dataclass(frozen=True, slots=True)
class Assessing:
    """How far somebody is in an assessment. `seen` is as in a Walk."""

    standing: Standing
    seen: int
    done: bool


def assessing_of(enrolment: Enrolment, assessment: Assessment) -> Assessing | None:
    """The assessment on record; None when it has not been begun."""
    progress = enrolments.progress_by_step(enrolment).get(assessment.slug)
    if progress is None:
        return None
    here = assessments.standing(assessment, progress.choices)
    return Assessing(here, seen=len(progress.choices), done=progress.done_at is not None)


def say(
    enrolment: Enrolment,
    assessment: Assessment,
    assessing: Assessing,
    saying: Callable[[Standing], Standing],
    *,
    now: datetime,
) -> None:
    """Say the next thing, and keep it. Whoever has said too much for one walk begins again."""
    try:
        here = saying(assessing.standing)
    except assessments.NotAsked:
        enrolments.walk_again(enrolment, assessment.slug, now=now)
        return
    done = here.decision is not None
    enrolments.keep_choices(
        enrolment, assessment.slug, seen=assessing.seen, choices=here.said, done=done, now=now
    )
