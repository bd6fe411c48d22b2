"""What a module is made of: the shapes of a content pack, frozen once read.

These classes say what each *field* may hold. What only shows when pieces are put together (a choice
that leads nowhere, an answer that names no option) is checked in `pack_rules`, where it can be
reported with the line an author has to mend.

Room is left on purpose: a new kind of question is one more class in `questions`, a new kind of step
one more in `Step`; variants by nation or audience are new fields with a default, so that packs and
papers written before them still read.
"""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from course_content.assessments import Assessment
from course_content.parts import (
    Audience,
    Claim,
    GuidanceEntry,
    Helpline,
    Language,
    Markdown,
    Minutes,
    Nation,
    Part,
    Reach,
    Slug,
    Text,
)
from course_content.questions import (
    AnyExercise,
    Exercise,
    MultipleQuestion,
    Option,
    OrderingQuestion,
    Question,
    SingleQuestion,
)
from course_content.stories import Choice, Ending, Node, Outcome, Scenario, Verdict

__all__ = [
    "Assessment",
    "Audience",
    "Choice",
    "Claim",
    "Commitment",
    "Ending",
    "GuidanceEntry",
    "Helpline",
    "Language",
    "Lesson",
    "Markdown",
    "Minutes",
    "Module",
    "ModuleFacts",
    "ModuleFile",
    "MultipleQuestion",
    "Nation",
    "Node",
    "Option",
    "OrderingQuestion",
    "Outcome",
    "Part",
    "Question",
    "Quiz",
    "Scenario",
    "SingleQuestion",
    "Slug",
    "Step",
    "Text",
    "Verdict",
    "Words",
]

# --- steps ----------------------------------------------------------------------------------------


_EXERCISE_HERE = re.compile(r"^::: exercise ([a-z0-9-]+)[ ]*$", re.MULTILINE)


def places_in(body: str) -> tuple[str, ...]:
    """The exercises that a text has places for, in order."""
    return tuple(_EXERCISE_HERE.findall(body))


class Recall(Part):
    """Questions of these banks once more, ungraded: first those that a person got wrong before."""

    draw: Annotated[int, Field(ge=1, le=20)]
    banks: tuple[Slug, ...] = Field(min_length=1)


