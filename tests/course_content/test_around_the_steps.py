"""What is there on every page, and exercises that are not marked or come again."""

from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from course_content import catalogue, placement
from grading import attempts
from grading.models import Activity, Enrolment
from grading.papers import Mark, Paper, PaperQuestion, QuestionMark
from lti_tool.models import LtiUser, ResourceLink
from tests import factories
from tests.course_content.test_variants import FORM, variants_pack
from tests.course_content.test_views import get, post, sign_in, text

pytestmark = pytest.mark.django_db

LESSON = """\
---
slug: votes
title: Where do you stand?
minutes: 1
claims: [tell]
recall: {draw: 3, banks: [small]}
exercises:
  - id: vote-1
    kind: position
    prompt: What should happen?
    options: [{id: school, text: Handle it here}, {id: refer, text: Refer it}]
    views:
      - {role: A police officer may say, option: refer, reason: We see what you cannot.}
      - {role: A teacher may say, option: school, reason: We know them both.}
  - id: vote-2
    kind: position
    prompt: And now?
    options: [{id: school, text: Handle it here}, {id: refer, text: Refer it}]
    before: vote-1
---
::: exercise vote-1

Think again.

::: exercise vote-2
"""
COMMON_LINES = """
helplines:
  - for: england
    name: Childline
    for_whom: children
    phone: 0800 1111
    claims: [tell]
  - {for: scotland, name: A Scottish line, for_whom: adults, phone: "0800 22", claims: [tell]}
"""


@pytest.fixture(autouse=True)
def _pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form = FORM.replace("      - lessons/01", "      - lessons/00-votes.md\n      - lessons/01")
    form = form.replace("scotland: 3, otherwise: 4", "scotland: 4, otherwise: 5") + COMMON_LINES
    variants_pack(tmp_path / "packs" / "one", **{"lessons/00-votes.md": LESSON, "forms/form.yaml": form})
    monkeypatch.setattr(catalogue, "BUILT_IN", tmp_path / "packs")
    catalogue.reload()


@pytest.fixture
def link() -> ResourceLink:
    return factories.make_link()


@pytest.fixture
def alice(link: ResourceLink) -> LtiUser:
    return factories.make_member(link.context, "Alice")


@pytest.fixture
def enrolment(link: ResourceLink, alice: LtiUser) -> Enrolment:
    return factories.make_enrolment(factories.make_activity(link, module="form"), alice)


def vote(enrolment: Enrolment, exercise: str, option: str) -> None:
    client = sign_in(enrolment.lti_user)
    data = {f"{exercise}-answer": option} if option else {}
    response = post(client, "learn:exercise", enrolment.pk, "votes", exercise, **data)
    assert response.status_code == (302 if option else 200)


def lesson(enrolment: Enrolment) -> str:
    return text(get(sign_in(enrolment.lti_user), "learn:lesson", enrolment.pk, "votes"))


# --- positions ------------------------------------------------------------------------------------


def test_what_others_may_say_is_shown_once_somebody_has_voted(enrolment: Enrolment) -> None:
    assert "police officer" not in lesson(enrolment)
    vote(enrolment, "vote-1", "refer")
    page = lesson(enrolment)
    assert "A police officer may say: Refer it as you said We see what you cannot." in page
    assert "A teacher may say: Handle it here We know them both." in page


@pytest.mark.parametrize(
    ("then", "said"), [("refer", "Your view has not moved."), ("school", "Your view has moved.")]
)
def test_a_second_vote_shows_whether_the_view_has_moved(enrolment: Enrolment, then: str, said: str) -> None:
    vote(enrolment, "vote-1", "refer")
    vote(enrolment, "vote-2", then)
    assert f"Before, you said: Refer it {said}" in lesson(enrolment)


def test_no_vote_is_asked_for_again(enrolment: Enrolment) -> None:
    client = sign_in(enrolment.lti_user)
    page = text(post(client, "learn:exercise", enrolment.pk, "votes", "vote-1"))
    assert "Choose what you would decide." in page
    vote(enrolment, "vote-1", "refer")
    with pytest.raises(AssertionError):
        vote(enrolment, "vote-1", "burn-it")


# --- recall ---------------------------------------------------------------------------------------


def asked_again(enrolment: Enrolment) -> list[str]:
    page = get(sign_in(enrolment.lti_user), "learn:lesson", enrolment.pk, "votes").content.decode()
    ids = [part.partition('"')[0] for part in page.split('id="exercise-')[1:]]
    return [one for one in ids if not one.startswith("vote")]


def missed(user: LtiUser, *ids: str, right: tuple[str, ...] = ()) -> None:
    """An attempt elsewhere in which this person got these wrong."""
    other = factories.make_activity(factories.make_link(), module="other")
    assert other.resource_link
    attempt = attempts.start(
        factories.make_enrolment(other, user),
        draw=lambda: Paper("other", "1", tuple(PaperQuestion(i, {}) for i in (*ids, *right))),
        module=factories.MODULE,
        now=timezone.now(),
    )
    marks = (*(QuestionMark(i, 0.5) for i in ids), *(QuestionMark(i, 1.0) for i in right))
    attempts.submit(attempt, mark=lambda paper, answers: Mark(marks), now=timezone.now())


def test_what_somebody_got_wrong_before_comes_first(enrolment: Enrolment, alice: LtiUser) -> None:
    missed(alice, "six", "gone", right=("five",))
    assert asked_again(enrolment)[0] == "six"
    assert len(asked_again(enrolment)) == 3


def test_what_was_right_when_last_asked_does_not_come_for_that(enrolment: Enrolment, alice: LtiUser) -> None:
    missed(alice, "five", "six")
    missed(alice, right=("five",))
    assert attempts.missed_questions(alice.person) == ["six"]


