"""The exercises of a lesson, as they stand for one person: asked, or answered and explained."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_content import marking
from course_content.answer_forms import AnswerForm
from course_content.questions import AnyExercise, AnyQuestion, Confidence
from course_content.reviews import Answered
from course_content.schema import Lesson, Module
from grading import enrolments
from grading.models import Enrolment, StepProgress

Answers = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One exercise on a lesson's page. `form` is there to be filled in; without it, it is answered."""

    exercise: AnyExercise
    form: AnswerForm | None
    answered: Answered | None = None
    level: str = ""
    level_before: str = ""


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
    levels = _levels(module, progress)

    def asked(exercise: AnyExercise) -> Asked:
        exercise = _as_put(enrolment, lesson, exercise)
        answer = answers.get(exercise.id)
        if wrong is not None and wrong.question.id == exercise.id:
            return Asked(exercise, wrong)
        if answer is None or exercise.id == again or not _fits(exercise, answer):
            return Asked(exercise, AnswerForm(None, question=exercise, prefix=exercise.id))
        if isinstance(exercise, Confidence):
            before = levels.get(exercise.before or "", "")
            return Asked(exercise, None, level=levels[exercise.id], level_before=before)
        return Asked(exercise, None, answered=_answered(exercise, answer))

    return [(text, asked(exercise) if exercise else None) for text, exercise in lesson.pieces]


def _as_put(enrolment: Enrolment, lesson: Lesson, exercise: AnyExercise) -> AnyExercise:
    """The exercise in the person's own lasting order."""
    if isinstance(exercise, Confidence):
        return exercise
    seed = f"{enrolment.pk}:{lesson.slug}:{exercise.id}"
    return marking.shuffled(exercise, random.Random(seed))  # noqa: S311 - an order, not a secret


def _answers(progress: StepProgress | None) -> Answers:
    """The latest answer to each exercise. What else is on record there was kept when the step was another."""
    kept: Iterable[Any] = progress.choices if progress else ()
    return {one["exercise"]: one["answer"] for one in kept if isinstance(one, dict)}


def _fits(exercise: AnyExercise, answer: Sequence[str]) -> bool:
    """Whether an answer kept earlier is one to the exercise as it is today."""
    if isinstance(exercise, Confidence):
        return _level(exercise, answer) != ""
    try:
        marking.clean_answer(exercise, answer)
    except marking.AnswerError:
        return False
    return True


def _answered(question: AnyQuestion, answer: Sequence[str]) -> Answered:
    chosen = (question.option(option_id) for option_id in answer)
    mark = marking.mark_question(question, answer)
    return Answered(1, question, tuple(option for option in chosen if option), mark)


def _levels(module: Module, progress: Mapping[str, StepProgress]) -> dict[str, str]:
    """What was said on every confidence scale of the module, in words."""
    return {
        exercise.id: _level(exercise, _answers(progress.get(lesson.slug)).get(exercise.id, ()))
        for lesson in module.lessons
        for exercise in lesson.exercises
        if isinstance(exercise, Confidence)
    }


def _level(scale: Confidence, answer: Sequence[str]) -> str:
    named = {str(n): level for n, level in enumerate(scale.levels, 1)}
    return named.get(answer[0], "") if answer else ""
