"""The pages of the training, each as a browser would ask for it."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from course_content import catalogue
from grading.models import Activity, Attempt, Enrolment, OutgoingScore, Result
from lti_tool.models import LtiUser, ResourceLink
from tests import factories
from tests.course_content.small_pack import write_pack

pytestmark = pytest.mark.django_db
RIGHT = {
    "who": ["dsl"],
    "which": ["calm", "kind"],
    "order": ["one", "two", "three"],
    "four": ["y"],
    "five": ["y"],
    "six": ["y"],
}


@pytest.fixture(autouse=True)
def _small_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small pack is all that this server teaches."""
    write_pack(tmp_path / "packs" / "small")
    monkeypatch.setattr(catalogue, "BUILT_IN", tmp_path / "packs")
    catalogue.reload()


def sign_in(user: LtiUser) -> Client:
    """A browser in which this user was launched."""
    client = Client()
    signed = signing.TimestampSigner(salt="lti.user").sign(f"{user.registration_id}.{user.pk}")
    client.cookies[f"sr-user-{user.registration_id}"] = signed
    return client


def launch(user: LtiUser, link: ResourceLink, **custom: str) -> str:
    """The address a verified launch is sent to."""
    made = factories.make_launch(user, link, custom=custom)
    return reverse("learn:landing", args=[made.pk])


