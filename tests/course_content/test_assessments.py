"""The risk assessment: no way to "handle in school" but through every trigger and a reason that holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_content import assessments
from course_content.assessments import (
    ANSWERS,
    MOST_SAID,
    Assessment,
    Decision,
    NotAsked,
    Standing,
    answer,
    give_reasons,
    our_decision,
    standing,
)
from course_content.packs import check_pack, read_pack
from grading.models import Enrolment, StepProgress
from tests.course_content import every_kind
from tests.course_content.conftest import PACKS
from tests.course_content.small_pack import line_of
from tests.course_content.test_views import get, post, sign_in, text


@pytest.fixture
def enrolment(every_kind_enrolment: Enrolment) -> Enrolment:
    return every_kind_enrolment


TWO = "assessments/01-two-pupils.yaml"
EVERY_ASSESSMENT = [
    pytest.param(step, id=f"{folder.name}/{step.slug}")
    for folder in [*sorted(p for p in PACKS.iterdir() if p.is_dir()), every_kind.FOLDER]
    for step in read_pack(folder).steps
    if isinstance(step, Assessment)
]


@pytest.fixture(scope="module")
def two() -> Assessment:
    return next(s for s in read_pack(every_kind.FOLDER).steps if isinstance(s, Assessment))


def every_end(here: Standing) -> Iterator[Standing]:
    """Where every way of answering leads: a decision, or the question for reasons."""
    if here.asked is None:
        yield here
        return
    for words in ANSWERS:
        yield from every_end(answer(here, words))


@pytest.mark.parametrize("assessment", EVERY_ASSESSMENT)
def test_no_path_keeps_a_case_in_school_unless_every_trigger_is_a_no(assessment: Assessment) -> None:
    ends = list(every_end(standing(assessment)))
    assert len(ends) >= 3 ** len(assessment.triggers)
    for end in ends:
        last = [end.answers[trigger.id][-1] for trigger in assessment.triggers]
        expected = "refer" if "yes" in last else "find-out" if "not-known" in last else None
        assert end.decision == expected
        assert (end.refer_to != ()) == (end.decision is Decision.REFER)
        assert end.reasons_asked == (expected is None)


@pytest.mark.parametrize("assessment", EVERY_ASSESSMENT)
@given(chosen=st.data())
def test_a_reason_that_does_not_hold_never_decides(chosen: st.DataObject, assessment: Assessment) -> None:
    here = standing(assessment, [f"{trigger.id}:no" for trigger in assessment.triggers])
    ids = [reason.id for reason in assessment.reasons]
    given_ids = chosen.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
    after = give_reasons(here, given_ids)
    hold = all(reason.holds for reason in assessment.reasons if reason.id in given_ids)
    assert after.decision == (Decision.IN_SCHOOL if hold else None)
    assert after.reasons_asked == (not hold)


SAID = [
    "adult:no",
    "threats:no",
    "danger:no",
    "threats:not-known",
    "danger:not-known",
    "adult:yes",
    "because:contained",
    "because:name",
    "because:contained,gone",
    "because:",
    "gone:no",
    "adult:maybe",
    "adult",
    ":",
]


@given(said=st.lists(st.sampled_from(SAID)))
def test_whatever_is_on_record_the_rule_holds(said: list[str], two: Assessment) -> None:
    here = standing(two, said)
    assert standing(two, here.said) == here
    if here.decision is Decision.IN_SCHOOL:
        assert all(here.answers[trigger.id][-1] == "no" for trigger in two.triggers)
        assert here.reasons
        assert all(reason.holds for reason in here.reasons)


def test_what_is_not_known_is_asked_again_once_more_has_come_to_light(two: Assessment) -> None:
    here = standing(two, ["adult:no", "threats:not-known"])
    assert (here.asked and here.asked.id, here.found_out) == ("danger", None)
    here = answer(here, "no")
    assert here.asked is not None
    assert here.asked.id == "threats"
    assert here.found_out is not None
    assert "Nobody pushed her" in here.found_out
    assert answer(here, "no").reasons_asked
    assert answer(here, "not-known").decision is Decision.FIND_OUT
    assert answer(here, "yes").decision is Decision.REFER


def test_a_referral_names_everybody_once(two: Assessment) -> None:
    here = standing(two, ["adult:yes", "threats:yes", "danger:no"])
    assert here.refer_to == ("the police", "children's social care")


@pytest.mark.parametrize(
    ("case", "said", "finding"),
    [
        ("no", "yes", "over-referral"),
        ("no", "no", None),
        ("no", "not-known", None),
        ("yes", "yes", None),
        ("yes", "no", "under-referral"),
        ("yes", "not-known", "delay"),
        ("not-known", "no", "under-referral"),
        ("not-known", "yes", None),
        ("not-known", "not-known", None),
    ],
)
def test_going_too_far_and_not_far_enough_are_told_apart(
    two: Assessment, case: Any, said: str, finding: str | None
) -> None:
    last = two.triggers[-1].model_copy(update={"answer": case})
    other = two.model_copy(update={"triggers": (*two.triggers[:-1], last)})
    here = standing(other, ["adult:no", "threats:no", f"danger:{said}", "because:contained"])
    assert here.decision is not None
    assert here.finding == finding


def test_what_is_not_asked_is_refused(two: Assessment) -> None:
    here = standing(two)
    for words in ("maybe", "", "because"):
        with pytest.raises(NotAsked):
            answer(here, words)
    with pytest.raises(NotAsked):
        give_reasons(here, ["contained"])
    done = standing(two, ["adult:yes", "threats:no", "danger:no"])
    with pytest.raises(NotAsked):
        answer(done, "no")
    ready = standing(two, ["adult:no", "threats:no", "danger:no"])
    for reasons in ([], ["gone"]):
        with pytest.raises(NotAsked):
            give_reasons(ready, reasons)


def test_a_trigger_added_later_must_be_answered_before_it_stays_in_school(two: Assessment) -> None:
    said = ["adult:no", "threats:no", "danger:no", "because:contained"]
    assert standing(two, said).decision is Decision.IN_SCHOOL
    added = two.triggers[0].model_copy(update={"id": "younger"})
    changed = two.model_copy(update={"triggers": (*two.triggers, added)})
    here = standing(changed, said)
    assert here.decision is None
    assert here.asked == added
    gone = two.model_copy(update={"triggers": two.triggers[1:]})
    assert standing(gone, said).decision is Decision.IN_SCHOOL


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "message"),
    [
        ("id: threats", "id: because", "id: because", "triggers[2].id", "use another id"),
        ("id: threats", "id: adult", "id: adult", "triggers[2].id", "used twice"),
        ("answer: no", "answer: perhaps", "answer: perhaps", "triggers[1].answer", "must be one of"),
        ("refer_to: [the police]", "refer_to: []", "refer_to: []", "triggers[2].refer_to", "at least 1"),
        ("reasons:\n", "free_text: true\nreasons:\n", "free_text", "free_text", "is not a field here"),
    ],
)
def test_what_is_wrong_is_reported_with_its_line(
    tmp_path: Path, old: str, new: str, line: str, field: str, message: str
) -> None:
    folder = every_kind.broken(tmp_path / "pack", TWO, old, new)
    found = [p for p in check_pack(folder).problems if p.file == TWO and message in p.message]
    after = "id: adult" if new == "id: adult" else ""
    assert [(p.field, p.line) for p in found] == [(field, line_of(folder, TWO, line, after))]


def test_without_a_reason_that_holds_nothing_could_be_decided(tmp_path: Path) -> None:
    folder = every_kind.copy(tmp_path / "pack")
    file = folder / TWO
    file.write_text(file.read_text().replace("holds: true", "holds: false"))
    assert [p.message.partition(",")[0] for p in check_pack(folder).problems] == [
        "needs at least one reason that holds"
    ]


# --- its pages ------------------------------------------------------------------------------------


def assess(enrolment: Enrolment, *said: dict[str, Any]) -> str:
    client = sign_in(enrolment.lti_user)
    post(client, "learn:assessment-begin", enrolment.pk, "two-pupils")
    for one in said:
        seen = len(StepProgress.objects.get(step="two-pupils").choices)
        post(client, "learn:assessment-say", enrolment.pk, "two-pupils", seen=seen, **one)
    return text(get(client, "learn:assessment", enrolment.pk, "two-pupils"))


YES, NO, UNKNOWN = {"choice": "yes"}, {"choice": "no"}, {"choice": "not-known"}


@pytest.mark.django_db
def test_every_question_the_reasons_and_the_decision_are_shown_in_turn(enrolment: Enrolment) -> None:
    said = assess(enrolment)
    assert "Question 1 of 3" in said
    assert "“Not known yet” is not a no." in said
    assert "Question 2 of 3 · asked again" in assess(enrolment, NO, UNKNOWN, NO)
    said = assess(enrolment, NO)
    assert "Why may this be handled here, without a referral?" in said
    assert "With these checks" not in said
    said = assess(enrolment, {"reasons": ["contained", "name"]})
    assert "Look at your reasons again The school would look bad" in said
    said = assess(enrolment, {"reasons": ["contained", "both-fine"]})
    for words in (
        "It may be handled here, without a referral",
        "With these checks",
        "Look at it again on a set date.",
        "Was there pressure, or a threat? Your answer: No",
        "Because It has gone no further",
    ):
        assert words in said
    progress = StepProgress.objects.get(step="two-pupils")
    assert progress.done_at is not None
    assert progress.choices == [
        "adult:no", "threats:not-known", "danger:no", "threats:no", "because:contained,name",
        "because:contained,both-fine",
    ]  # fmt: skip


@pytest.mark.django_db
def test_one_yes_refers_and_says_to_whom_and_how_ours_differs(enrolment: Enrolment) -> None:
    assert "One yes is enough." in assess(enrolment, YES)
    said = assess(enrolment, NO, NO)
    assert "Refer it now To: the police, children&#x27;s social care" in said
    assert "Referred further than the facts called for We come to another decision: It may be" in said
    assert "Your answer: Yes · Ours: No" in said


@pytest.mark.django_db
def test_a_page_that_is_behind_and_an_empty_answer_change_nothing(enrolment: Enrolment) -> None:
    assess(enrolment, NO)
    client = sign_in(enrolment.lti_user)
    page = ["learn:assessment-say", enrolment.pk, "two-pupils"]
    assert post(client, *page, seen=0, choice="yes").headers["Location"].endswith("?behind=1")
    assert "Answer yes, no or not known yet." in text(post(client, *page, seen=1))
    assert "There is a problem" in text(post(client, *page, seen=1, choice="maybe"))
    assert get(client, *page).status_code == 302
    assert StepProgress.objects.get(step="two-pupils").choices == ["adult:no"]


@pytest.mark.django_db
def test_it_is_skipped_or_assessed_again_and_all_stays_on_record(enrolment: Enrolment) -> None:
    client = sign_in(enrolment.lti_user)
    post(client, "learn:assessment-skip", enrolment.pk, "two-pupils")
    assert StepProgress.objects.get(step="two-pupils").skipped
    assess(enrolment, YES, NO, NO)
    progress = StepProgress.objects.get(step="two-pupils")
    assert not progress.skipped
    post(client, "learn:assessment-say", enrolment.pk, "two-pupils", seen=3, choice="no")
    post(client, "learn:assessment-again", enrolment.pk, "two-pupils")
    progress.refresh_from_db()
    assert (progress.choices, len(progress.earlier_walks[0])) == ([], 3)


@pytest.mark.django_db
def test_whoever_says_too_much_begins_again(enrolment: Enrolment) -> None:
    assess(enrolment, NO, NO, NO)
    progress = StepProgress.objects.get(step="two-pupils")
    progress.choices = [*progress.choices, *["because:name"] * (MOST_SAID - 3)]
    progress.save()
    assess(enrolment, {"reasons": ["name"]})
    progress.refresh_from_db()
    assert progress.choices == []


def test_our_decision_follows_the_same_rule(two: Assessment) -> None:
    assert our_decision(two) is Decision.IN_SCHOOL
    assert assessments.BECAUSE not in two.answers
