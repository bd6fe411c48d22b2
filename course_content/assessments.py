"""A risk assessment walked through: a made-up case, the triggers for a referral, the decision and why.

Each trigger is answered yes, no or "not known yet", which is never a no. One yes means a referral. Only
when every trigger is a no, and a reason that holds has been chosen, may a case be handled in school.

What is recorded is a list of what was said, in order: `adult:no`, `threats:not-known`, and last
`because:` with the reasons. Where that leads is worked out anew each time, as for a scenario.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from course_content.local_rules import AskedRule
from course_content.parts import Markdown, Minutes, Part, Slug, Text
from course_content.stories import FindingKind


def _unquoted(answer: object) -> object:
    """YAML reads a bare yes or no as true or false."""
    return {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else answer


Answer = Annotated[Literal["yes", "no", "not-known"], BeforeValidator(_unquoted)]
ANSWERS: tuple[Answer, ...] = ("yes", "no", "not-known")

# Before the reasons in what is recorded; no trigger may be called so.
BECAUSE = "because"

# Reasons are asked for until they hold; a record is not filled without end.
MOST_SAID = 100


class Trigger(Part):
    """One question whose yes means a referral, and to whom.

    `answer` is what this case comes to, and `explanation` says why. `finding_out` is what comes to light
    when somebody who does not know goes and asks; the question is then put once more. With `local`, it is
    asked only where the school has chosen that rule (`local.tightened`).
    """

    id: Slug
    question: Text
    hint: str = ""
    refer_to: tuple[Text, ...] = Field(min_length=1)
    answer: Answer
    explanation: Markdown
    finding_out: Markdown | None = None
    local: AskedRule | None = None


class Reason(Part):
    """Why a case may be handled in school: one that holds, or one that is often heard and does not."""

    id: Slug
    text: Text
    holds: bool
    feedback: Text


class Assessment(Part):
    """The walk-through of one made-up case. There is no field in which to write, on purpose."""

    kind: Literal["assessment"] = "assessment"
    slug: Slug
    title: Text
    minutes: Minutes
    intro: Markdown
    content_note: str = ""
    skippable: bool = True
    claims: tuple[Slug, ...] = ()
    case: Markdown
    triggers: tuple[Trigger, ...] = Field(min_length=1, max_length=12)
    reasons: tuple[Reason, ...] = Field(min_length=2, max_length=12)
    # What each decision means: said with it.
    refer: Markdown
    find_out: Markdown
    in_school: Markdown
    checks: tuple[Text, ...] = Field(min_length=1)

    @property
    def answers(self) -> dict[str, Answer]:
        """What this case comes to."""
        return {trigger.id: trigger.answer for trigger in self.triggers}


class Decision(StrEnum):
    REFER = "refer"
    FIND_OUT = "find-out"
    IN_SCHOOL = "in-school"


class NotAsked(ValueError):
    """What was said answers nothing that is asked now: a stale page, or made up."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """One trigger with what was said of it last."""

    trigger: Trigger
    answer: Answer

    @property
    def as_we_see_it(self) -> bool:
        return self.answer == self.trigger.answer


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an assessment has got. `said` is what still counts of the record; save it."""

    assessment: Assessment
    said: tuple[str, ...]
    answers: Mapping[str, tuple[Answer, ...]]
    reasons: tuple[Reason, ...]

    @property
    def asked(self) -> Trigger | None:
        """The trigger to answer now: each once, then each that is not known and can be found out."""
        triggers = self.assessment.triggers
        never = (t for t in triggers if t.id not in self.answers)
        again = (t for t in triggers if self.answers.get(t.id) == ("not-known",) and t.finding_out)
        return next(never, None) or next(again, None)

    @property
    def found_out(self) -> str | None:
        """What has come to light on the trigger that is asked, when it is asked again."""
        asked = self.asked
        return asked.finding_out if asked and asked.id in self.answers else None

    @property
    def number(self) -> int:
        """Which trigger is asked, from 1."""
        asked = self.asked
        return self.assessment.triggers.index(asked) + 1 if asked else len(self.assessment.triggers)

    @property
    def weighed(self) -> tuple[Weighed, ...]:
        """Every trigger answered so far."""
        triggers = self.assessment.triggers
        return tuple(Weighed(t, self.answers[t.id][-1]) for t in triggers if t.id in self.answers)

    @property
    def raised(self) -> tuple[Trigger, ...]:
        """The triggers answered with a yes."""
        return tuple(w.trigger for w in self.weighed if w.answer == "yes")

    @property
    def refer_to(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(whom for trigger in self.raised for whom in trigger.refer_to))

    @property
    def reasons_asked(self) -> bool:
        """Whether all that is left to say is why it may be handled in school."""
        return self.asked is None and self.decision is None

    @property
    def reasons_hold(self) -> bool:
        return bool(self.reasons) and all(reason.holds for reason in self.reasons)

    @property
    def decision(self) -> Decision | None:
        if self.asked is not None:
            return None
        last = {w.answer for w in self.weighed}
        if "yes" in last:
            return Decision.REFER
        if "not-known" in last:
            return Decision.FIND_OUT
        return Decision.IN_SCHOOL if self.reasons_hold else None

    @property
    def finding(self) -> FindingKind | None:
        """Where the decision goes further than the case called for, or not as far."""
        ours = our_decision(self.assessment)
        if ours is not Decision.IN_SCHOOL and self.decision is Decision.IN_SCHOOL:
            return "under-referral"
        if ours is Decision.REFER and self.decision is Decision.FIND_OUT:
            return "delay"
        if ours is Decision.IN_SCHOOL and self.decision is Decision.REFER:
            return "over-referral"
        return None


