"""Where somebody is in a module: what is done, what comes next, whether the quiz is open.

Pure: from a module and the progress on record to what a page shows. No clock, no database.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import takewhile
from typing import Protocol

from django.utils.translation import gettext_lazy as _

from course_content.questions import Unmarked
from course_content.schema import (
    Choice,
    Claim,
    Commitment,
    GuidanceEntry,
    Lesson,
    Module,
    Node,
    Quiz,
    Section,
    Step,
)


class Progress(Protocol):
    """What is on record of one step (a `grading.models.StepProgress`)."""

    done_at: datetime | None
    skipped: bool


class Status(StrEnum):
    """How a step stands for one person, each with the words they read."""

    DONE = "done"
    SKIPPED = "skipped"
    NEXT = "next"
    LATER = "later"
    LOCKED = "locked"

    @property
    def words(self) -> str:
        return str(_WORDS[self])


_WORDS = {
    Status.DONE: _("Done"),
    Status.SKIPPED: _("Skipped"),
    Status.NEXT: _("Next"),
    Status.LATER: _("Not yet"),
    Status.LOCKED: _("Opens when the steps before it are done or skipped"),
}

KINDS = {
    "lesson": _("Reading"),
    "scenario": _("Story"),
    "assessment": _("A case to assess"),
    "commitment": _("One change"),
    "quiz": _("Questions"),
}


@dataclass(frozen=True, slots=True)
class Stop:
    """One step of the module as it stands for one person. `number` counts from 1."""

    step: Step
    number: int
    status: Status

    @property
    def is_behind(self) -> bool:
        return self.status in {Status.DONE, Status.SKIPPED}

    @property
    def is_break(self) -> bool:
        return isinstance(self.step, Lesson) and self.step.rest

    @property
    def kind(self) -> str:
        if self.is_break:
            return str(_("Break"))
        if isinstance(self.step, Lesson) and (self.step.exercises or self.step.recall):
            return str(_("Reading and exercises"))
        return str(KINDS[self.step.kind])


@dataclass(frozen=True, slots=True)
class Stage:
    """Some stops that belong together, under the title of their section; without one, all there are."""

    section: Section | None
    stops: tuple[Stop, ...]

    @property
    def minutes(self) -> int:
        return sum(stop.step.minutes for stop in self.stops)

    @property
    def is_behind(self) -> bool:
        return all(stop.is_behind for stop in self.stops)


@dataclass(frozen=True, slots=True)
class Journey:
    """The whole way through a module for one person."""

    stops: tuple[Stop, ...]
    sections: tuple[Section, ...] = ()

    @property
    def stages(self) -> tuple[Stage, ...]:
        if not self.sections:
            return (Stage(None, self.stops),)
        by_slug = {stop.step.slug: stop for stop in self.stops}
        return tuple(Stage(s, tuple(by_slug[slug] for slug in s.steps)) for s in self.sections)

    def stage_of(self, slug: str) -> Section | None:
        """The section in which a step stands."""
        return next((section for section in self.sections if slug in section.steps), None)

    @property
    def next(self) -> Stop | None:
        """The step to go on with; None when nothing is left."""
        return next((stop for stop in self.stops if stop.status is Status.NEXT), None)

    @property
    def begun(self) -> bool:
        return any(stop.is_behind for stop in self.stops)

    @property
    def behind(self) -> int:
        return sum(stop.is_behind for stop in self.stops)

    @property
    def minutes_left(self) -> int:
        """Of training: a break is none."""
        return sum(s.step.minutes for s in self.stops if not s.is_behind and not s.is_break)

    @property
    def quiz_open(self) -> bool:
        """Whether everything before the quiz is done or skipped."""
        return not self.before_quiz

    @property
    def before_quiz(self) -> tuple[Stop, ...]:
        """What is still to be done before the quiz opens."""
        return tuple(s for s in _before_quiz(self.stops) if not s.is_behind)

    def stop(self, slug: str) -> Stop:
        return next(stop for stop in self.stops if stop.step.slug == slug)

    def after(self, slug: str) -> Stop | None:
        """Where to go from this step: the first one after it that is open and not done, else the next."""
        here = self.stop(slug).number
        onwards = (s for s in self.stops[here:] if not s.is_behind and s.status is not Status.LOCKED)
        return next(onwards, self.next)


def journey(module: Module, progress: Mapping[str, Progress], *, passed: bool) -> Journey:
    """How far somebody is. The quiz is done once it is passed, and locked until all before it is behind them."""
    open_steps = [
        s for s in module.steps if not (passed if isinstance(s, Quiz) else _behind(progress.get(s.slug)))
    ]
    first_open = open_steps[0] if open_steps else None

    def status(step: Step) -> Status:
        if isinstance(step, Quiz):
            if passed:
                return Status.DONE
            return Status.NEXT if step is first_open else Status.LOCKED
        record = progress.get(step.slug)
        if record is None or record.done_at is None:
            return Status.NEXT if step is first_open else Status.LATER
        return Status.SKIPPED if record.skipped else Status.DONE

    stops = (Stop(step, n, status(step)) for n, step in enumerate(module.steps, 1))
    return Journey(tuple(stops), module.sections)


def _before_quiz(stops: Iterable[Stop]) -> Iterator[Stop]:
    return takewhile(lambda stop: not isinstance(stop.step, Quiz), stops)


def _behind(record: Progress | None) -> bool:
    return record is not None and record.done_at is not None


@dataclass(frozen=True, slots=True)
class Ground:
    """One claim that a step makes, and the guidance it rests on."""

    claim: Claim
    sources: tuple[GuidanceEntry, ...]


def grounds(module: Module, step: Step) -> tuple[Ground, ...]:
    """What a step rests on, exercises and all."""
    claims = (module.claim(claim_id) for claim_id in _claims_of(step))
    return tuple(
        Ground(claim, tuple(entry for entry in module.guidance if entry.id in claim.sources))
        for claim in claims
        if claim is not None
    )


def _claims_of(step: Step) -> tuple[str, ...]:
    if isinstance(step, Commitment | Quiz):
        return ()
    exercises = step.exercises if isinstance(step, Lesson) else ()
    own = [claim for e in exercises if not isinstance(e, Unmarked) for claim in e.claims]
    return tuple(dict.fromkeys((*step.claims, *own)))


def choices_as_shown(node: Node, *, seed: object) -> tuple[Choice, ...]:
    """A node's choices in the person's own lasting order: the best must not always come first."""
    shown = list(node.choices)
    random.Random(f"{seed}:{node.id}").shuffle(shown)  # noqa: S311 - an order, not a secret
    return tuple(shown)
