"""The exercises of a lesson: answered, explained, kept, and open to be answered again."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from course_content import catalogue
from course_content.packs import read_pack
from grading import enrolments
from grading.models import Enrolment, StepProgress
from tests import factories
from tests.course_content import every_kind
from tests.course_content.every_kind import QUIZ, RIGHT
from tests.course_content.test_views import get, post, sign_in, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrolment(every_kind_enrolment: Enrolment) -> Enrolment:
    return every_kind_enrolment


def answer(enrolment: Enrolment, exercise: str, given: dict[str, Any], lesson: str = "try") -> Any:
    sent = {f"{exercise}-{name}": value for name, value in given.items()}
    return post(sign_in(enrolment.lti_user), "learn:exercise", enrolment.pk, lesson, exercise, **sent)


def page(enrolment: Enrolment, lesson: str = "try", **query: str) -> Any:
    client = sign_in(enrolment.lti_user)
    return client.get(reverse("learn:lesson", args=[enrolment.pk, lesson]), query)


def asked(enrolment: Enrolment, exercise: str, **query: str) -> Any:
    pieces = page(enrolment, **query).context["pieces"]
    return next(one for _, one in pieces if one and one.exercise.id == exercise)


def kept(enrolment: Enrolment) -> list[tuple[str, list[str]]]:
    return [(one["exercise"], one["answer"]) for one in StepProgress.objects.get(step="try").choices]


def test_exercises_stand_where_the_text_places_them(enrolment: Enrolment) -> None:
    pieces = page(enrolment).context["pieces"]
    assert [one.exercise.id if one else None for _, one in pieces] == [
        "sure-before",
        "first",
        "kind-things",
        "steps",
        "proof",
        "whose",
        None,
        "who-helps",
        "what-went-wrong",
    ]
    assert "Some text between them" in pieces[1][0]


@pytest.mark.parametrize("exercise", [e for e in RIGHT if e != "sure-before"])
def test_every_kind_is_answered_rightly_and_explained(enrolment: Enrolment, exercise: str) -> None:
    response = answer(enrolment, exercise, RIGHT[exercise])
    assert response.headers["Location"].endswith(f"/lesson/try/#exercise-{exercise}")
    one = asked(enrolment, exercise)
    assert one.form is None
    assert one.answered.mark.right
    said = text(page(enrolment))
    assert "Right" in said
    assert one.exercise.explanation in said


@pytest.mark.parametrize(
    ("exercise", "given", "points", "words"),
    [
        ("first", {"answer": "friend"}, 0, "A friend cannot act on it."),
        ("kind-things", {"answer": ["calm", "quiz"]}, 0, "It feels like a test."),
        ("steps", {"place-listen": "2", "place-tell": "1", "place-write": "3"}, 2 / 3, "The right answer"),
        ("proof", {"verdict": "false", "reason": "later"}, 1 / 2, "The right answer"),
        ("whose", {"card-listen": "dsl", "card-refer": "dsl", "card-parents": "dsl"}, 1 / 3, "Anybody can"),
        ("who-helps", {"card-danger": "emergency", "card-worry": "nobody", "card-talk": "dsl"}, 1 / 3, "999"),
        ("what-went-wrong", {"answer": ["four"]}, 0, "Where yours differs: Adult: Of course."),
        ("what-went-wrong", {"answer": ["two", "four"]}, 0, "Only what is marked as right above."),
    ],
)
def test_a_wrong_answer_is_explained(
    enrolment: Enrolment, exercise: str, given: dict[str, Any], points: float, words: str
) -> None:
    answer(enrolment, exercise, given)
    assert asked(enrolment, exercise).answered.mark.points == pytest.approx(points)
    said = text(page(enrolment))
    assert words in said
    assert "Why" in said


@pytest.mark.parametrize("exercise", list(RIGHT))
def test_no_answer_is_an_error_with_a_link_to_the_first_field(enrolment: Enrolment, exercise: str) -> None:
    response = answer(enrolment, exercise, {})
    html = response.content.decode()
    assert "There is a problem" in html
    assert "<title>Error:" in html
    target = response.context["problems"][0][0]
    assert f'href="#{target}"' in html
    assert f'id="{target}"' in html
    assert not StepProgress.objects.filter(step="try").exclude(choices=[]).exists()


def test_half_an_answer_points_to_what_is_missing(enrolment: Enrolment) -> None:
    response = answer(enrolment, "whose", {"card-listen": "you", "card-refer": "dsl"})
    assert response.context["problems"] == [("id_whose-card-parents_0", "Put every card in a pile.")]
    form = next(one.form for _, one in response.context["pieces"] if one and one.exercise.id == "whose")
    assert form["card-listen"].value() == "you"


def test_every_answer_is_kept_and_the_latest_counts(enrolment: Enrolment) -> None:
    for given in ("friend", "friend", "dsl"):
        answer(enrolment, "first", {"answer": given})
    answer(enrolment, "what-went-wrong", {"answer": ["two"]})
    assert kept(enrolment) == [("first", ["friend"]), ("first", ["dsl"]), ("what-went-wrong", ["two"])]
    assert asked(enrolment, "first").answered.mark.right


def test_it_can_be_tried_again(enrolment: Enrolment) -> None:
    answer(enrolment, "first", {"answer": "friend"})
    form = asked(enrolment, "first", again="first").form
    assert form is not None
    assert form["answer"].value() is None


def test_the_record_does_not_grow_without_end(enrolment: Enrolment) -> None:
    answer(enrolment, "first", {"answer": "dsl"})
    progress = StepProgress.objects.get(step="try")
    progress.choices = progress.choices * (enrolments.MOST_ANSWERS + 5)
    progress.save()
    answer(enrolment, "first", {"answer": "friend"})
    assert len(kept(enrolment)) == enrolments.MOST_ANSWERS
    assert kept(enrolment)[-1] == ("first", ["friend"])


def test_confidence_is_kept_and_looked_back_on(enrolment: Enrolment) -> None:
    answer(enrolment, "sure-before", {"answer": "2"})
    assert "You said: A little sure" in text(page(enrolment))
    answer(enrolment, "sure-after", {"answer": "4"}, lesson="look-back")
    said = text(page(enrolment, "look-back"))
    assert "You said: Very sure" in said
    assert "Before, you said: A little sure" in said


def test_an_order_of_ones_own_lasts(enrolment: Enrolment) -> None:
    first = asked(enrolment, "steps").exercise
    assert first == asked(enrolment, "steps").exercise
    assert [o.id for o in first.options] != ["listen", "tell", "write"]


def test_an_answer_to_an_exercise_that_has_changed_is_asked_for_anew(enrolment: Enrolment) -> None:
    answer(enrolment, "first", {"answer": "dsl"})
    progress = StepProgress.objects.get(step="try")
    progress.choices = ["a choice of a story", {"exercise": "first", "answer": ["gone"]}]
    progress.save()
    assert asked(enrolment, "first").form is not None
    answer(enrolment, "first", {"answer": "dsl"})
    assert asked(enrolment, "first").answered is not None


def test_exercises_stand_in_nobodys_way_and_no_quiz_waits_for_them(enrolment: Enrolment) -> None:
    client = sign_in(enrolment.lti_user)
    post(client, "learn:lesson-done", enrolment.pk, "try")
    post(client, "learn:lesson-done", enrolment.pk, "look-back")
    assert "Reading and exercises" in text(get(client, "learn:module", enrolment.pk))
    assert enrolment.progress.get(step="try").done_at is not None


def test_what_is_not_there_is_not_found_and_nobody_answers_for_another(enrolment: Enrolment) -> None:
    assert answer(enrolment, "nothing", {"answer": "dsl"}).status_code == 404
    bob = factories.make_member(enrolment.resource_link.context, "Bob")
    response = post(sign_in(bob), "learn:exercise", enrolment.pk, "try", "first", **{"first-answer": "dsl"})
    assert response.status_code == 404
    again = get(sign_in(enrolment.lti_user), "learn:exercise", enrolment.pk, "try", "first")
    assert again.headers["Location"].endswith("#exercise-first")


def test_every_kind_can_be_asked_in_a_quiz(enrolment: Enrolment) -> None:
    client = sign_in(enrolment.lti_user)
    for lesson in ("try", "look-back"):
        post(client, "learn:lesson-done", enrolment.pk, lesson)
    for step in read_pack(every_kind.FOLDER).steps:
        if step.kind not in {"lesson", "quiz"}:
            enrolments.finish_step(enrolment, step.slug, now=enrolment.started_at)
    post(client, "learn:start", enrolment.pk)
    attempt = enrolment.attempts.get()
    kinds = [put.body["kind"] for put in attempt.paper.questions]
    assert sorted(kinds) == sorted(QUIZ)
    for number, kind in enumerate(kinds, 1):
        empty = post(client, "learn:question", attempt.pk, number)
        assert "There is a problem" in text(empty)
        post(client, "learn:question", attempt.pk, number, **QUIZ[kind])
        form = get(client, "learn:question", attempt.pk, number).context["form"]
        for name, value in QUIZ[kind].items():
            assert form[name].value() == value
    assert "Why did you do that?" in text(get(client, "learn:check", attempt.pk))
    post(client, "learn:submit", attempt.pk)
    attempt.refresh_from_db()
    assert attempt.percentage == 100
    assert "Tell the DSL – Do" in text(get(client, "learn:result", attempt.pk))


# --- a story that remembers -----------------------------------------------------------------------


def decide(enrolment: Enrolment, *choices: str) -> Any:
    client = sign_in(enrolment.lti_user)
    post(client, "learn:scenario-begin", enrolment.pk, "threads")
    for choice in choices:
        seen = len(StepProgress.objects.get(step="threads").choices)
        post(client, "learn:scenario-decide", enrolment.pk, "threads", choice=choice, seen=seen)
    return get(client, "learn:scenario", enrolment.pk, "threads")


def test_a_story_offers_what_earlier_choices_allow_and_keeps_a_fact_sheet(enrolment: Enrolment) -> None:
    said = text(decide(enrolment, "ask-threat"))
    assert "She looks at the door." in said
    assert "What you know so far 1. At first A pupil is worried about a photo." in said
    assert "New There was a threat." in said
    assert "Ask if anybody put her under pressure" not in said.partition("What do you do?")[2]


def test_what_is_not_on_offer_cannot_be_chosen(enrolment: Enrolment) -> None:
    decide(enrolment, "go-on", "refer")
    assert StepProgress.objects.get(step="threads").choices == ["go-on"]


def test_the_debrief_tells_each_finding_once_beside_the_recommended_way(enrolment: Enrolment) -> None:
    said = text(decide(enrolment, "wait", "wait", "go-on", "in-school"))
    assert said.count("You waited a day.") == 1
    assert "Kept inside what had to be referred A threat means that you refer." in said
    assert "Referred further" not in said
    assert "Your choices come to -9 points; the way we recommend comes to 8." in said
    assert "Refer to social care" in said


def test_a_story_changed_under_an_open_walk_goes_on_where_it_still_makes_sense(
    enrolment: Enrolment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(enrolment, "ask-age", "ask-threat", "go-on")
    folder = every_kind.broken(
        tmp_path / "every-kind",
        "scenarios/01-threads.yaml",
        "recommended: [ask-age, ask-threat",
        "recommended: [ask-ages, ask-threat",
    )
    story = folder / "scenarios/01-threads.yaml"
    story.write_text(story.read_text().replace("- id: ask-age\n", "- id: ask-ages\n"))
    monkeypatch.setattr(catalogue, "BUILT_IN", folder)
    catalogue.reload()
    said = text(get(sign_in(enrolment.lti_user), "learn:scenario", enrolment.pk, "threads"))
    assert "Ask how old they are" in said
    assert "What you found out" not in said
    assert "She is safe" in text(decide(enrolment, "ask-ages", "ask-threat", "go-on", "refer"))
