"""The questions of the real pack: enough of them, fair, explained, and none of them gives itself away."""

from collections.abc import Iterator

import pytest

from course_content.marking import draw_paper, read_questions
from course_content.questions import (
    AnyQuestion,
    MultipleQuestion,
    OrderingQuestion,
    ReasonedQuestion,
    SingleQuestion,
    SortingQuestion,
    SpottingQuestion,
    Unmarked,
)
from course_content.schema import Lesson, Module, Quiz
from course_content.variants import NATIONS
from tests.course_content import responding

WITH_QUIZ = tuple(form for form in responding.FORMS if form != "parents-briefing")
each_form = pytest.mark.parametrize("form", WITH_QUIZ)

# What nobody may ever do, as claims; each must be asked as critical.
NEVER_ITEMS = {
    "never-view",
    "do-not-delete",
    "no-details",
    "keep-it-private",
    "no-blame",
    "no-secrecy",
    "seen-by-accident",
    "adult-involved",
    "ai-images-count",
}
# Those who oversee, and the bridge on what is new, are asked about the heart of it; the others about all.
ASKED_IN_PART = {
    "governors": {"never-view", "do-not-delete", "no-secrecy"},
    "what-changed-2026": {"never-view", "do-not-delete", "ai-images-count"},
}
# How often the right one of a paper's options may be the longest; of four, it is a quarter by chance.
LONGEST_AT_LEAST, LONGEST_AT_MOST = 0.15, 0.40


def quizzes(form: str) -> Iterator[tuple[Module, Quiz]]:
    for module in responding.variants_of(form):
        assert module.quiz is not None
        yield module, module.quiz


def all_questions() -> dict[int, AnyQuestion]:
    """Every question in every variant, of quizzes and of lessons."""
    asked = [q for quiz in responding.distinct(Quiz) for q in quiz.questions]
    asked += [
        e for lesson in responding.distinct(Lesson) for e in lesson.exercises if not isinstance(e, Unmarked)
    ]
    return {id(question): question for question in asked}


def test_the_parents_have_no_quiz() -> None:
    assert all(module.quiz is None for module in responding.variants_of("parents-briefing"))
    assert not any(
        isinstance(exercise, OrderingQuestion) and exercise.critical
        for module in responding.variants_of("parents-briefing")
        for lesson in module.lessons
        for exercise in lesson.exercises
    )


@each_form
def test_there_are_three_times_as_many_questions_as_are_drawn_and_every_one_has_a_topic(form: str) -> None:
    for _, quiz in quizzes(form):
        assert len(quiz.questions) >= 3 * quiz.draw
        assert len({q.id for q in quiz.questions}) == len(quiz.questions)
        assert all(q.topic for q in quiz.questions)
        assert len({q.topic for q in quiz.questions}) >= quiz.draw / 2


@each_form
def test_every_paper_asks_about_what_must_never_be_done(form: str) -> None:
    for _, quiz in quizzes(form):
        critical = [q for q in quiz.questions if q.critical]
        assert 1 <= quiz.critical_at_least < quiz.draw
        # Enough that a second go is not on the same ones.
        assert len(critical) >= 2 * quiz.critical_at_least


@each_form
def test_every_never_item_is_asked_as_critical(form: str) -> None:
    for module, quiz in quizzes(form):
        asked = {claim for q in quiz.questions if q.critical for claim in q.claims}
        assert asked >= ASKED_IN_PART.get(form, NEVER_ITEMS), (module.nation, module.audience)


def test_the_never_bank_asks_every_never_item_and_nothing_that_is_not_critical() -> None:
    for _, quiz in quizzes("half-day"):
        bank = [q for q in quiz.questions if q.id.startswith("never-")]
        assert all(q.critical for q in bank)
        assert {claim for q in bank for claim in q.claims} >= NEVER_ITEMS


@each_form
def test_two_papers_differ_and_each_has_its_share_of_critical_questions(form: str) -> None:
    for nation in NATIONS:
        module = next(m for m in responding.variants_of(form) if m.nation == nation)
        quiz = module.quiz
        assert quiz is not None
        papers = [draw_paper(module, seed) for seed in range(8)]
        for paper in papers:
            drawn = read_questions(paper)
            assert len({q.id for q in drawn}) == quiz.draw
            assert sum(q.critical for q in drawn) == quiz.critical_at_least
            assert len({q.topic for q in drawn}) >= min(quiz.draw, len({q.topic for q in quiz.questions})) / 2
        assert len({frozenset(q.id for q in paper.questions) for paper in papers}) == len(papers)
        assert draw_paper(module, 1) == papers[1]


@each_form
def test_the_length_of_an_option_gives_nothing_away(form: str) -> None:
    """In no variant: terms are long in some nations, and must be so in wrong options too."""
    for module, quiz in quizzes(form):
        singles = [q for q in quiz.questions if isinstance(q, SingleQuestion)]
        longest = sum(max(q.options, key=lambda o: len(o.text)).id == q.answer[0] for q in singles)
        share = longest / len(singles)
        assert LONGEST_AT_LEAST <= share <= LONGEST_AT_MOST, (module.nation, module.audience, share)


@each_form
def test_the_place_of_an_option_gives_nothing_away(form: str) -> None:
    """Options are shuffled as they are put; so over many papers the right one comes first now and then."""
    module = responding.variants_of(form)[0]
    put = [q for seed in range(40) for q in read_questions(draw_paper(module, seed))]
    singles = [q for q in put if isinstance(q, SingleQuestion)]
    first = sum(q.options[0].id == q.answer[0] for q in singles) / len(singles)
    assert 0.1 < first < 0.45


@each_form
def test_there_is_more_than_one_kind_of_question(form: str) -> None:
    for _, quiz in quizzes(form):
        kinds = [q.kind for q in quiz.questions]
        assert len(set(kinds)) >= 3
        assert kinds.count("single") < len(kinds) * 0.8


def test_every_question_rests_on_claims_and_explains_itself() -> None:
    for question in all_questions().values():
        assert question.explanation, question.id
    for quiz in responding.distinct(Quiz):
        for question in quiz.questions:
            assert question.claims, question.id


def test_every_option_teaches() -> None:
    """Whoever chose it reads why; a card and a line that went wrong are explained to everybody."""
    for question in all_questions().values():
        if isinstance(question, SingleQuestion | MultipleQuestion):
            assert all(option.feedback for option in question.options), question.id
        elif isinstance(question, ReasonedQuestion):
            assert all(reason.feedback for reason in question.reasons), question.id
        elif isinstance(question, SpottingQuestion):
            assert all(line.feedback for line in question.lines if line.id in question.answer), question.id
        elif isinstance(question, SortingQuestion):
            assert all(card.feedback for card in question.cards), question.id


def test_no_two_options_of_a_question_read_the_same() -> None:
    for question in all_questions().values():
        if isinstance(question, SpottingQuestion):
            continue
        texts = [option.text.casefold() for option in question.options]
        assert len(set(texts)) == len(texts), question.id


@each_form
def test_statements_are_not_all_false(form: str) -> None:
    for module, quiz in quizzes(form):
        stated = [q.is_true for q in quiz.questions if isinstance(q, ReasonedQuestion)]
        if len(stated) >= 5:
            assert 0 < sum(stated) < len(stated), (module.nation, module.audience)
