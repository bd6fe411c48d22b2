"""A VLE's "review this submission": whose result it shows, to whom, and how much of it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone

from course_content import catalogue, marking
from grading import attempts
from grading.models import Activity, Attempt, Certificate, Enrolment, OutgoingScore
from grading.papers import Paper, PaperQuestion
from lti_tool import registrations
from lti_tool.models import Deployment, Launch, LtiUser, Membership, Registration
from tests import factories
from tests.course_content.small_pack import write_pack
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform
from tests.platforms.people import AMINA, CHLOE, TEACHER, Person
from tests.platforms.profiles import EVERY_VLE, Profile
from tests.platforms.terms import CLAIM, SUBMISSION_REVIEW

pytestmark = pytest.mark.django_db

# Three right, one partly, one wrong, the one that must be right among the right: 75 %.
SOME_WRONG = {
    "who": ["dsl"],
    "which": ["calm"],
    "order": ["one", "two", "three"],
    "four": ["n"],
    "five": ["y"],
    "six": ["y"],
}
ALL_RIGHT = {**SOME_WRONG, "which": ["calm", "kind"], "four": ["y"]}


@pytest.fixture(autouse=True)
def _small_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small pack is all that this server teaches."""
    write_pack(tmp_path / "packs" / "small")
    monkeypatch.setattr(catalogue, "BUILT_IN", tmp_path / "packs")
    catalogue.reload()


@pytest.fixture
def vle(platform: FakePlatform) -> FakePlatform:
    """A course whose first activity is the small module."""
    return with_small_module(platform)


def with_small_module(platform: FakePlatform) -> FakePlatform:
    platform.links["link-1"] = replace(platform.links["link-1"], custom={"module": "small"})
    return platform


def at(platform: FakePlatform, person: Person) -> Visitor:
    return Visitor(platform, person=person)


def review(platform: FakePlatform, by: Person, of: Person) -> Any:
    """What somebody sees who reviews somebody's submission to the first activity."""
    return at(platform, by).open(message=SUBMISSION_REVIEW, for_user=of)


def begin(enrolment: Enrolment) -> Attempt:
    """A go at the quiz, with all of the questions."""
    module = catalogue.get_module("small")
    assert module.quiz is not None
    questions = tuple(PaperQuestion(q.id, q.model_dump(mode="json")) for q in module.quiz.questions)
    paper = Paper(module.slug, module.version, questions)
    summary = catalogue.summary(module)
    return attempts.start(enrolment, draw=lambda: paper, module=summary, now=timezone.now())


def take(enrolment: Enrolment, answers: Mapping[str, list[str]]) -> Attempt:
    """One whole go at the quiz, with these answers."""
    begun, now = begin(enrolment), timezone.now()
    for question, answer in answers.items():
        attempts.save(begun, question, answer, now=now)
    return attempts.submit(begun, mark=marking.mark_paper, now=now)


@pytest.fixture
def amina(vle: FakePlatform) -> Enrolment:
    """Amina, who has opened the activity."""
    at(vle, AMINA).open()
    return Enrolment.objects.get(lti_user__sub=AMINA.id)


def text(response: HttpResponse) -> str:
    """What a page's main part says, without its markup."""
    main = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def code(response: HttpResponse) -> tuple[int, str]:
    found = re.search(r"<code>(\w+)</code>", response.content.decode())
    return response.status_code, found[1] if found else ""


# --- what a lead sees ---------------------------------------------------------------------------------------


def test_it_works(vle: FakePlatform, amina: Enrolment) -> None:
    take(amina, SOME_WRONG)

    page = review(vle, TEACHER, AMINA)

    assert page.status_code == 200
    said = text(page)
    for words in (
        "Amina Yusuf",
        "A small module",
        "75%",
        "4 of 6 fully right. The pass mark is 80%.",
        "Not passed yet",
        "On its way to the gradebook",
        "75%, not passed",
    ):
        assert words in said, said


