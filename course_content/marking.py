"""Drawing a paper from a module's bank, and marking what came back. Pure: no clock, no database.

A paper carries each question whole, with its options in the order shown, so that it is marked and
shown from itself and never from the pack: the pack may have moved on, the person's paper has not.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import TypeAdapter

from course_content.questions import (
    AnyQuestion as AnyQuestion,
)
from course_content.questions import (
    MatchingQuestion,
    Option,
    OrderingQuestion,
    Question,
    ReasonedQuestion,
    SingleQuestion,
    SortingQuestion,
    SpottingQuestion,
)
from course_content.schema import Module
from grading.papers import Mark, Paper, PaperQuestion, QuestionMark

_QUESTION: TypeAdapter[AnyQuestion] = TypeAdapter(Question)
_Thing = TypeVar("_Thing")


class NoQuiz(ValueError):
    """The module has no quiz to draw from."""


class AnswerError(ValueError):
    """An answer that cannot be taken as it is. `message` is written for the learner."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


# --- drawing --------------------------------------------------------------------------------------


def draw_paper(module: Module, seed: int | str | None = None) -> Paper:
    """Draw one paper: `quiz.draw` questions in a random order, options shuffled.

    Exactly `quiz.critical_at_least` of them are critical wherever the bank allows, so that no
    paper is harder to pass than another, and within that the topics are spread as evenly as the
    bank allows. The same seed gives the same paper; without one the draw cannot be guessed.
    Raises NoQuiz.
    """
    quiz = module.quiz
    if quiz is None:
        raise NoQuiz(f"module '{module.slug}' has no quiz")
    rng: random.Random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 (tests)
    bank = list(quiz.questions)
    rng.shuffle(bank)
    critical = [q for q in bank if q.critical]
    ordinary = [q for q in bank if not q.critical]
    drawn: list[AnyQuestion] = []
    _spread(drawn, critical, quiz.critical_at_least)
    _spread(drawn, ordinary, quiz.draw)
    _spread(drawn, critical, quiz.draw)
    rng.shuffle(drawn)
    return Paper(
        module=module.slug,
        version=module.version,
        questions=tuple(PaperQuestion(q.id, _body(q, rng)) for q in drawn),
    )


def _spread(drawn: list[AnyQuestion], pool: list[AnyQuestion], up_to: int) -> None:
    """Move questions from `pool` to `drawn` until it holds `up_to`, rarest topic so far first."""
    topics = Counter(q.topic for q in drawn)
    while pool and len(drawn) < up_to:
        pick = min(pool, key=lambda q: topics[q.topic])
        pool.remove(pick)
        drawn.append(pick)
        topics[pick.topic] += 1


def _body(question: AnyQuestion, rng: random.Random) -> dict[str, Any]:
    return shuffled(question, rng).model_dump(mode="json")


def shuffled(question: AnyQuestion, rng: random.Random) -> AnyQuestion:
    """The question as it is put: what stands in an order that could give something away is mixed.

    A dialogue keeps its order, and so do piles; partners stand by the alphabet, to be found in a list.
    """
    if isinstance(question, SpottingQuestion):
        return question
    if isinstance(question, ReasonedQuestion):
        return question.model_copy(update={"reasons": _mixed(question.reasons, rng)})
    if isinstance(question, SortingQuestion):
        return question.model_copy(update={"cards": _mixed(question.cards, rng)})
    if isinstance(question, MatchingQuestion):
        partners = tuple(sorted(question.partners, key=lambda partner: partner.text.casefold()))
        return question.model_copy(update={"cards": _mixed(question.cards, rng), "partners": partners})
    options = _mixed(question.options, rng)
    if isinstance(question, OrderingQuestion) and _mostly_right(options, question):
        options = options[::-1]
    return question.model_copy(update={"options": options})


def _mixed(things: Sequence[_Thing], rng: random.Random) -> tuple[_Thing, ...]:
    mixed = list(things)
    rng.shuffle(mixed)
    return tuple(mixed)


def _mostly_right(options: Sequence[Option], question: OrderingQuestion) -> bool:
    """Whether leaving the options untouched would earn more than half, which must not be a gift."""
    return _in_order([o.id for o in options], question.answer) > 0.5


# --- reading a paper back -------------------------------------------------------------------------


def read_question(put: PaperQuestion) -> AnyQuestion:
    """The question as it was put, options in the order shown.

    Fields that a later schema has dropped are passed over, so an old paper still opens.
    Raises pydantic.ValidationError if the body is not a question at all.
    """
    return _QUESTION.validate_python(dict(put.body), extra="ignore")


def read_questions(paper: Paper) -> tuple[AnyQuestion, ...]:
    return tuple(read_question(q) for q in paper.questions)


# --- marking --------------------------------------------------------------------------------------


def mark_paper(paper: Paper, answers: Mapping[str, Sequence[str]]) -> Mark:
    """Mark every question of the paper; one that was not answered earns nothing.

    `answers` maps question id to the option ids chosen. Never raises on account of the answers.
    """
    return Mark(tuple(mark_question(q, answers.get(q.id, ())) for q in read_questions(paper)))


