import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_content.marking import (
    AnswerError,
    AnyQuestion,
    NoQuiz,
    clean_answer,
    draw_paper,
    mark_paper,
    mark_question,
    read_question,
    read_questions,
)
from course_content.schema import (
    Module,
    MultipleQuestion,
    Option,
    OrderingQuestion,
    SingleQuestion,
)
from grading.papers import Paper, PaperQuestion


def question(cls: type[Any], options: str, answer: str, **more: Any) -> Any:
    """A question whose options are the letters of `options`."""
    return cls(
        id="q",
        kind=cls.model_fields["kind"].annotation.__args__[0],
        topic="t",
        prompt="P",
        options=tuple(Option(id=o, text=o.upper()) for o in options),
        answer=tuple(answer),
        explanation="E",
        **more,
    )


SINGLE: SingleQuestion = question(SingleQuestion, "abcd", "b")
MULTIPLE: MultipleQuestion = question(MultipleQuestion, "abcde", "abc")
ORDERING: OrderingQuestion = question(OrderingQuestion, "abcd", "abcd")
ALL = (SINGLE, MULTIPLE, ORDERING)


# --- marking ---


@pytest.mark.parametrize(
    ("asked", "answer", "points"),
    [
        (SINGLE, "b", 1),
        (SINGLE, "a", 0),
        (SINGLE, "", 0),
        (SINGLE, "ab", 0),
        (MULTIPLE, "abc", 1),
        (MULTIPLE, "cba", 1),
        (MULTIPLE, "ab", 2 / 3),
        (MULTIPLE, "abd", 1 / 3),
        (MULTIPLE, "abcd", 2 / 3),
        (MULTIPLE, "abcde", 1 / 3),
        (MULTIPLE, "de", 0),
        (MULTIPLE, "", 0),
        (ORDERING, "abcd", 1),
        (ORDERING, "abdc", 5 / 6),
        (ORDERING, "bcda", 1 / 2),
        (ORDERING, "dcba", 0),
        (ORDERING, "abc", 1 / 2),
        (ORDERING, "a", 0),
        (ORDERING, "", 0),
    ],
)
def test_points(asked: AnyQuestion, answer: str, points: float) -> None:
    assert mark_question(asked, list(answer)).points == pytest.approx(points)


@pytest.mark.parametrize("asked", ALL)
@pytest.mark.parametrize("answer", [["b", "nope"], ["b", "b"], ["<script>"], [""]])
def test_unknown_or_repeated_options_earn_nothing(asked: AnyQuestion, answer: list[str]) -> None:
    assert mark_question(asked, answer).points == 0


def test_a_critical_question_stays_critical_when_marked() -> None:
    asked = question(SingleQuestion, "ab", "a", critical=True)
    assert mark_question(asked, ["b"]).critical
    assert not mark_question(SINGLE, ["b"]).critical


@given(asked=st.sampled_from(ALL), answer=st.lists(st.sampled_from([*"abcdexyz", "", "??"])))
def test_points_stay_between_none_and_one_and_are_one_only_when_exact(
    asked: AnyQuestion, answer: list[str]
) -> None:
    points = mark_question(asked, answer).points
    exact = (
        sorted(answer) == sorted(asked.answer) if asked.kind != "ordering" else tuple(answer) == asked.answer
    )
    assert 0 <= points <= 1
    assert (points == 1) == exact


@given(answer=st.permutations("abcd"))
def test_turning_an_order_round_turns_its_points_round(answer: list[str]) -> None:
    there = mark_question(ORDERING, answer).points
    back = mark_question(ORDERING, answer[::-1]).points
    assert there + back == pytest.approx(1)


@given(data=st.data(), seed=st.integers())
def test_marking_a_paper_never_raises_whatever_comes_back(
    data: st.DataObject, seed: int, awareness: Module
) -> None:
    paper = draw_paper(awareness, seed)
    ids = [q.id for q in paper.questions]
    options = [o.id for q in read_questions(paper) for o in q.options]
    answers = data.draw(
        st.dictionaries(
            st.sampled_from([*ids, "unknown"]),
            st.lists(st.sampled_from([*options, "nope"]), max_size=6),
        )
    )
    mark = mark_paper(paper, answers)
    assert mark.maximum == len(ids)
    assert 0 <= mark.percentage <= 100


# --- drawing ---


def right_answers(paper: Paper) -> dict[str, list[str]]:
    return {q.id: list(q.answer) for q in read_questions(paper)}


@given(seed=st.integers())
def test_a_drawn_paper_is_fair(seed: int, awareness: Module) -> None:
    quiz = awareness.quiz
    assert quiz is not None
    drawn = read_questions(draw_paper(awareness, seed))
    assert len(drawn) == quiz.draw
    assert len({q.id for q in drawn}) == quiz.draw
    assert sum(q.critical for q in drawn) == quiz.critical_at_least
    per_topic = [sum(q.topic == t for q in drawn) for t in {q.topic for q in drawn}]
    assert len(per_topic) >= 7
    assert max(per_topic) <= 2


