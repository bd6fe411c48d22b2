"""The exercises of a lesson, as they stand for one person: asked, or answered and explained."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_content import marking
from course_content.answer_forms import AnswerForm
from course_content.questions import AnyExercise, AnyQuestion, Confidence, Position, Unmarked, View
from course_content.reviews import Answered
from course_content.schema import Lesson, Module
from grading import attempts, enrolments
from grading.models import Enrolment, StepProgress

Answers = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One exercise on a lesson's page. `form` is there to be filled in; without it, it is answered.

    Of an exercise that is not marked, `said` and `said_before` are the answers in words.
    """

    exercise: AnyExercise
    form: AnswerForm | None
    answered: Answered | None = None
    said: str = ""
    said_before: str = ""

    @property
    def views(self) -> tuple[tuple[View, str], ...]:
        """What others may say of a position that was taken, each with its option in words."""
        if not isinstance(self.exercise, Position):
            return ()
        options = {option.id: option.text for option in self.exercise.options}
        return tuple((view, options[view.option]) for view in self.exercise.views)


def form_of(enrolment: Enrolment, lesson: Lesson, exercise: AnyExercise, data: Any) -> AnswerForm:
    return AnswerForm(data, question=_as_put(enrolment, lesson, exercise), prefix=exercise.id)


def pieces_of(
    enrolment: Enrolment, module: Module, lesson: Lesson, *, again: str = "", wrong: AnswerForm | None = None
) -> list[tuple[str, Asked | None]]:
    """The lesson's text in pieces, each with the exercise that follows it.

    `again` is the id of one that is to be answered once more; `wrong` is a form that was refused.
    """
    progress = enrolments.progress_by_step(enrolment)
    answers = _answers(progress.get(lesson.slug))
    said = _said(module, progress)

    def asked(exercise: AnyExercise) -> Asked:
        exercise = _as_put(enrolment, lesson, exercise)
        answer = answers.get(exercise.id)
        if wrong is not None and wrong.question.id == exercise.id:
            return Asked(exercise, wrong)
        if answer is None or exercise.id == again or not _fits(exercise, answer):
            return Asked(exercise, AnswerForm(None, question=exercise, prefix=exercise.id))
        if isinstance(exercise, Unmarked):
            before = said.get(exercise.before or "", "")
            return Asked(exercise, None, said=said[exercise.id], said_before=before)
        return Asked(exercise, None, answered=_answered(exercise, answer))

    pieces = [*lesson.pieces, *(("", question) for question in recalled(enrolment, lesson, answers))]
    return [(text, asked(exercise) if exercise else None) for text, exercise in pieces]


def recalled(enrolment: Enrolment, lesson: Lesson, answers: Answers) -> tuple[AnyQuestion, ...]:
    """The questions that a lesson puts to this person once more.

    First those answered here already, so that the page stays as it was; then those they got wrong when last
    asked, wherever that was; then others, the critical ones before the rest. A question that the pack no longer
    holds is not put: what was right last year need not be so now.
    """
    if lesson.recall is None:
        return ()
    # Here the answers are told, so nothing that an open paper asks comes.
    asked_now = attempts.open_questions(enrolment)
    pool = {question.id: question for question in lesson.recalled if question.id not in asked_now}
    rest = sorted(pool.values(), key=lambda question: question.id)
    random.Random(f"{enrolment.pk}:{lesson.slug}").shuffle(rest)  # noqa: S311 - an order, not a secret
    rest.sort(key=lambda question: not question.critical)
    missed = attempts.missed_questions(enrolment.lti_user.person)
    ids = dict.fromkeys((*answers, *missed, *(question.id for question in rest)))
    return tuple(pool[question_id] for question_id in ids if question_id in pool)[: lesson.recall.draw]


def _as_put(enrolment: Enrolment, lesson: Lesson, exercise: AnyExercise) -> AnyExercise:
    """The exercise in the person's own lasting order."""
    if isinstance(exercise, Unmarked):
        return exercise
    seed = f"{enrolment.pk}:{lesson.slug}:{exercise.id}"
    return marking.shuffled(exercise, random.Random(seed))  # noqa: S311 - an order, not a secret


def _answers(progress: StepProgress | None) -> Answers:
    """The latest answer to each exercise. What else is on record there was kept when the step was another."""
    kept: Iterable[Any] = progress.choices if progress else ()
    return {one["exercise"]: one["answer"] for one in kept if isinstance(one, dict)}


def _fits(exercise: AnyExercise, answer: Sequence[str]) -> bool:
    """Whether an answer kept earlier is one to the exercise as it is today."""
    if isinstance(exercise, Unmarked):
        return _in_words(exercise, answer) != ""
    try:
        marking.clean_answer(exercise, answer)
    except marking.AnswerError:
        return False
    return True


def _answered(question: AnyQuestion, answer: Sequence[str]) -> Answered:
    chosen = (question.option(option_id) for option_id in answer)
    mark = marking.mark_question(question, answer)
    return Answered(1, question, tuple(option for option in chosen if option), mark)


def _said(module: Module, progress: Mapping[str, StepProgress]) -> dict[str, str]:
    """What was said to every exercise of the module that is not marked, in words."""
    return {
        exercise.id: _in_words(exercise, _answers(progress.get(lesson.slug)).get(exercise.id, ()))
        for lesson in module.lessons
        for exercise in lesson.exercises
        if isinstance(exercise, Unmarked)
    }


def _in_words(exercise: Unmarked, answer: Sequence[str]) -> str:
    if isinstance(exercise, Confidence):
        named = {str(n): level for n, level in enumerate(exercise.levels, 1)}
    else:
        named = {option.id: option.text for option in exercise.options}
    return named.get(answer[0], "") if answer else ""
