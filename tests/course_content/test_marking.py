import itertools
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
    shuffled,
)
from course_content.questions import (
    Card,
    Line,
    MatchingQuestion,
    MultipleQuestion,
    Option,
    OrderingQuestion,
    ReasonedQuestion,
    SingleQuestion,
    SortingQuestion,
    SpottingQuestion,
    Target,
)
from course_content.schema import Module
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
REASONED = ReasonedQuestion(
    id="q",
    kind="reasoned",
    prompt="P",
    is_true=False,
    reasons=tuple(Option(id=o, text=o.upper()) for o in "abc"),
    reason="a",
    explanation="E",
)
SPOTTING = SpottingQuestion(
    id="q",
    kind="spotting",
    prompt="P",
    lines=tuple(Line(id=o, speaker="Kim", text=o.upper()) for o in "abcde"),
    answer=("a", "b"),
    explanation="E",
)
SORTING = SortingQuestion(
    id="q",
    kind="sorting",
    prompt="P",
    piles=(Target(id="x", text="X"), Target(id="y", text="Y"), Target(id="z", text="Z")),
    cards=tuple(Card(id=c, text=c.upper(), goes_to=pile) for c, pile in zip("abcd", "xxyz", strict=True)),
    explanation="E",
)
MATCHING = MatchingQuestion(
    id="q",
    kind="matching",
    prompt="P",
    partners=tuple(Target(id=t, text=t.upper()) for t in "wxyz"),
    cards=tuple(Card(id=c, text=c.upper(), goes_to=t) for c, t in zip("abc", "xyz", strict=True)),
    explanation="E",
)
ALL = (SINGLE, MULTIPLE, ORDERING, REASONED, SPOTTING, SORTING, MATCHING)


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
        (SPOTTING, "ab", 1),
        (SPOTTING, "ba", 1),
        (SPOTTING, "a", 1 / 2),
        (SPOTTING, "abc", 1 / 2),
        (SPOTTING, "cd", 0),
        (REASONED, ["false", "a"], 1),
        (REASONED, ["a", "false"], 1),
        (REASONED, ["false", "b"], 1 / 2),
        (REASONED, ["false"], 1 / 2),
        (REASONED, ["true", "a"], 0),
        (REASONED, ["a"], 0),
        (REASONED, ["true", "false"], 0),
        (REASONED, ["false", "a", "b"], 0),
        (SORTING, ["a:x", "b:x", "c:y", "d:z"], 1),
        (SORTING, ["d:z", "c:y", "b:x", "a:x"], 1),
        (SORTING, ["a:x", "b:x", "c:y", "d:y"], 5 / 8),
        (SORTING, ["a:x", "b:x"], 1 / 2),
        (SORTING, ["a:z", "b:z", "c:z", "d:z"], 0),
        (SORTING, ["a:y", "b:y", "c:x", "d:x"], 0),
        (SORTING, ["a:x", "a:y", "b:x", "c:y", "d:z"], 0),
        (MATCHING, ["a:x", "b:y", "c:z"], 1),
        (MATCHING, ["a:x", "b:y", "c:w"], 2 / 3),
        (MATCHING, ["a:y", "b:z", "c:x"], 0),
        (MATCHING, ["a:x", "a:w"], 0),
    ],
)
def test_points(asked: AnyQuestion, answer: str | list[str], points: float) -> None:
    assert mark_question(asked, list(answer)).points == pytest.approx(points)


@pytest.mark.parametrize("asked", ALL)
@pytest.mark.parametrize("answer", [["b", "nope"], ["b", "b"], ["<script>"], [""]])
def test_unknown_or_repeated_options_earn_nothing(asked: AnyQuestion, answer: list[str]) -> None:
    assert mark_question(asked, answer).points == 0


def test_a_critical_question_stays_critical_when_marked() -> None:
    asked = question(SingleQuestion, "ab", "a", critical=True)
    assert mark_question(asked, ["b"]).critical
    assert not mark_question(SINGLE, ["b"]).critical


