"""Drawing a paper from a module's bank, and marking what came back. Pure: no clock, no database.

A paper carries each question whole, with its options in the order shown, so that it is marked and
shown from itself and never from the pack: the pack may have moved on, the person's paper has not.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from course_content.schema import (
    Module,
    MultipleQuestion,
    Option,
    OrderingQuestion,
    Question,
    SingleQuestion,
)
from grading.papers import Mark, Paper, PaperQuestion, QuestionMark

AnyQuestion = SingleQuestion | MultipleQuestion | OrderingQuestion

_QUESTION: TypeAdapter[AnyQuestion] = TypeAdapter(Question)


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
    options = list(question.options)
    rng.shuffle(options)
    if isinstance(question, OrderingQuestion) and _mostly_right(options, question):
        options.reverse()
    return question.model_copy(update={"options": tuple(options)}).model_dump(mode="json")


def _mostly_right(options: list[Option], question: OrderingQuestion) -> bool:
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

    single: all or nothing. multiple: (right chosen - wrong chosen) / right in all, not below 0.
    ordering: the share of all pairs that stand in the right order. Unknown or repeated option ids
    earn nothing for the question.
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
    if isinstance(question, SingleQuestion):
        return 0.0
    hits = len(set(chosen) & set(right))
    return max(0.0, (hits - (len(chosen) - hits)) / len(right))


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
        raise AnswerError(_NOTHING_CHOSEN[question.kind])
    if not set(chosen) <= known:
        raise AnswerError("That answer is not one of the options. Please choose again.")
    if isinstance(question, SingleQuestion) and len(chosen) > 1:
        raise AnswerError("Choose one answer only.")
    if isinstance(question, OrderingQuestion) and sorted(chosen) != sorted(known):
        raise AnswerError("Give every item its own place in the order, using each place once.")
    if len(set(chosen)) != len(chosen):
        raise AnswerError("Choose each answer only once.")
    return chosen


_NOTHING_CHOSEN = {
    "single": "Choose an answer.",
    "multiple": "Choose at least one answer.",
    "ordering": "Put the items in order.",
}