def test_each_question_says_how_it_went_and_what_is_right(vle: FakePlatform, amina: Enrolment) -> None:
    take(amina, SOME_WRONG)

    page = review(vle, TEACHER, AMINA).content.decode()

    cards = re.findall(
        r'<li class="card marked ([\w-]+)">(.*?)</li>\s*(?=<li class="card|</ol>\s*</section>)', page, re.S
    )
    by_prompt: dict[str, list[tuple[str, str]]] = {}
    for standing, card in cards:
        words = " ".join(re.sub(r"<[^>]+>", " ", card).split())
        prompt = next(
            p
            for p in ("Whom do you tell?", "Which are right?", "In which order?", "Yes or no?")
            if p in words
        )
        by_prompt.setdefault(prompt, []).append((standing, words))
    assert [standing for standing, _ in by_prompt["Whom do you tell?"]] == ["right"]
    ((standing, words),) = by_prompt["Which are right?"]
    assert standing == "partly"
    assert "Partly right Listening" in words
    assert "The right answer Be calm Be kind" in words or "The right answer Be kind Be calm" in words
    assert "Calm and kind." in words
    assert sorted(standing for standing, _ in by_prompt["Yes or no?"]) == ["not-right", "right", "right"]
    # What was right needs no answer beside it.
    assert "The right answer" not in by_prompt["Whom do you tell?"][0][1]


def test_what_somebody_chose_is_theirs_to_see(vle: FakePlatform, amina: Enrolment) -> None:
    take(amina, {**SOME_WRONG, "who": ["friend"], "which": ["cross"]})

    for_lead = text(review(vle, TEACHER, AMINA))
    for_amina = text(review(vle, AMINA, AMINA))

    for chosen in ("A friend", "Be cross"):
        assert chosen not in for_lead
        assert chosen in for_amina


def test_a_pass_shows_the_certificate_that_anybody_can_verify(vle: FakePlatform, amina: Enrolment) -> None:
    take(amina, SOME_WRONG)
    take(amina, ALL_RIGHT)

    page = review(vle, TEACHER, AMINA)

    certificate = Certificate.objects.get()
    assert f'href="{reverse("grading:verify", args=[certificate.code])}"' in page.content.decode()
    said = text(page)
    assert "Passed" in said
    assert "100%, passed Counts" in said
    assert "75%, not passed" in said
    # The PDF is the holder's.
    assert reverse("grading:certificate", args=[amina.pk]) not in page.content.decode()


def test_the_attempt_that_counts_is_the_one_that_is_shown(vle: FakePlatform, amina: Enrolment) -> None:
    take(amina, ALL_RIGHT)
    take(amina, SOME_WRONG)

    said = text(review(vle, TEACHER, AMINA))

    assert "6 of 6 fully right" in said
    assert "Not right" not in said


def test_somebody_under_way(vle: FakePlatform, amina: Enrolment) -> None:
    begin(amina)

    said = text(review(vle, TEACHER, AMINA))

    assert "Under way" in said
    assert "None has been submitted yet." in said
    # An open paper is nobody's but the learner's.
    assert "Whom do you tell?" not in said


def test_a_grade_that_got_stuck_says_why_by_name_and_is_sent_again(
    vle: FakePlatform, amina: Enrolment
) -> None:
    take(amina, SOME_WRONG)
    OutgoingScore.objects.update(state=OutgoingScore.State.PARKED, reason="ungradable")
    lead = at(vle, TEACHER)

    page = lead.open(message=SUBMISSION_REVIEW, for_user=AMINA)
    assert "give Amina Yusuf the Student role in this course" in text(page)
    lead.client.post(
        reverse("grading:send-again", args=[amina.resource_link_id]),
        {"score": OutgoingScore.objects.get().pk},
        secure=True,
    )

    assert OutgoingScore.objects.get().state == OutgoingScore.State.WAITING


def test_without_a_grade_there_is_none_to_speak_of(vle: FakePlatform, amina: Enrolment) -> None:
    assert "Nothing sent yet" in text(review(vle, TEACHER, AMINA))


def test_a_link_that_teaches_something_else_by_now(vle: FakePlatform, amina: Enrolment) -> None:
    """The work that was done in the link's earlier activity still counts; the link's own goes first."""
    take(amina, SOME_WRONG)
    earlier = amina.activity
    earlier.resource_link = None
    earlier.save()
    newer = factories.make_activity(amina.resource_link, module="small", title="A newer one")
    assert "A small module" in text(review(vle, TEACHER, AMINA))

    factories.make_enrolment(newer, amina.lti_user)
    assert "A newer one" in text(review(vle, TEACHER, AMINA))