@given(seed=st.integers())
def test_the_right_answers_earn_everything_and_no_answers_nothing(seed: int, awareness: Module) -> None:
    paper = draw_paper(awareness, seed)
    assert mark_paper(paper, right_answers(paper)).percentage == 100
    assert mark_paper(paper, {}).points == 0
    assert not mark_paper(paper, {}).passes(1)


@given(seed=st.integers())
def test_an_order_left_untouched_never_earns_more_than_half(seed: int, awareness: Module) -> None:
    for asked in read_questions(draw_paper(awareness, seed)):
        if asked.kind == "ordering":
            assert mark_question(asked, [o.id for o in asked.options]).points <= 0.5


def test_the_same_seed_draws_the_same_paper(small: Module) -> None:
    assert draw_paper(small, "x") == draw_paper(small, "x")
    assert len({draw_paper(small, n).to_json().__repr__() for n in range(20)}) > 1


def test_without_a_seed_papers_differ(awareness: Module) -> None:
    assert draw_paper(awareness) != draw_paper(awareness)


def test_options_are_shuffled(awareness: Module) -> None:
    first_shown = {
        read_question(q).options[0].id
        for seed in range(60)
        for q in draw_paper(awareness, seed).questions
        if q.id == "phone-held-out"
    }
    assert len(first_shown) > 1


def test_a_module_without_a_quiz_has_no_paper(small: Module) -> None:
    lessons_only = small.model_copy(update={"steps": small.lessons})
    with pytest.raises(NoQuiz):
        draw_paper(lessons_only)


# --- a paper lives on without its pack ---


def test_a_paper_is_marked_from_itself_after_a_round_trip_through_json(awareness: Module) -> None:
    paper = draw_paper(awareness, 7)
    stored = Paper.from_json(json.loads(json.dumps(paper.to_json())))
    assert stored == paper
    assert mark_paper(stored, right_answers(paper)).percentage == 100


def test_a_paper_of_an_older_schema_still_opens() -> None:
    body = {**SINGLE.model_dump(mode="json"), "difficulty": "dropped since"}
    assert read_question(PaperQuestion("q", body)) == SINGLE


def test_the_order_shown_is_the_order_kept(awareness: Module) -> None:
    paper = draw_paper(awareness, 3)
    for put in paper.questions:
        assert [o["id"] for o in put.body["options"]] == [o.id for o in read_question(put).options]


# --- answers at the edge ---


@pytest.mark.parametrize(
    ("asked", "values", "kept"),
    [
        (SINGLE, ["b"], ["b"]),
        (SINGLE, ["", "b"], ["b"]),
        (MULTIPLE, ["c", "a"], ["c", "a"]),
        (ORDERING, ["d", "c", "b", "a"], ["d", "c", "b", "a"]),
    ],
)
def test_a_good_answer_is_kept(asked: AnyQuestion, values: list[str], kept: list[str]) -> None:
    assert clean_answer(asked, values) == kept


@pytest.mark.parametrize(
    ("asked", "values", "message"),
    [
        (SINGLE, [], "Choose an answer."),
        (MULTIPLE, [""], "Choose at least one answer."),
        (ORDERING, [], "Put the items in order."),
        (SINGLE, ["zz"], "not one of the options"),
        (SINGLE, ["a", "b"], "Choose one answer only."),
        (MULTIPLE, ["a", "a"], "only once"),
        (ORDERING, ["a", "b"], "its own place"),
        (ORDERING, ["a", "b", "c", "c"], "its own place"),
    ],
)
def test_a_bad_answer_is_refused_in_words_for_the_learner(
    asked: AnyQuestion, values: list[str], message: str
) -> None:
    with pytest.raises(AnswerError) as refused:
        clean_answer(asked, values)
    assert message in refused.value.message


@given(asked=st.sampled_from(ALL), values=st.lists(st.text(max_size=3)))
def test_whatever_is_cleaned_can_be_marked(asked: AnyQuestion, values: list[str]) -> None:
    try:
        kept = clean_answer(asked, values)
    except AnswerError:
        return
    assert 0 <= mark_question(asked, kept).points <= 1


def test_a_guess_at_random_rarely_passes(awareness: Module) -> None:
    rng = random.Random(1)
    passed = 0
    for seed in range(300):
        paper = draw_paper(awareness, seed)
        answers = {
            q.id: rng.sample([o.id for o in q.options], k=len(q.answer)) for q in read_questions(paper)
        }
        passed += mark_paper(paper, answers).passes(awareness.pass_mark)
    assert passed == 0