def mark_question(question: AnyQuestion, answer: Sequence[str]) -> QuestionMark:
    """Mark one answer: points from 0 to 1, and exactly 1 only when it is exactly right.

    single: all or nothing.
    multiple, spotting: (right chosen - wrong chosen) / right in all, not below 0.
    ordering: the share of all pairs that stand in the right order.
    reasoned: a half for the right verdict, the rest for the right reason with it.
    sorting: (cards in their pile - what guessing would gain by those that are not) / all cards, not
    below 0: with p piles, each wrong card takes 1 / (p - 1) away.
    matching: the share of cards with their own partner.
    Unknown or repeated option ids, and one card put in two places, earn nothing for the question.
    """
    return QuestionMark(question.id, _points(question, answer), question.critical)


def _points(question: AnyQuestion, answer: Sequence[str]) -> float:
    known = {o.id for o in question.options}
    chosen = list(answer)
    if not chosen or len(set(chosen)) != len(chosen) or not set(chosen) <= known:
        return 0.0
    right = question.answer
    if isinstance(question, OrderingQuestion):
        return _in_order(chosen, right)
    if set(chosen) == set(right):
        return 1.0
    hits = len(set(chosen) & set(right))
    misses = len(chosen) - hits
    if isinstance(question, SingleQuestion):
        return 0.0
    if isinstance(question, ReasonedQuestion):
        return 0.5 if right[0] in chosen and len(chosen) <= 2 and not _both_verdicts(chosen) else 0.0
    if isinstance(question, (SortingQuestion, MatchingQuestion)):
        if _put_twice(chosen):
            return 0.0
        if isinstance(question, SortingQuestion):
            return max(0.0, (hits - misses / (len(question.piles) - 1)) / len(question.cards))
        return hits / len(question.cards)
    return max(0.0, (hits - misses) / len(right))


def _both_verdicts(chosen: Sequence[str]) -> bool:
    return {"true", "false"} <= set(chosen)


def _put_twice(chosen: Sequence[str]) -> bool:
    cards = [putting.partition(":")[0] for putting in chosen]
    return len(set(cards)) != len(cards)


def _in_order(order: Sequence[str], right: Sequence[str]) -> float:
    """The share of all pairs of `right` that `order` keeps; a pair with one missing is not kept."""
    place = {option_id: i for i, option_id in enumerate(order)}
    pairs = [(a, b) for i, a in enumerate(right) for b in right[i + 1 :]]
    kept = sum(1 for a, b in pairs if a in place and b in place and place[a] < place[b])
    return kept / len(pairs) if pairs else 0.0


# --- answers at the edge --------------------------------------------------------------------------


def clean_answer(question: AnyQuestion, values: Sequence[str]) -> list[str]:
    """An answer as it may be stored: known option ids, in the order given.

    Raises AnswerError, worded for the learner, if anything is missing, repeated or unknown.
    """
    chosen = [v for v in values if v]
    known = {o.id for o in question.options}
    if not chosen:
        raise AnswerError(str(_NOTHING_CHOSEN[question.kind]))
    if not set(chosen) <= known:
        raise AnswerError(_("That answer is not one of the options. Please choose again."))
    if isinstance(question, SingleQuestion) and len(chosen) > 1:
        raise AnswerError(_("Choose one answer only."))
    if isinstance(question, OrderingQuestion) and sorted(chosen) != sorted(known):
        raise AnswerError(_("Give every item its own place in the order, using each place once."))
    if len(set(chosen)) != len(chosen):
        raise AnswerError(_("Choose each answer only once."))
    if isinstance(question, ReasonedQuestion):
        return _clean_reasoned(question, chosen)
    if isinstance(question, (SortingQuestion, MatchingQuestion)):
        _check_put(question, chosen)
    return chosen


def _clean_reasoned(question: ReasonedQuestion, chosen: list[str]) -> list[str]:
    """The verdict, then the reason."""
    verdicts = [v for v in chosen if v in {"true", "false"}]
    reasons = [v for v in chosen if v not in verdicts]
    if len(verdicts) != 1:
        raise AnswerError(_("Say whether it is true or false."))
    if len(reasons) != 1:
        raise AnswerError(_("Choose the reason, too."))
    return [*verdicts, *reasons]


def _check_put(question: SortingQuestion | MatchingQuestion, chosen: Sequence[str]) -> None:
    if _put_twice(chosen) or len(chosen) != len(question.cards):
        raise AnswerError(
            _("Put every card in a pile.")
            if isinstance(question, SortingQuestion)
            else _("Choose a partner for every line.")
        )
    targets = [putting.partition(":")[2] for putting in chosen]
    if isinstance(question, MatchingQuestion) and len(set(targets)) != len(targets):
        raise AnswerError(_("Use each partner only once."))


_NOTHING_CHOSEN = {
    "single": gettext_lazy("Choose an answer."),
    "multiple": gettext_lazy("Choose at least one answer."),
    "ordering": gettext_lazy("Put the items in order."),
    "reasoned": gettext_lazy("Say whether it is true or false."),
    "spotting": gettext_lazy("Choose at least one line."),
    "sorting": gettext_lazy("Put every card in a pile."),
    "matching": gettext_lazy("Choose a partner for every line."),
}
