"""A paper with its answers, to be checked before it is submitted and looked back on afterwards. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from course_content.marking import AnyQuestion, read_questions
from course_content.schema import Option
from grading.papers import Mark, Paper, QuestionMark


@dataclass(frozen=True, slots=True)
class Answered:
    """One question as it was put, what was answered, and, once marked, what that earned."""

    number: int
    question: AnyQuestion
    chosen: tuple[Option, ...]
    mark: QuestionMark | None = None

    @property
    def right_answer(self) -> tuple[Option, ...]:
        return _options(self.question, self.question.answer)

    @property
    def in_order(self) -> bool:
        return self.question.kind == "ordering"

    @property
    def feedback(self) -> tuple[Option, ...]:
        """What there is to say about the options that were chosen."""
        return tuple(option for option in self.chosen if option.feedback)

    @property
    def missed_critical(self) -> bool:
        return self.mark is not None and self.mark.critical and not self.mark.right

    @property
    def partly_right(self) -> bool:
        return self.mark is not None and 0 < self.mark.points < 1


def answered(
    paper: Paper, answers: Mapping[str, Sequence[str]], mark: Mark | None = None
) -> tuple[Answered, ...]:
    """Every question of a paper in its order, each with its answer."""
    marks = {one.question_id: one for one in mark.questions} if mark else {}
    return tuple(
        Answered(n, question, _options(question, answers.get(question.id, ())), marks.get(question.id))
        for n, question in enumerate(read_questions(paper), 1)
    )


def _options(question: AnyQuestion, ids: Sequence[str]) -> tuple[Option, ...]:
    """The options with these ids, in this order; ids that are no options are passed over."""
    found = (question.option(option_id) for option_id in ids)
    return tuple(option for option in found if option is not None)