def our_decision(assessment: Assessment) -> Decision:
    """What the case comes to when every trigger is answered as the pack has it."""
    answers = set(assessment.answers.values())
    if "yes" in answers:
        return Decision.REFER
    return Decision.FIND_OUT if "not-known" in answers else Decision.IN_SCHOOL


def standing(assessment: Assessment, said: Sequence[object] = ()) -> Standing:
    """Work out what was said. What answers nothing that the pack asks today is passed over."""
    triggers = {trigger.id: trigger for trigger in assessment.triggers}
    known = {reason.id: reason for reason in assessment.reasons}
    kept: list[str] = []
    answers: dict[str, tuple[Answer, ...]] = {}
    reasons: tuple[Reason, ...] = ()
    for one in said[:MOST_SAID]:
        about, _colon, words = str(one).partition(":")
        answer = next((a for a in ANSWERS if a == words), None)
        before = answers.get(about, ())
        if about in triggers and answer and _open(triggers[about], before):
            answers[about] = (*before, answer)
        elif about == BECAUSE and set(words.split(",")) <= set(known):
            reasons = tuple(known[reason] for reason in words.split(","))
        else:
            continue
        kept.append(str(one))
    return Standing(assessment, tuple(kept), answers, reasons)


def _open(trigger: Trigger, before: tuple[Answer, ...]) -> bool:
    return not before or (before == ("not-known",) and trigger.finding_out is not None)


def answer(here: Standing, words: str) -> Standing:
    """Answer the trigger that is asked. Raises NotAsked."""
    if here.asked is None or words not in ANSWERS:
        raise NotAsked(f"'{words}' answers nothing that '{here.assessment.slug}' asks now")
    return standing(here.assessment, (*here.said, f"{here.asked.id}:{words}"))


def give_reasons(here: Standing, reason_ids: Sequence[str]) -> Standing:
    """Say why it may be handled in school. Raises NotAsked."""
    known = {reason.id for reason in here.assessment.reasons}
    full = len(here.said) >= MOST_SAID
    if not here.reasons_asked or not reason_ids or not set(reason_ids) <= known or full:
        raise NotAsked(f"reasons are not what '{here.assessment.slug}' asks for now")
    return standing(here.assessment, (*here.said, f"{BECAUSE}:{','.join(dict.fromkeys(reason_ids))}"))