def text(response: Any) -> str:
    """What a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def link() -> ResourceLink:
    return factories.make_link()


@pytest.fixture
def alice(link: ResourceLink) -> LtiUser:
    return factories.make_member(link.context, "Alice")


@pytest.fixture
def enrolment(link: ResourceLink, alice: LtiUser) -> Enrolment:
    return factories.make_enrolment(factories.make_activity(link, module="small"), alice)


def post(client: Client, page: str, /, *args: object, **data: Any) -> Any:
    return client.post(reverse(page, args=args), data)


def get(client: Client, name: str, *args: object) -> Any:
    return client.get(reverse(name, args=args))


def through_the_steps(client: Client, enrolment: Enrolment) -> None:
    post(client, "learn:lesson-done", enrolment.pk, "first")
    post(client, "learn:scenario-skip", enrolment.pk, "door")


def answer_all(client: Client, attempt: Attempt, *, rightly: bool = True) -> None:
    for number, put in enumerate(attempt.paper.questions, 1):
        answer: dict[str, Any] = {"answer": RIGHT[put.id] if rightly else [put.body["options"][0]["id"]]}
        if put.body["kind"] == "ordering":
            answer = {f"place-{option}": place for place, option in enumerate(RIGHT[put.id], 1)}
        post(client, "learn:question", attempt.pk, number, **answer)


# --- coming in ------------------------------------------------------------------------------------


def test_a_learners_launch_leads_to_the_module(link: ResourceLink, alice: LtiUser) -> None:
    response = sign_in(alice).get(launch(alice, link, module="small"))
    enrolment = Enrolment.objects.get()
    assert (enrolment.lti_user, enrolment.activity.module) == (alice, "small")
    assert response.headers["Location"] == reverse("learn:module", args=[enrolment.pk])


def test_launching_twice_enrols_once(link: ResourceLink, alice: LtiUser) -> None:
    client = sign_in(alice)
    for _ in range(2):
        client.get(launch(alice, link, module="small"))
    assert Enrolment.objects.count() == 1


def test_a_leads_launch_leads_to_the_leads_page_and_makes_the_activity(link: ResourceLink) -> None:
    grace = factories.make_member(link.context, "Grace", lead=True)
    response = sign_in(grace).get(launch(grace, link, module="small"))
    assert response.headers["Location"] == reverse("grading:lead", args=[link.pk])
    assert Activity.objects.get().resource_link == link
    assert not Enrolment.objects.exists()


def test_a_lead_may_take_the_training(link: ResourceLink) -> None:
    grace = factories.make_member(link.context, "Grace", lead=True)
    client = sign_in(grace)
    client.get(launch(grace, link, module="small"))
    response = post(client, "learn:take", link.pk)
    assert response.headers["Location"] == reverse("learn:module", args=[Enrolment.objects.get().pk])
    assert "To the lead’s page" in text(client.get(response.headers["Location"]))


def test_a_learner_may_not_take_a_leads_way_in(link: ResourceLink, alice: LtiUser) -> None:
    assert post(sign_in(alice), "learn:take", link.pk).status_code == 404


def test_a_link_that_is_not_set_up_tells_learners_whom_to_ask(link: ResourceLink, alice: LtiUser) -> None:
    response = sign_in(alice).get(launch(alice, link))
    assert response.status_code == 404
    assert "tell the author of your course" in text(response)


def test_an_activity_of_another_vle_is_refused_plainly(link: ResourceLink, alice: LtiUser) -> None:
    foreign = factories.make_activity(factories.make_link())
    response = sign_in(alice).get(launch(alice, link, activity=str(foreign.pk)))
    assert response.status_code == 404
    assert "This activity belongs to another VLE" in text(response)


@pytest.mark.parametrize(("column", "state"), [("https://vle.example/1", "waiting"), ("", "ungraded")])
def test_a_score_without_a_column_goes_home_once_there_is_one(
    link: ResourceLink, alice: LtiUser, enrolment: Enrolment, column: str, state: str
) -> None:
    factories.take(enrolment, 90)
    OutgoingScore.objects.update(state=OutgoingScore.State.UNGRADED)
    factories.make_line_item(link, url=column)
    sign_in(alice).get(launch(alice, link))
    assert OutgoingScore.objects.get().state == state


# --- nobody sees another's pages -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["module", "name", "quiz", "lesson first", "scenario door"],
)
def test_alice_sees_her_pages_and_bob_does_not(enrolment: Enrolment, alice: LtiUser, name: str) -> None:
    page, *step = name.split()
    bob = factories.make_member(enrolment.resource_link.context, "Bob")
    assert get(sign_in(alice), f"learn:{page}", enrolment.pk, *step).status_code in {200, 302}
    assert get(sign_in(bob), f"learn:{page}", enrolment.pk, *step).status_code == 404
    assert get(Client(), f"learn:{page}", enrolment.pk, *step).status_code == 403


# --- steps ----------------------------------------------------------------------------------------


def test_the_module_page_says_what_it_is_and_where_to_go_on(enrolment: Enrolment, alice: LtiUser) -> None:
    said = text(get(sign_in(alice), "learn:module", enrolment.pk))
    for words in (
        "School staff · England",
        "Awaiting review by a safeguarding professional",
        "Know who to tell",
        "Nothing upsetting",
        "About 4 minutes",
        "Opens when the steps before it are done or skipped",
    ):
        assert words in said


def test_a_lesson_shows_what_it_rests_on_and_leads_on(enrolment: Enrolment, alice: LtiUser) -> None:
    client = sign_in(alice)
    assert "Checked against the source" in text(get(client, "learn:lesson", enrolment.pk, "first"))
    onwards = reverse("learn:scenario", args=[enrolment.pk, "door"])
    for _ in range(2):
        response = post(client, "learn:lesson-done", enrolment.pk, "first")
        assert response.headers["Location"] == onwards


def test_a_scenario_is_walked_choice_by_choice(enrolment: Enrolment, alice: LtiUser) -> None:
    client = sign_in(alice)
    assert "Begin the story" in text(get(client, "learn:scenario", enrolment.pk, "door"))
    post(client, "learn:scenario-begin", enrolment.pk, "door")
    assert "Do you open?" in text(get(client, "learn:scenario", enrolment.pk, "door"))
    post(client, "learn:scenario-decide", enrolment.pk, "door", choice="ignore", seen="0")
    said = text(get(client, "learn:scenario", enrolment.pk, "door"))
    assert "There is a better way" in said
    assert "They knock again." in said
    post(client, "learn:scenario-decide", enrolment.pk, "door", choice="open-now", seen="1")
    said = text(get(client, "learn:scenario", enrolment.pk, "door"))
    assert "Your way, and the way we recommend" in said
    assert enrolment.progress.get(step="door").done_at is not None


def test_a_page_that_is_behind_changes_nothing(enrolment: Enrolment, alice: LtiUser) -> None:
    client = sign_in(alice)
    post(client, "learn:scenario-begin", enrolment.pk, "door")
    for choice in ("ignore", "ignore", "open"):
        response = post(client, "learn:scenario-decide", enrolment.pk, "door", choice=choice, seen="0")
    assert response.headers["Location"].endswith("?behind=1")
    assert enrolment.progress.get(step="door").choices == ["ignore"]


def test_deciding_nothing_is_an_error_with_a_link_to_the_choices(
    enrolment: Enrolment, alice: LtiUser
) -> None:
    client = sign_in(alice)
    post(client, "learn:scenario-begin", enrolment.pk, "door")
    page = post(client, "learn:scenario-decide", enrolment.pk, "door", seen="0").content.decode()
    again = get(client, "learn:scenario-decide", enrolment.pk, "door")
    assert again.headers["Location"] == reverse("learn:scenario", args=[enrolment.pk, "door"])
    assert 'href="#id_choice_0"' in page
    assert 'id="id_choice_0"' in page
    assert "<title>Error:" in page


def test_walking_in_circles_ends_in_a_new_beginning(enrolment: Enrolment, alice: LtiUser) -> None:
    client = sign_in(alice)
    post(client, "learn:scenario-begin", enrolment.pk, "door")
    progress = enrolment.progress.get(step="door")
    progress.choices = ["ignore", *["wait"] * 99]
    progress.save()
    post(client, "learn:scenario-decide", enrolment.pk, "door", choice="wait", seen="100")
    progress.refresh_from_db()
    assert (progress.choices, len(progress.earlier_walks)) == ([], 1)


# --- the quiz -------------------------------------------------------------------------------------


def test_the_quiz_stays_shut_until_the_steps_are_behind(enrolment: Enrolment, alice: LtiUser) -> None:
    client = sign_in(alice)
    assert "The questions are not open yet" in text(get(client, "learn:quiz", enrolment.pk))
    post(client, "learn:start", enrolment.pk)
    assert not Attempt.objects.exists()
    through_the_steps(client, enrolment)
    assert "Start the questions" in text(get(client, "learn:quiz", enrolment.pk))


def test_a_whole_quiz_ends_in_a_pass_and_a_certificate(enrolment: Enrolment, alice: LtiUser) -> None:
    client = sign_in(alice)
    through_the_steps(client, enrolment)
    for _ in range(2):
        post(client, "learn:start", enrolment.pk)
    attempt = Attempt.objects.get()
    answer_all(client, attempt)
    assert "You have answered everything" in text(get(client, "learn:check", attempt.pk))
    for _ in range(2):
        response = post(client, "learn:submit", attempt.pk)
        assert response.headers["Location"] == reverse("learn:result", args=[attempt.pk])
    said = text(get(client, "learn:result", attempt.pk))
    assert "You have passed" in said
    assert "Download your certificate" in said
    assert "On its way to the gradebook" in said
    assert OutgoingScore.objects.count() == 1
    assert get(client, "learn:question", attempt.pk, 1).status_code == 302
    assert get(client, "learn:check", attempt.pk).status_code == 302


def test_a_missed_critical_question_is_explained(enrolment: Enrolment, alice: LtiUser) -> None:
    client = sign_in(alice)
    through_the_steps(client, enrolment)
    post(client, "learn:start", enrolment.pk)
    attempt = Attempt.objects.get()
    post(client, "learn:submit", attempt.pk)
    said = text(get(client, "learn:result", attempt.pk))
    assert "One question that must be right was missed" in said
    assert "Try again" in said
    assert "Not answered" in said


def test_answers_are_kept_and_shown_again(enrolment: Enrolment, alice: LtiUser) -> None:
    client = sign_in(alice)
    through_the_steps(client, enrolment)
    post(client, "learn:start", enrolment.pk)
    attempt = Attempt.objects.get()
    answer_all(client, attempt)
    for number, put in enumerate(attempt.paper.questions, 1):
        form = get(client, "learn:question", attempt.pk, number).context["form"]
        if put.body["kind"] == "ordering":
            chosen = {field.name: field.value() for field in form}
            assert chosen == {f"place-{option}": n for n, option in enumerate(RIGHT[put.id], 1)}
        else:
            assert form["answer"].value() in (RIGHT[put.id], RIGHT[put.id][0])


def test_an_empty_answer_is_an_error_and_saves_nothing(enrolment: Enrolment, alice: LtiUser) -> None:
    client = sign_in(alice)
    through_the_steps(client, enrolment)
    post(client, "learn:start", enrolment.pk)
    attempt = Attempt.objects.get()
    page = post(client, "learn:question", attempt.pk, 1)
    assert "There is a problem" in text(page)
    assert not attempt.answers.exists()
    assert get(client, "learn:question", attempt.pk, 3).status_code == 404


def test_without_a_name_one_is_asked_for_before_the_quiz(link: ResourceLink) -> None:
    nobody = factories.make_member(link.context, "")
    enrolment = factories.make_enrolment(factories.make_activity(link, module="small"), nobody)
    client = sign_in(nobody)
    through_the_steps(client, enrolment)
    response = post(client, "learn:start", enrolment.pk)
    assert response.headers["Location"] == reverse("learn:name", args=[enrolment.pk])
    unseen = post(client, "learn:name", enrolment.pk, name=" \u200b ")
    assert "Type the name for your certificate" in text(unseen)
    post(client, "learn:name", enrolment.pk, name=" Zoë\u202e\x07  O’Brien ")
    nobody.person.refresh_from_db()
    assert nobody.person.certificate_name == "Zoë O’Brien"
    assert "Zoë O’Brien" in text(get(client, "learn:quiz", enrolment.pk))


def test_whoever_the_vle_names_is_not_asked(enrolment: Enrolment, alice: LtiUser) -> None:
    response = post(sign_in(alice), "learn:name", enrolment.pk, name="Somebody Else")
    assert response.headers["Location"] == reverse("learn:quiz", args=[enrolment.pk])
    alice.person.refresh_from_db()
    assert alice.person.certificate_name == ""


def test_with_no_attempt_left_the_quiz_says_what_to_do(enrolment: Enrolment, alice: LtiUser) -> None:
    Activity.objects.update(attempts_allowed=1)
    client = sign_in(alice)
    through_the_steps(client, enrolment)
    post(client, "learn:start", enrolment.pk)
    post(client, "learn:submit", Attempt.objects.get().pk)
    response = post(client, "learn:start", enrolment.pk)
    said = text(client.get(response.headers["Location"]))
    assert "You have used your one attempt" in said
    assert "They can allow more attempts" in said
    assert Attempt.objects.count() == 1


@pytest.mark.parametrize(
    ("state", "words", "settled"),
    [
        ("waiting", "On its way to the gradebook", "no"),
        ("sending", "On its way to the gradebook", "no"),
        ("delivered", "In the gradebook", "yes"),
        ("parked", "Tell whoever leads your course", "yes"),
        ("ungraded", "no gradebook column", "yes"),
    ],
)
def test_the_grades_way_is_told_in_words(
    enrolment: Enrolment, alice: LtiUser, state: str, words: str, settled: str
) -> None:
    client = sign_in(alice)
    through_the_steps(client, enrolment)
    post(client, "learn:start", enrolment.pk)
    attempt = Attempt.objects.get()
    post(client, "learn:submit", attempt.pk)
    OutgoingScore.objects.update(state=state, settled_at=timezone.now())
    fragment = get(client, "learn:delivery", attempt.pk)
    assert words in text(fragment)
    assert f'data-settled="{settled}"' in fragment.content.decode()
    assert words in text(get(client, "learn:module", enrolment.pk))


def test_the_result_that_counts_is_explained(enrolment: Enrolment, alice: LtiUser) -> None:
    client = sign_in(alice)
    through_the_steps(client, enrolment)
    for rightly in (True, False):
        post(client, "learn:start", enrolment.pk)
        attempt = enrolment.attempts.get(submitted_at=None)
        if rightly:
            answer_all(client, attempt)
        post(client, "learn:submit", attempt.pk)
    assert Result.objects.get().percentage == 100
    assert "Your best attempt counts: 100%." in text(get(client, "learn:result", attempt.pk))


# --- every page -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["/", "/help-now/", "/verify/", "/verify/NOPE/", "/learn/1/", "/nowhere/"]
)
def test_help_for_a_real_incident_is_on_every_page(address: str) -> None:
    page = Client().get(address).content.decode()
    assert reverse("help-now") in page
    assert "0808 800 5000" in page
    assert '<html lang="en-GB">' in page


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "/\\evil"]
)
def test_the_way_back_from_help_never_leaves_the_tool(back: str) -> None:
    assert "Back to where you were" not in text(Client().get("/help-now/", {"back": back}))


def test_the_way_back_from_help_leads_to_the_page_before() -> None:
    assert 'href="/learn/7/"' in Client().get("/help-now/", {"back": "/learn/7/"}).content.decode()


def test_a_module_that_is_not_loaded_says_that_nothing_is_lost(link: ResourceLink, alice: LtiUser) -> None:
    enrolment = factories.make_enrolment(factories.make_activity(link, module="gone"), alice)
    response = get(sign_in(alice), "learn:module", enrolment.pk)
    assert response.status_code == 503
    assert "What you have done so far is kept" in text(response)


def test_a_pass_stays_a_pass_where_a_later_attempt_counts(enrolment: Enrolment, alice: LtiUser) -> None:
    Activity.objects.update(keeps=Activity.Keeps.LATEST)
    client = sign_in(alice)
    through_the_steps(client, enrolment)
    for rightly in (True, False):
        post(client, "learn:start", enrolment.pk)
        attempt = enrolment.attempts.get(submitted_at=None)
        if rightly:
            answer_all(client, attempt)
        post(client, "learn:submit", attempt.pk)
    said = text(get(client, "learn:module", enrolment.pk))
    assert "You have passed" in said
    assert "was 0% and not a pass" in said
    assert "a lower one replaces the grade" in text(get(client, "learn:quiz", enrolment.pk))
