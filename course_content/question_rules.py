"""What must hold inside a question, and between the questions of a quiz or a lesson."""

from collections.abc import Iterator, Sequence

from course_content.local_places import place_findings
from course_content.pack_rules import Finding, repeated
from course_content.questions import (
    AnyQuestion,
    Confidence,
    MatchingQuestion,
    MultipleQuestion,
    OrderingQuestion,
    Position,
    ReasonedQuestion,
    SingleQuestion,
    SortingQuestion,
    SpottingQuestion,
    Unmarked,
)
from course_content.schema import Bank, Lesson, Quiz, places_in
from course_content.sources import Loc

# Enough questions that a colleague's paper, or one's own second go, is a different paper.
BANK_PER_DRAWN = 3


def quiz_findings(quiz: Quiz) -> Iterator[Finding]:
    """A bank too small for its draw; `quiz` with the questions of its banks."""
    if not quiz.questions:
        yield Finding(("questions",), "there are none: name some 'banks', or write questions here")
    elif len(quiz.questions) < BANK_PER_DRAWN * quiz.draw:
        message = (
            f"draws {quiz.draw} from {len(quiz.questions)} questions;"
            f" the bank must hold at least {BANK_PER_DRAWN} times as many as are drawn"
        )
        yield Finding(("draw",), message)
    critical = sum(q.critical for q in quiz.questions)
    if quiz.critical_at_least > min(critical, quiz.draw):
        message = f"asks for {quiz.critical_at_least}; the bank has {critical}, {quiz.draw} drawn"
        yield Finding(("critical_at_least",), message)


def bank_findings(bank: Bank | Quiz) -> Iterator[Finding]:
    """Ids used twice, and answers that do not fit their question."""
    yield from repeated([q.id for q in bank.questions], ("questions",))
    for i, question in enumerate(bank.questions):
        if question.topic is None:
            yield Finding(("questions", i), "needs a 'topic', over which a paper is spread")
        yield from question_findings(question, ("questions", i))


def question_findings(question: AnyQuestion, here: Loc) -> Iterator[Finding]:
    """An answer that does not fit its question, and ids used twice."""
    if isinstance(question, ReasonedQuestion):
        yield from _reasoned_findings(question, here)
    elif isinstance(question, (SortingQuestion, MatchingQuestion)):
        yield from _put_findings(question, here)
    else:
        yield from _chosen_findings(question, here)


def _chosen_findings(
    question: SingleQuestion | MultipleQuestion | OrderingQuestion | SpottingQuestion, here: Loc
) -> Iterator[Finding]:
    ids = [o.id for o in question.options]
    name = "lines" if isinstance(question, SpottingQuestion) else "options"
    yield from repeated(ids, (*here, name))
    answer = (*here, "answer")
    unknown = [a for a in question.answer if a not in ids]
    for one in unknown:
        yield Finding(answer, f"'{one}' is not one of the {name}")
    if unknown:
        return
    if len(set(question.answer)) != len(question.answer):
        yield Finding(answer, f"names an {'option' if name == 'options' else 'error'} twice")
    elif isinstance(question, SingleQuestion) and len(question.answer) != 1:
        yield Finding(answer, "a 'single' question has exactly one answer")
    elif isinstance(question, MultipleQuestion) and len(question.answer) == len(ids):
        yield Finding(answer, "a 'multiple' question needs at least one wrong option")
    elif isinstance(question, SpottingQuestion) and len(question.answer) == len(ids):
        yield Finding(answer, "a 'spotting' question needs at least one line that did not go wrong")
    elif isinstance(question, OrderingQuestion):
        if len(question.answer) != len(ids):
            yield Finding(answer, "an 'ordering' answer must list every option once, in order")
        elif len(ids) < 3:
            yield Finding((*here, "options"), "an 'ordering' question needs at least three options")


def _reasoned_findings(question: ReasonedQuestion, here: Loc) -> Iterator[Finding]:
    ids = [o.id for o in question.reasons]
    yield from repeated(ids, (*here, "reasons"))
    for i, one in enumerate(ids):
        if one in {"true", "false"}:
            yield Finding((*here, "reasons", i, "id"), "'true' and 'false' are the verdicts; use another id")
    if question.reason not in ids:
        yield Finding((*here, "reason"), f"'{question.reason}' is not one of the reasons")


def _put_findings(question: SortingQuestion | MatchingQuestion, here: Loc) -> Iterator[Finding]:
    name = "piles" if isinstance(question, SortingQuestion) else "partners"
    targets = [t.id for t in question.targets]
    yield from repeated([c.id for c in question.cards], (*here, "cards"))
    yield from repeated(targets, (*here, name))
    taken: set[str] = set()
    for i, card in enumerate(question.cards):
        loc = (*here, "cards", i, "goes_to")
        if card.goes_to not in targets:
            yield Finding(loc, f"'{card.goes_to}' is not one of the {name}")
        elif name == "partners" and card.goes_to in taken:
            yield Finding(loc, f"'{card.goes_to}' is the partner of another card already")
        taken.add(card.goes_to)


def lesson_findings(lesson: Lesson, body_line: int) -> Iterator[Finding]:
    """Exercises that are no sound questions or pretend to be graded, and places in the body for none."""
    yield from repeated([e.id for e in lesson.exercises], ("exercises",))
    for i, exercise in enumerate(lesson.exercises):
        if isinstance(exercise, Position):
            yield from _position_findings(exercise, ("exercises", i))
        if isinstance(exercise, Unmarked):
            continue
        yield from question_findings(exercise, ("exercises", i))
        if exercise.critical:
            yield Finding(
                ("exercises", i, "critical"), "an exercise is not graded; only a quiz has 'critical'"
            )
    seen: set[str] = set()
    for number, line in enumerate(lesson.body.splitlines(), body_line):
        for place in places_in(line):
            if lesson.exercise(place) is None:
                yield Finding(("body",), f"there is no exercise '{place}' in this lesson", line=number)
            elif place in seen:
                yield Finding(("body",), f"the exercise '{place}' is placed twice", line=number)
            seen.add(place)
    yield from place_findings(lesson.body, body_line)


def _position_findings(position: Position, here: Loc) -> Iterator[Finding]:
    ids = [o.id for o in position.options]
    yield from repeated(ids, (*here, "options"))
    for i, view in enumerate(position.views):
        if view.option not in ids:
            yield Finding((*here, "views", i, "option"), f"'{view.option}' is not one of the options")


def before_findings(lesson: Lesson, others: Sequence[Lesson]) -> Iterator[Finding]:
    """An exercise that looks back on one that is not there, or was asked in another way."""
    asked = {e.id: e for one in others for e in one.exercises if isinstance(e, Unmarked)}
    for i, exercise in enumerate(lesson.exercises):
        if not isinstance(exercise, Unmarked) or exercise.before is None:
            continue
        loc = ("exercises", i, "before")
        earlier = asked.get(exercise.before)
        if earlier is None or earlier.id == exercise.id or earlier.kind != exercise.kind:
            yield Finding(loc, f"there is no other {exercise.kind} exercise '{exercise.before}' in the pack")
        elif _asked_as(earlier) != _asked_as(exercise):
            yield Finding(loc, f"is not answered in the same way as '{exercise.before}'")


def _asked_as(exercise: Unmarked) -> object:
    """What two answers must share to be set side by side."""
    return len(exercise.levels) if isinstance(exercise, Confidence) else [o.id for o in exercise.options]