def test_another_persons_mistakes_are_their_own(enrolment: Enrolment, link: ResourceLink) -> None:
    missed(factories.make_member(link.context, "Bob"), "six", "five")
    assert attempts.missed_questions(enrolment.lti_user.person) == []


def test_what_was_answered_stays_on_the_page(enrolment: Enrolment, alice: LtiUser) -> None:
    before = asked_again(enrolment)
    last = before[-1]
    client = sign_in(alice)
    if last == "order":
        data = {f"order-place-{n}": str(i) for i, n in enumerate(("one", "two", "three"), 1)}
    else:
        data = {f"{last}-answer": {"who": "dsl", "which": "calm"}.get(last, "y")}
    assert post(client, "learn:exercise", enrolment.pk, "votes", last, **data).status_code == 302
    missed(alice, *({"five", "six", "four"} - {last}))
    assert last in asked_again(enrolment)


# --- on every page --------------------------------------------------------------------------------


def test_the_helplines_are_those_of_the_readers_nation(link: ResourceLink, alice: LtiUser) -> None:
    here = factories.make_enrolment(factories.make_activity(link, module="form"), alice)
    there_link = factories.make_link(link.context)
    activity = factories.make_activity(there_link, module="form", nation="scotland", audience="police")
    there = factories.make_enrolment(activity, alice)
    client = sign_in(alice)
    assert "Childline 0800 1111" in text(get(client, "learn:module", here.pk))
    page = text(get(client, "learn:module", there.pk))
    assert "A Scottish line 0800 22" in page
    assert "Childline" not in page


def test_another_nations_module_is_never_shown_instead(link: ResourceLink, alice: LtiUser) -> None:
    activity = factories.make_activity(link, module="form", nation="wales")
    enrolment = factories.make_enrolment(activity, alice)
    response = get(sign_in(alice), "learn:module", enrolment.pk)
    assert response.status_code == 503
    assert "A form for" not in text(response)


def test_the_guidance_page_tells_editions_and_what_is_unchecked(enrolment: Enrolment) -> None:
    page = text(get(sign_in(enrolment.lti_user), "learn:guidance", enrolment.pk))
    assert "UKCIS" in page
    assert "To be looked at again by 1 March 2027" in page
    assert "statement of this training rests on it" in page


def test_leaving_goes_back_to_the_course(enrolment: Enrolment, alice: LtiUser, link: ResourceLink) -> None:
    client = sign_in(alice)
    assert "Everything is saved" in text(get(client, "learn:leave", enrolment.pk))
    factories.make_launch(alice, link, return_url="https://vle.example/course/2")
    assert get(client, "learn:leave", enrolment.pk).url == "https://vle.example/course/2"
    factories.make_launch(alice, link, return_url="javascript:alert(1)")
    assert get(client, "learn:leave", enrolment.pk).status_code == 200


def test_nobody_leaves_or_reads_for_another(enrolment: Enrolment, link: ResourceLink) -> None:
    client = sign_in(factories.make_member(link.context, "Bob"))
    for name in ("leave", "guidance"):
        assert client.get(reverse(f"learn:{name}", args=[enrolment.pk])).status_code == 404


@pytest.mark.parametrize("address", ["http://[", "https:foo", "//evil.example/", "ftp://vle.example/"])
def test_an_odd_way_back_is_none(enrolment: Enrolment, address: str) -> None:
    factories.make_launch(enrolment.lti_user, enrolment.resource_link, return_url=address)
    assert get(sign_in(enrolment.lti_user), "learn:leave", enrolment.pk).status_code == 200


def test_what_an_open_paper_asks_is_not_recalled(enrolment: Enrolment) -> None:
    """The page of a recall tells the answers."""
    asked = asked_again(enrolment)
    paper = Paper("form", "1.0", tuple(PaperQuestion(one, {}) for one in asked))
    attempts.start(enrolment, draw=lambda: paper, module=factories.MODULE, now=timezone.now())
    assert not set(asked_again(enrolment)) & set(asked)


# --- a variant with an error ----------------------------------------------------------------------


@pytest.fixture
def _broken_in_scotland(tmp_path: Path) -> None:
    form = tmp_path / "packs" / "one" / "forms" / "form.yaml"
    form.write_text(form.read_text().replace("scotland: 4", "scotland: 9"))
    catalogue.reload()


@pytest.mark.usefixtures("_broken_in_scotland")
def test_a_broken_variant_is_not_offered_and_stops_no_other(link: ResourceLink) -> None:
    lead = factories.make_member(link.context, "Lead", lead=True)
    request = factories.make_deep_linking_request(link.context, user=lead)
    client = sign_in(lead)
    picker = reverse("learn:picker", args=[request.launch_id])
    assert client.get(picker, {"nation": "scotland"}).status_code == 200
    settings = reverse("learn:picker-settings", args=[request.launch_id])
    data = {"form-title": "T", "form-pass_mark": "80", "form-keeps": "best", "form-audience": "school"}
    said = {**data, "form-nation": "scotland", "form-graded": "yes", "form-opens": "frame"}
    page = client.post(f"{settings}?module=form", said)
    assert "This cannot be taught there now" in text(page)
    assert client.post(f"{settings}?module=form", {**said, "form-nation": "england"}).status_code == 200
    assert Activity.objects.filter(module="form").count() == 1


@pytest.mark.usefixtures("_broken_in_scotland")
def test_a_link_that_names_a_broken_variant_says_so_to_its_author() -> None:
    with pytest.raises(placement.BadParameter) as bad:
        placement.read({"module": "form", "nation": "scotland"})
    assert bad.value.name == "nation"
    assert placement.read({"module": "form", "nation": "england"}) is not None
