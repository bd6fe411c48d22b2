"""Where somebody is in a module: what is done, what comes next, whether the quiz is open.

Pure: from a module and the progress on record to what a page shows. No clock, no database.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from django.utils.translation import gettext_lazy as _

from course_content.schema import Choice, Claim, GuidanceEntry, Lesson, Module, Node, Quiz, Scenario, Step


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

KINDS = {"lesson": _("Reading"), "scenario": _("Story"), "quiz": _("Questions")}


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
    def kind(self) -> str:
        return str(KINDS[self.step.kind])


@dataclass(frozen=True, slots=True)
class Journey:
    """The whole way through a module for one person."""

    stops: tuple[Stop, ...]

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
        return sum(stop.step.minutes for stop in self.stops if not stop.is_behind)

    @property
    def quiz_open(self) -> bool:
        """Whether everything but the quiz is done or skipped."""
        return not self.before_quiz

    @property
    def before_quiz(self) -> tuple[Stop, ...]:
        """What is still to be done before the quiz opens."""
        return tuple(s for s in self.stops if not isinstance(s.step, Quiz) and not s.is_behind)

    def stop(self, slug: str) -> Stop:
        return next(stop for stop in self.stops if stop.step.slug == slug)

    def after(self, slug: str) -> Stop | None:
        """Where to go from this step: the first one after it that is open and not done, else the next."""
        here = self.stop(slug).number
        onwards = (s for s in self.stops[here:] if not s.is_behind and s.status is not Status.LOCKED)
        return next(onwards, self.next)


def journey(module: Module, progress: Mapping[str, Progress], *, passed: bool) -> Journey:
    """How far somebody is. The quiz is done once it is passed, and locked until the rest is behind them."""
    open_steps = [s for s in module.steps if not isinstance(s, Quiz) and not _behind(progress.get(s.slug))]
    first_open = open_steps[0] if open_steps else None

    def status(step: Step) -> Status:
        if isinstance(step, Quiz):
            if passed:
                return Status.DONE
            return Status.LOCKED if open_steps else Status.NEXT
        record = progress.get(step.slug)
        if record is None or record.done_at is None:
            return Status.NEXT if step is first_open else Status.LATER
        return Status.SKIPPED if record.skipped else Status.DONE

    return Journey(tuple(Stop(step, n, status(step)) for n, step in enumerate(module.steps, 1)))


def _behind(record: Progress | None) -> bool:
    return record is not None and record.done_at is not None


@dataclass(frozen=True, slots=True)
class Ground:
    """One claim that a step makes, and the guidance it rests on."""

    claim: Claim
    sources: tuple[GuidanceEntry, ...]


def grounds(module: Module, step: Lesson | Scenario) -> tuple[Ground, ...]:
    """What a step rests on."""
    claims = (module.claim(claim_id) for claim_id in step.claims)
    return tuple(
        Ground(claim, tuple(entry for entry in module.guidance if entry.id in claim.sources))
        for claim in claims
        if claim is not None
    )


def choices_as_shown(node: Node, *, seed: object) -> tuple[Choice, ...]:
    """A node's choices in the person's own lasting order: the best must not always come first."""
    shown = list(node.choices)
    random.Random(f"{seed}:{node.id}").shuffle(shown)  # noqa: S311 - an order, not a secret
    return tuple(shown)