# --- one's own ----------------------------------------------------------------------------------------------


def test_reviewing_ones_own_work_leads_to_ones_result(vle: FakePlatform, amina: Enrolment) -> None:
    attempt = take(amina, SOME_WRONG)

    page = review(vle, AMINA, AMINA)

    assert page.redirect_chain[-1][0] == reverse("learn:result", args=[attempt.pk])
    assert "Your answers" in text(page)


def test_ones_own_work_before_there_is_a_result(vle: FakePlatform, amina: Enrolment) -> None:
    page = review(vle, AMINA, AMINA)

    assert page.redirect_chain[-1][0] == reverse("learn:module", args=[amina.pk])


def test_ones_own_work_before_it_is_begun(vle: FakePlatform) -> None:
    page = review(vle, AMINA, AMINA)

    assert code(page) == (404, "not_started")
    assert "You have not started this training yet" in text(page)
    assert not Enrolment.objects.exists()


def test_a_lead_who_took_the_training_sees_their_own(vle: FakePlatform, amina: Enrolment) -> None:
    lead = at(vle, TEACHER)
    lead.open()
    lead.client.post(reverse("learn:take", args=[amina.resource_link_id]), secure=True)
    attempt = take(Enrolment.objects.get(lti_user__sub=TEACHER.id), ALL_RIGHT)

    page = review(vle, TEACHER, TEACHER)

    assert page.redirect_chain[-1][0] == reverse("learn:result", args=[attempt.pk])


# --- who may not --------------------------------------------------------------------------------------------


def test_another_learner_sees_nothing(vle: FakePlatform, amina: Enrolment) -> None:
    take(amina, SOME_WRONG)

    page = review(vle, CHLOE, AMINA)

    assert code(page) == (403, "review_not_allowed")
    assert "Amina" not in page.content.decode()


def reviewing(vle: FakePlatform) -> tuple[Client, str]:
    """A lead's browser with Amina's review open, and its address."""
    lead = at(vle, TEACHER)
    page = lead.open(message=SUBMISSION_REVIEW, for_user=AMINA)
    assert page.status_code == 200
    return lead.client, page.redirect_chain[-1][0]


@pytest.mark.parametrize(
    "change",
    [
        {"is_lead": False},
        {"is_lead": False, "is_learner": True},
        {"left_at": "2026-11-20T12:00:00Z"},
    ],
)
def test_rights_are_those_of_this_moment(vle: FakePlatform, amina: Enrolment, change: dict[str, Any]) -> None:
    take(amina, SOME_WRONG)
    client, address = reviewing(vle)
    Membership.objects.filter(lti_user__sub=TEACHER.id).update(**change)

    page = client.get(address, secure=True)

    assert code(page) == (403, "review_not_allowed")
    assert "Amina" not in page.content.decode()


def test_leading_another_course_is_not_enough(vle: FakePlatform, amina: Enrolment) -> None:
    take(amina, SOME_WRONG)
    client, address = reviewing(vle)
    elsewhere = factories.make_course(amina.resource_link.deployment, context_id="another")
    Membership.objects.filter(lti_user__sub=TEACHER.id).update(context=elsewhere)

    assert code(client.get(address, secure=True)) == (403, "review_not_allowed")


@pytest.mark.parametrize("switched_off", ["user", "registration", "deployment"])
def test_nobody_is_let_in_once_they_are_switched_off(
    vle: FakePlatform, amina: Enrolment, switched_off: str
) -> None:
    client, address = reviewing(vle)
    if switched_off == "user":
        LtiUser.objects.filter(sub=TEACHER.id).update(is_active=False)
    elif switched_off == "registration":
        Registration.objects.update(is_active=False)
        registrations.forget()
    else:
        Deployment.objects.update(status=Deployment.Status.REFUSED)

    assert client.get(address, secure=True).status_code == 404


def test_a_review_is_its_launchers_alone(vle: FakePlatform, amina: Enrolment) -> None:
    _, address = reviewing(vle)
    for somebody in (AMINA, CHLOE):
        other = at(vle, somebody)
        other.open()
        assert other.client.get(address, secure=True).status_code == 404
    assert Client().get(address, secure=True).status_code == 403