PUTTINGS = [f"{card}:{target}" for card in "abcd" for target in "wxyz"]


@given(
    asked=st.sampled_from(ALL),
    answer=st.lists(st.sampled_from([*"abcdexyz", "", "??", "true", "false", ":", "a:", *PUTTINGS])),
)
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


@given(piles=st.lists(st.sampled_from("xyz"), min_size=4, max_size=4))
def test_one_card_more_in_its_pile_never_earns_less(piles: list[str]) -> None:
    put = dict(zip("abcd", piles, strict=True))
    points = mark_question(SORTING, [f"{c}:{p}" for c, p in put.items()]).points
    for card in SORTING.cards:
        better = {**put, card.id: card.goes_to}
        assert mark_question(SORTING, [f"{c}:{p}" for c, p in better.items()]).points >= points


def test_what_a_wrong_card_takes_away_is_what_guessing_gains() -> None:
    """Over every way to sort four cards into three piles, the two even out."""
    ways = list(itertools.product("xyz", repeat=4))
    right = sum(c.goes_to == p for way in ways for c, p in zip(SORTING.cards, way, strict=True))
    wrong = 4 * len(ways) - right
    assert right - wrong / 2 == 0
    assert mark_question(SORTING, ["a:x", "b:x", "c:y", "d:x"]).points == (3 - 1 / 2) / 4


@given(asked=st.sampled_from(ALL), seed=st.integers())
def test_a_question_as_put_is_the_same_question(asked: AnyQuestion, seed: int) -> None:
    put = shuffled(asked, random.Random(seed))
    assert {o.id for o in put.options} == {o.id for o in asked.options}
    assert sorted(put.answer) == sorted(asked.answer)
    assert mark_question(put, asked.answer).right
    stored = json.loads(json.dumps(put.model_dump(mode="json")))
    assert read_question(PaperQuestion("q", stored)) == put


def test_a_dialogue_keeps_its_order_and_partners_stand_by_the_alphabet() -> None:
    mixed = [shuffled(q, random.Random(n)) for n in range(20) for q in (SPOTTING, MATCHING)]
    assert {tuple(line.id for line in q.lines) for q in mixed if q.kind == "spotting"} == {tuple("abcde")}
    assert {tuple(p.id for p in q.partners) for q in mixed if q.kind == "matching"} == {tuple("wxyz")}
    assert len({tuple(c.id for c in q.cards) for q in mixed if q.kind == "matching"}) > 1


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
        (REASONED, ["b", "true"], ["true", "b"]),
        (SPOTTING, ["e", "a"], ["e", "a"]),
        (SORTING, ["a:x", "b:x", "c:x", "d:x"], ["a:x", "b:x", "c:x", "d:x"]),
        (MATCHING, ["c:w", "a:x", "b:y"], ["c:w", "a:x", "b:y"]),
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
        (REASONED, [], "true or false"),
        (REASONED, ["", "a"], "true or false"),
        (REASONED, ["true", ""], "the reason, too"),
        (REASONED, ["true", "a", "b"], "the reason, too"),
        (SPOTTING, [], "at least one line"),
        (SORTING, [], "every card"),
        (SORTING, ["a:x", "b:x"], "every card"),
        (SORTING, ["a:x", "a:y", "b:x", "c:x"], "every card"),
        (SORTING, ["a:w"], "not one of the options"),
        (MATCHING, ["a:x", "b:y"], "a partner for every line"),
        (MATCHING, ["a:x", "b:x", "c:y"], "only once"),
    ],
)
def test_a_bad_answer_is_refused_in_words_for_the_learner(
    asked: AnyQuestion, values: list[str], message: str
) -> None:
    with pytest.raises(AnswerError) as refused:
        clean_answer(asked, values)
    assert message in refused.value.message


@given(
    asked=st.sampled_from(ALL),
    values=st.lists(st.text(max_size=3) | st.sampled_from([*"abc", "true", "false", *PUTTINGS])),
)
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