class Lesson(Part):
    """Something to read, with exercises in it: each where the body has a line `::: exercise its-id`,
    those without such a line after the body. Answers are kept and explained, never graded.

    A lesson to `rest` is a break: its minutes are nobody's training.
    """

    kind: Literal["lesson"] = "lesson"
    slug: Slug
    title: Text
    minutes: Minutes
    claims: tuple[Slug, ...] = ()
    content_note: str = ""
    rest: bool = False
    body: Markdown
    exercises: tuple[Exercise, ...] = ()
    recall: Recall | None = None
    # The questions of the recall's banks; put here when the pack is read, never by an author.
    recalled: tuple[Question, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The ids of exercises that the body places, in its order."""
        return places_in(self.body)

    @property
    def pieces(self) -> tuple[tuple[str, AnyExercise | None], ...]:
        """The body in pieces, each with the exercise that follows it."""
        texts = _EXERCISE_HERE.split(self.body)[::2]
        placed = [self.exercise(exercise_id) for exercise_id in self.places]
        left = [("", e) for e in self.exercises if e.id not in self.places]
        return (*zip(texts, [*placed, None], strict=True), *left)

    def exercise(self, exercise_id: str) -> AnyExercise | None:
        return next((e for e in (*self.exercises, *self.recalled) if e.id == exercise_id), None)


class Bank(Part):
    """Questions on one subject, from which quizzes draw and lessons recall."""

    questions: tuple[Question, ...] = Field(min_length=1)


class Quiz(Part):
    """What questions there are, its own and those of its `banks`, and how many of them make one paper."""

    kind: Literal["quiz"] = "quiz"
    slug: Slug
    title: Text
    minutes: Minutes
    intro: Markdown
    draw: Annotated[int, Field(ge=1, le=100)]
    critical_at_least: Annotated[int, Field(ge=0)] = 0
    banks: tuple[Slug, ...] = ()
    questions: tuple[Question, ...] = ()


class Words(Part):
    """Words to choose."""

    id: Slug
    text: Text


class Commitment(Part):
    """One change that somebody will make: chosen words, so that no child's detail can enter.

    They are read as one sentence: "I will", a change, a comma, by when.
    """

    kind: Literal["commitment"] = "commitment"
    slug: Slug
    title: Text
    minutes: Minutes
    intro: Markdown
    skippable: bool = True
    changes: tuple[Words, ...] = Field(min_length=2, max_length=16)
    by_when: tuple[Words, ...] = Field(min_length=2, max_length=8)


Step = Lesson | Scenario | Assessment | Commitment | Quiz


# --- what has changed -----------------------------------------------------------------------------


class Reteach(Part):
    """How a changed edition reaches some of those who were taught the one before."""

    audiences: tuple[Audience, ...] = Field(min_length=1)
    by: Literal["bridge", "retake", "none"]
    # The form to take: a short bridge, or the whole again.
    form: Slug | None = None
    why: str = ""

    @model_validator(mode="after")
    def _says_how(self) -> "Reteach":
        if (self.by == "none") is (self.form is not None):
            raise ValueError("needs a 'form' to take, unless 'by' is none")
        return self


class Change(Part):
    """One edition of guidance or law that took another's place, what is different, and who must learn it."""

    id: Slug
    guidance: Slug
    replaces: Slug | None = None
    nation: Reach
    on: date
    what: Markdown
    reteach: tuple[Reteach, ...] = Field(min_length=1)

    def reteaching(self, audience: Audience) -> Reteach | None:
        return next((one for one in self.reteach if audience in one.audiences), None)


# --- the module -----------------------------------------------------------------------------------


class ModuleFacts(Part):
    """What a form's file says about the module as a whole."""

    slug: Slug
    version: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+){0,2}$")]
    title: Text
    summary: Text
    minutes: Minutes
    languages: tuple[Language, ...] = Field(default=("en",), min_length=1)
    nations: tuple[Nation, ...] = Field(min_length=1)
    audiences: tuple[Audience, ...] = Field(min_length=1)
    outcomes: tuple[Text, ...] = Field(min_length=1)
    # "draft" until a named person has checked it; a certificate repeats this word for word.
    status: Annotated[str, StringConstraints(pattern=r"^(draft|reviewed by .+ on \d{4}-\d{2}-\d{2})$")]
    guidance_edition: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    pass_mark: Annotated[int, Field(ge=1, le=100)] = 80
    content_note: Markdown
    wellbeing: Markdown
    helplines: tuple[Helpline, ...] = ()


class Section(Part):
    """Steps that belong together under one title. In the file `steps` are files, in the module slugs."""

    slug: Slug
    title: Text
    outcomes: tuple[Text, ...] = ()
    steps: tuple[str, ...] = Field(min_length=1)


class ModuleFile(ModuleFacts):
    """A form: the facts, and the files of the steps in the order they are taken, in sections or without."""

    steps: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.steps, *(file for section in self.sections for file in section.steps))


class Module(ModuleFacts):
    """A form as one variant's readers get it, read and checked."""

    nation: Nation
    audience: Audience
    language: Language
    steps: tuple[Step, ...]
    sections: tuple[Section, ...] = ()
    # What its steps and helplines rest on, and no more.
    guidance: tuple[GuidanceEntry, ...]
    claims: tuple[Claim, ...]
    changes: tuple[Change, ...] = ()
    content_hash: str
    # Some of its words were translated by a machine, and no reader of the language has agreed to them yet.
    machine_drafted: bool = False

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        return tuple(s for s in self.steps if isinstance(s, Lesson))

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        return tuple(s for s in self.steps if isinstance(s, Scenario))

    @property
    def quiz(self) -> Quiz | None:
        return next((s for s in self.steps if isinstance(s, Quiz)), None)

    @property
    def is_draft(self) -> bool:
        return self.status == "draft"

    @property
    def unverified_claims(self) -> tuple[Claim, ...]:
        return tuple(c for c in self.claims if not c.verified)

    def step(self, slug: str) -> Step | None:
        """The step with this slug, or None."""
        return next((s for s in self.steps if s.slug == slug), None)

    def claim(self, claim_id: str) -> Claim | None:
        return next((c for c in self.claims if c.id == claim_id), None)

    def overdue_guidance(self, today: date) -> tuple[GuidanceEntry, ...]:
        """Guidance whose review-by date has passed: a banner is due, then withdrawal."""
        return tuple(g for g in self.guidance if g.review_by < today)