def test_another_launch_is_no_review(vle: FakePlatform, amina: Enrolment) -> None:
    lead = at(vle, TEACHER)
    lead.open()
    launch = Launch.objects.filter(lti_user__sub=TEACHER.id).get()

    assert lead.client.get(reverse("learn:review", args=[launch.pk]), secure=True).status_code == 404


def test_another_tenants_person_of_the_same_id_is_somebody_else(vle: FakePlatform, amina: Enrolment) -> None:
    """Two schools on one shared VLE: same issuer, same ids of links and people, another client id."""
    take(amina, ALL_RIGHT)
    vle.client_id = "the-other-school"
    vle.register()
    lead = at(vle, TEACHER)
    lead.open()

    page = lead.open(message=SUBMISSION_REVIEW, for_user=AMINA)

    assert Membership.objects.filter(lti_user__sub=TEACHER.id, is_lead=True).count() == 1
    assert code(page) == (404, "not_started")
    assert "Amina" not in page.content.decode()


@pytest.mark.parametrize(
    ("by", "page"), [(TEACHER, "grading:lead"), (AMINA, "learn:module")], ids=["lead", "learner"]
)
def test_a_whole_column(vle: FakePlatform, amina: Enrolment, by: Person, page: str) -> None:
    """Moodle's "View External tool results", above a column, reviews nobody (executed on 4.5)."""
    visitor = at(vle, by)

    def change(claims: dict[str, Any]) -> None:
        said = {"target": visitor.target, "message": SUBMISSION_REVIEW, "person": by}
        claims.update(vle.claims(nonce=claims["nonce"], **said))
        del claims[f"{CLAIM}for_user"]

    landed = visitor.launch(change)
    arrived = visitor.client.get(landed["Location"], secure=True, follow=True)

    assert arrived.status_code == 200
    assert resolve(arrived.redirect_chain[-1][0]).view_name == page


# --- nothing to see -----------------------------------------------------------------------------------------


def test_somebody_of_whom_we_know_nothing(vle: FakePlatform, amina: Enrolment) -> None:
    page = review(vle, TEACHER, CHLOE)

    assert code(page) == (404, "not_started")
    assert "This person has not started the training yet" in text(page)


def test_somebody_of_the_course_who_has_not_begun(vle: FakePlatform, amina: Enrolment) -> None:
    factories.make_member(amina.resource_link.context, "Bob Brown", sub="bob-1")

    page = review(vle, TEACHER, Person("bob-1", "Bob", "Brown"))

    assert code(page) == (404, "not_started")
    assert "Bob Brown has not started this training yet" in text(page)


def test_nobody_elses_name_is_told(vle: FakePlatform, amina: Enrolment) -> None:
    elsewhere = factories.make_course(amina.resource_link.deployment, context_id="another")
    factories.make_member(elsewhere, "Bob Brown", sub="bob-1")

    page = review(vle, TEACHER, Person("bob-1", "Bob", "Brown"))

    assert "Bob" not in text(page)


@pytest.mark.parametrize("by", [TEACHER, AMINA], ids=["lead", "learner"])
def test_a_copied_or_unknown_link_has_no_results_yet(vle: FakePlatform, amina: Enrolment, by: Person) -> None:
    take(amina, SOME_WRONG)
    (copied,) = vle.copy_course("course-1", "course-2")

    page = at(vle, by).open(copied, message=SUBMISSION_REVIEW, for_user=AMINA)

    assert code(page) == (404, "nothing_here" if by is TEACHER else "not_started")
    assert Activity.objects.count() == 1


# --- on every make of VLE that has it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "profile", [p for p in EVERY_VLE if SUBMISSION_REVIEW in p.launches.messages], ids=str
)
def test_on_every_vle_that_reviews(platform: FakePlatform, profile: Profile) -> None:
    keys = platform.tool_keys
    platform.reset(profile)
    platform.tool_keys = keys  # type: ignore[method-assign]
    platform.register(frame_hosts=platform.url)
    with_small_module(platform)
    at(platform, AMINA).open()
    take(Enrolment.objects.get(), SOME_WRONG)

    assert "4 of 6 fully right" in text(review(platform, TEACHER, AMINA))
    assert "Your answers" in text(review(platform, AMINA, AMINA))
    assert code(review(platform, CHLOE, AMINA)) == (403, "review_not_allowed")
