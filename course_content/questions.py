"""The kinds of question, of a quiz and of an exercise in a lesson alike.

An answer is always a list of option ids. Where cards are put somewhere, an option is the putting:
`card:pile`. So every kind has `options`, the right `answer` and `option(id)`, and whoever keeps, marks
or shows an answer needs to know no more.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from django.utils.translation import gettext as _
from pydantic import Field

from course_content.parts import Markdown, Part, Slug, Text


class Option(Part):
    """One possible answer. `feedback` is shown after marking to the person who chose it."""

    id: Slug
    text: Text
    feedback: str = ""


class Putting(Option):
    """A card put somewhere, as an option: `card:pile`, which is the id of no option an author wrote."""

    id: str


class _Question(Part):
    id: Slug
    # What a paper is spread over; every question of a quiz has one.
    topic: Slug | None = None
    prompt: Text
    explanation: Markdown
    # A critical question missed fails the paper whatever the total: these are the "never" items.
    critical: bool = False
    claims: tuple[Slug, ...] = ()


class _Choosing(_Question):
    options: tuple[Option, ...] = Field(min_length=2, max_length=12)
    answer: tuple[Slug, ...] = Field(min_length=1)

    def option(self, option_id: str) -> Option | None:
        return _with_id(self.options, option_id)


class SingleQuestion(_Choosing):
    """One right answer."""

    kind: Literal["single"]


class MultipleQuestion(_Choosing):
    """Choose all that are right; `answer` lists them in any order."""

    kind: Literal["multiple"]


class OrderingQuestion(_Choosing):
    """Put the options in order; `answer` is the right order of all of them."""

    kind: Literal["ordering"]


class ReasonedQuestion(_Question):
    """True or false, and why: the prompt is a statement. The answer is the verdict, then the reason."""

    kind: Literal["reasoned"]
    is_true: bool
    reasons: tuple[Option, ...] = Field(min_length=2, max_length=6)
    reason: Slug

    @property
    def verdicts(self) -> tuple[Option, ...]:
        return (Option(id="true", text=_("True")), Option(id="false", text=_("False")))

    @property
    def options(self) -> tuple[Option, ...]:
        return (*self.verdicts, *self.reasons)

    @property
    def answer(self) -> tuple[str, ...]:
        return ("true" if self.is_true else "false", self.reason)

    def option(self, option_id: str) -> Option | None:
        return _with_id(self.options, option_id)


class Line(Option):
    """One thing said in a dialogue. `feedback` says what it does well, or how it went wrong."""

    speaker: Text


class SpottingQuestion(_Question):
    """A dialogue; `answer` lists the lines that went wrong, in any order."""

    kind: Literal["spotting"]
    lines: tuple[Line, ...] = Field(min_length=3, max_length=16)
    answer: tuple[Slug, ...] = Field(min_length=1)

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(
            Option(id=line.id, text=f"{line.speaker}: {line.text}", feedback=line.feedback)
            for line in self.lines
        )

    def option(self, option_id: str) -> Option | None:
        return _with_id(self.options, option_id)


class Target(Part):
    """Where a card may be put: a pile, or its partner."""

    id: Slug
    text: Text


class Card(Part):
    """`feedback` says why it belongs where it belongs, whoever put it wherever."""

    id: Slug
    text: Text
    goes_to: Slug
    feedback: str = ""


class _Placing(_Question):
    cards: tuple[Card, ...] = Field(min_length=3, max_length=12)

    def _options(self, targets: tuple[Target, ...]) -> tuple[Option, ...]:
        return tuple(
            Putting(id=f"{card.id}:{target.id}", text=f"{card.text} – {target.text}", feedback=card.feedback)
            for card in self.cards
            for target in targets
        )

    @property
    def answer(self) -> tuple[str, ...]:
        return tuple(f"{card.id}:{card.goes_to}" for card in self.cards)


class SortingQuestion(_Placing):
    """Put each card in its pile."""

    kind: Literal["sorting"]
    piles: tuple[Target, ...] = Field(min_length=2, max_length=4)

    @property
    def targets(self) -> tuple[Target, ...]:
        return self.piles

    @property
    def options(self) -> tuple[Option, ...]:
        return self._options(self.piles)

    def option(self, option_id: str) -> Option | None:
        return _with_id(self.options, option_id)


class MatchingQuestion(_Placing):
    """Give each card its partner; no two share one, and some partners may be left over."""

    kind: Literal["matching"]
    partners: tuple[Target, ...] = Field(min_length=3, max_length=12)

    @property
    def targets(self) -> tuple[Target, ...]:
        return self.partners

    @property
    def options(self) -> tuple[Option, ...]:
        return self._options(self.partners)

    def option(self, option_id: str) -> Option | None:
        return _with_id(self.options, option_id)


def _with_id(options: Iterable[Option], option_id: str) -> Option | None:
    return next((option for option in options if option.id == option_id), None)


AnyQuestion = (
    SingleQuestion
    | MultipleQuestion
    | OrderingQuestion
    | ReasonedQuestion
    | SpottingQuestion
    | SortingQuestion
    | MatchingQuestion
)

Question = Annotated[AnyQuestion, Field(discriminator="kind")]


class Confidence(Part):
    """How sure somebody is, on a scale of `levels` from least to most. Kept, never marked.

    `before` names an earlier confidence exercise of the module, to show how the answer has moved.
    """

    kind: Literal["confidence"]
    id: Slug
    prompt: Text
    levels: tuple[Text, ...] = Field(min_length=3, max_length=7)
    before: Slug | None = None


class View(Part):
    """What somebody in this role may say of a case, and which option it comes to."""

    role: Text
    option: Slug
    reason: Text


class Position(Part):
    """What somebody would decide where no answer is right. Kept, never marked; then others' views are shown.

    `before` names an earlier position of the form with the same options, to show whether the view has moved.
    """

    kind: Literal["position"]
    id: Slug
    prompt: Text
    options: tuple[Option, ...] = Field(min_length=2, max_length=6)
    views: tuple[View, ...] = ()
    before: Slug | None = None

    def option(self, option_id: str) -> Option | None:
        return _with_id(self.options, option_id)


# Exercises that ask what only the person themselves can know.
Unmarked = Confidence | Position

AnyExercise = AnyQuestion | Unmarked

Exercise = Annotated[AnyExercise, Field(discriminator="kind")]
