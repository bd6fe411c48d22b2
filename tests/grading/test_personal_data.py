"""Somebody's own data: all of it, nobody else's; and an administrator's request for somebody else's."""

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core import signing
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from grading import attempts, enrolments, outbox, personal_data
from grading.models import Certificate, Enrolment, PersonalPart
from grading.personal_data import NotShown, PersonalData
from lti_tool import registrations
from lti_tool.models import Deployment, Family, Launch, LtiUser, Membership, Registration
from tests import factories
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform
from tests.platforms.people import ADMIN, AMINA, ASSISTANT, CHLOE, TEACHER, Person
from tests.platforms.profiles import EVERY_VLE, Profile
from tests.platforms.terms import ADMINISTRATOR, CLAIM, DATA_PRIVACY, INSTRUCTOR, LEARNER

pytestmark = pytest.mark.django_db


def text(response: HttpResponse) -> str:
    main = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def sign_in(user: LtiUser) -> Client:
    client = Client()
    signed = signing.TimestampSigner(salt="lti.user").sign(f"{user.registration_id}.{user.pk}")
    client.cookies[f"sr-user-{user.registration_id}"] = signed
    return client


def built(user: LtiUser, **how: Any) -> PersonalData:
    return personal_data.of(user, now=timezone.now(), **how)


def whole(data: PersonalData) -> str:
    """Everything that a download would say."""
    return json.dumps(data.to_json(), default=str)


def has_done_everything(user: LtiUser, enrolment: Enrolment) -> None:
    """Somebody who has read, walked, failed, passed, and been told."""
    now = timezone.now()
    enrolments.finish_step(enrolment, "first-lesson", now=now)
    enrolments.keep_choices(enrolment, "a-story", seen=0, choices=["tell"], done=True, now=now)
    enrolments.walk_again(enrolment, "a-story", now=now)
    attempt = factories.start(enrolment)
    attempts.save(attempt, "first", [f"{user.sub} chose this"], now=now)
    attempts.submit(attempt, mark=factories.marks(50), now=now)
    factories.take(enrolment, 90)
    Launch.objects.create(
        registration=user.registration,
        deployment=enrolment.resource_link.deployment,
        nonce=f"nonce of {user.sub}",
        lti_user=user,
        resource_link=enrolment.resource_link,
        custom={"module": f"{user.sub} sent this"},
        target="/lti/launch/",
        locale="cy",
        return_url="https://vle.example/return?sesskey=SECRET",
        launched_at=now,
    )


@pytest.fixture
def enrolment() -> Enrolment:
    enrolment = factories.make_enrolment()
    user = enrolment.lti_user
    user.email, user.sourcedid = "amina@school.example", "S-001"
    user.save()
    has_done_everything(user, enrolment)
    return enrolment


# --- all of it ----------------------------------------------------------------------------------------------


def test_it_says_who_somebody_is(enrolment: Enrolment) -> None:
    user = enrolment.lti_user
    user.person.certificate_name = "A. Yusuf"

    assert built(user).identity == personal_data.Identity(
        name="Amina Yusuf",
        email="amina@school.example",
        staff_number="S-001",
        certificate_name="A. Yusuf",
        vle="https://vle.example",
        vle_user_id=user.sub,
        is_active=True,
        first_seen_at=user.created_at,
    )


def test_it_says_what_they_did(enrolment: Enrolment) -> None:
    (training,) = built(enrolment.lti_user).trainings

    assert (training.title, training.course, training.percentage, training.passed) == (
        "Responding to nudes and semi-nudes",
        "Safeguarding",
        90,
        True,
    )
    assert [(step.step, step.choices, step.earlier_walks) for step in training.steps] == [
        ("first-lesson", [], []),
        ("a-story", [], [["tell"]]),
    ]
    failed, passed = training.attempts
    assert (failed.number, failed.percentage, failed.passed) == (1, 50, False)
    assert failed.answers[0].chosen == [f"{enrolment.lti_user.sub} chose this"]
    assert (passed.number, passed.percentage, passed.passed) == (2, 90, True)


def test_it_says_what_went_to_the_vle(enrolment: Enrolment) -> None:
    outbox.claim(now=timezone.now())

    grades = built(enrolment.lti_user).grades

    assert [(grade.percentage, grade.state) for grade in grades] == [(50, "superseded"), (90, "sending")]
    assert Certificate.objects.get().code in grades[1].comment


def test_it_says_what_stands_in_the_register(enrolment: Enrolment) -> None:
    (line,) = built(enrolment.lti_user).evidence

    certificate = Certificate.objects.get()
    assert (line.certificate, line.kind, line.position) == (certificate.code, "completion", 1)
    assert line.personal["name"] == "Amina Yusuf"
    assert line.facts["percentage"] == 90
    assert line.verify_url.endswith(f"/verify/{certificate.code}/")


def test_a_line_whose_name_was_removed_says_so(enrolment: Enrolment) -> None:
    PersonalPart.objects.update(facts={})
    user = enrolment.lti_user

    assert built(user).evidence[0].personal == {}
    page = sign_in(user).get(reverse("grading:own-data", args=[user.registration_id]))
    assert "The name was removed." in text(page)


def test_it_says_when_they_came_and_who_looked(enrolment: Enrolment) -> None:
    link, user = enrolment.resource_link, enrolment.lti_user
    lead = factories.make_member(link.context, "Grace", lead=True)
    looked = timezone.now()
    for about in (user.sub, "somebody else"):
        Launch.objects.create(
            registration=lead.registration,
            deployment=link.deployment,
            message=Launch.Message.SUBMISSION_REVIEW,
            nonce=f"review of {about}",
            lti_user=lead,
            resource_link=link,
            about=about,
            target="/",
            launched_at=looked,
        )

    data = built(user)

    (visit,) = data.visits
    assert (visit.course, visit.message, visit.locale) == ("Safeguarding", "LtiResourceLinkRequest", "cy")
    assert visit.parameters == {"module": f"{user.sub} sent this"}
    assert data.looked_at == (looked,)
    assert "Grace" not in whole(data)


def test_it_says_in_which_courses_they_are(enrolment: Enrolment) -> None:
    user = enrolment.lti_user
    left = timezone.now()
    Membership.objects.create(
        context=factories.make_course(enrolment.resource_link.deployment, title="First aid"),
        lti_user=user,
        is_lead=True,
        left_at=left,
    )

    assert [(c.title, c.is_learner, c.is_lead, c.left_at) for c in built(user).courses] == [
        ("Safeguarding", True, False, None),
        ("First aid", False, True, left),
    ]


def test_no_key_of_the_vles_session_is_handed_out(enrolment: Enrolment) -> None:
    assert "SECRET" not in whole(built(enrolment.lti_user))


def test_somebody_of_whom_next_to_nothing_is_kept() -> None:
    user = factories.make_user(factories.make_registration(), "")

    data = built(user)

    assert (data.courses, data.trainings, data.evidence, data.visits, data.looked_at) == ((), (), (), (), ())
    page = sign_in(user).get(reverse("grading:own-data", args=[user.registration_id]))
    assert text(page).count("Not shared") == 3
    assert text(page).count("Nothing yet.") == 2


def test_an_open_paper_does_not_give_its_right_answers_away() -> None:
    enrolment = factories.make_enrolment()
    attempt = factories.start(enrolment)
    attempts.save(attempt, "first", ["Tell the DSL"], now=timezone.now())

    (go,) = built(enrolment.lti_user).trainings[0].attempts
    assert [(answer.question, answer.chosen, answer.put) for answer in go.answers] == [
        ("first", ["Tell the DSL"], None)
    ]
    assert "What do you never do?" not in whole(built(enrolment.lti_user))

    attempts.submit(attempt, mark=factories.marks(90), now=timezone.now())
    (go,) = built(enrolment.lti_user).trainings[0].attempts
    assert [answer.question for answer in go.answers] == ["first", "never"]
    assert go.answers[1].put == {"text": "What do you never do?", "options": ["Copy it", "Write it down"]}
    assert (go.answers[0].points, go.answers[1].chosen) == (0.9, [])


def test_as_many_queries_for_ten_trainings_as_for_one(enrolment: Enrolment) -> None:
    user = enrolment.lti_user
    with CaptureQueriesContext(connection) as one:
        built(user)
    for number in range(9):
        link = factories.make_link(enrolment.resource_link.context)
        more = factories.make_enrolment(factories.make_activity(link), user)
        factories.take(more, 50 + number)
        factories.take(more, 90)
    with CaptureQueriesContext(connection) as ten:
        assert len(built(user).trainings) == 10

    assert len(ten) == len(one)


# --- nobody else's ------------------------------------------------------------------------------------------


def test_nothing_of_anybody_else_is_in_it(enrolment: Enrolment) -> None:
    """A colleague in the same activity; the same person's other account; the same id at another VLE."""
    link, user = enrolment.resource_link, enrolment.lti_user
    colleague = factories.make_member(link.context, "Bob", sub="colleague")
    has_done_everything(colleague, factories.make_enrolment(enrolment.activity, colleague))
    at_another_vle = factories.make_link()
    namesake = factories.make_member(at_another_vle.context, "Other Amina", sub=user.sub)
    Launch.objects.create(
        registration=namesake.registration,
        deployment=at_another_vle.deployment,
        nonce="looked at the namesake",
        lti_user=factories.make_member(at_another_vle.context, "Their lead", lead=True),
        resource_link=at_another_vle,
        about=user.sub,
        target="/",
        launched_at=timezone.now(),
    )
    account = factories.make_user(link.deployment.registration, "Amina at home", sub="account-2")
    account.person = user.person
    account.save()
    has_done_everything(account, factories.make_enrolment(enrolment.activity, account))

    data = built(user)

    assert (len(data.trainings), len(data.evidence), len(data.visits), data.looked_at) == (1, 1, 1, ())
    said = whole(data)
    for theirs in ("Bob", "colleague", "Other Amina", "Amina at home", "account-2"):
        assert theirs not in said


def test_only_whoever_is_signed_in_sees_their_own(enrolment: Enrolment) -> None:
    user = enrolment.lti_user
    bob = factories.make_member(enrolment.resource_link.context, "Bob")
    stranger = factories.make_user(factories.make_registration("https://other.example"), "Stranger")
    for page in ("grading:own-data", "grading:own-data-download"):
        address = reverse(page, args=[user.registration_id])
        assert "Amina Yusuf" in sign_in(user).get(address).content.decode()
        assert "Amina" not in sign_in(bob).get(address).content.decode()
        assert sign_in(stranger).get(address).status_code == 404
        assert Client().get(address).status_code == 403


@pytest.mark.parametrize("switched_off", ["user", "registration"])
def test_whoever_is_switched_off_is_not_let_in(enrolment: Enrolment, switched_off: str) -> None:
    user = enrolment.lti_user
    client = sign_in(user)
    if switched_off == "user":
        LtiUser.objects.update(is_active=False)
    else:
        Registration.objects.update(is_active=False)
        registrations.forget()

    assert client.get(reverse("grading:own-data", args=[user.registration_id])).status_code == 404


# --- page and download --------------------------------------------------------------------------------------


def test_the_page_says_what_why_how_long_and_whom_to_ask(enrolment: Enrolment) -> None:
    user = enrolment.lti_user

    page = sign_in(user).get(reverse("grading:own-data", args=[user.registration_id]))

    said = text(page)
    for words in (
        "Your data",
        "amina@school.example",
        "S-001",
        "Safeguarding (learns in it)",
        "2 steps. 2 attempts. Result: 90% on",
        "Line 1. Certificate",
        "Passed with 90 %",
        "1 time this training was opened",
        "Who sees it",
        "Nothing is deleted by itself",
        "ask SafeResponse, or the school",
    ):
        assert words in said, words
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")


def test_the_download_is_all_of_it_as_a_file(enrolment: Enrolment) -> None:
    user = enrolment.lti_user

    response = sign_in(user).get(reverse("grading:own-data-download", args=[user.registration_id]))

    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"] == 'attachment; filename="personal-data.json"'
    assert "no-store" in response["Cache-Control"]
    said = json.loads(response.content)
    expected = json.loads(json.dumps(built(user).to_json(), cls=DjangoJSONEncoder))
    assert said == {**expected, "as_of": said["as_of"]}
    assert said["identity"]["email"] == "amina@school.example"


def test_the_module_and_the_leads_page_lead_there(enrolment: Enrolment) -> None:
    link = enrolment.resource_link
    lead = factories.make_member(link.context, "Grace", lead=True)
    address = reverse("grading:own-data", args=[lead.registration_id])

    assert address in sign_in(lead).get(reverse("grading:lead", args=[link.pk])).content.decode()
    page = sign_in(enrolment.lti_user).get(reverse("learn:module", args=[enrolment.pk]))
    assert address in page.content.decode()


# --- asked for from the VLE ---------------------------------------------------------------------------------


def ask(platform: FakePlatform, by: Person, of: Person | None = None) -> Any:
    """The page that a data privacy launch ends at."""
    return Visitor(platform, person=by).open(message=DATA_PRIVACY, for_user=of)


def code(response: HttpResponse) -> tuple[int, str]:
    found = re.search(r"<code>(\w+)</code>", response.content.decode())
    return response.status_code, found[1] if found else ""


@pytest.fixture
def amina(platform: FakePlatform) -> LtiUser:
    """Amina, who has opened the activity."""
    Visitor(platform, person=AMINA).open()
    return LtiUser.objects.get(sub=AMINA.id)


@pytest.mark.parametrize("named", [True, False], ids=["for_user is me", "no for_user"])
def test_ones_own_data(platform: FakePlatform, amina: LtiUser, named: bool) -> None:
    visitor = Visitor(platform, person=AMINA)

    def change(claims: dict[str, Any]) -> None:
        claims.update(platform.claims(nonce=claims["nonce"], target=visitor.target, message=DATA_PRIVACY))
        if not named:
            del claims[f"{CLAIM}for_user"]

    landed = visitor.launch(change)
    page = visitor.client.get(landed["Location"], secure=True, follow=True)

    assert page.redirect_chain[-1][0] == reverse("grading:own-data", args=[amina.registration_id])
    assert text(page).startswith('id="main" tabindex="-1"> Your data')
    assert "amina@school.example" in text(page)


def test_an_administrator_asks_for_somebody_elses(platform: FakePlatform, amina: LtiUser) -> None:
    administrator = Visitor(platform, person=ADMIN)

    page = administrator.open(message=DATA_PRIVACY, for_user=AMINA)

    assert page.status_code == 200
    assert "Personal data Amina Yusuf" in text(page)
    assert "Your data" not in text(page)
    launch = Launch.objects.get(lti_user__sub=ADMIN.id)
    download = administrator.client.get(
        reverse("grading:personal-data-download", args=[launch.pk]), secure=True
    )
    assert json.loads(download.content)["identity"]["vle_user_id"] == AMINA.id


@pytest.mark.parametrize("by", [TEACHER, ASSISTANT, CHLOE], ids=lambda person: person.kind)
@pytest.mark.parametrize("of", [AMINA, Person("nobody-1", "No", "Body")], ids=["known", "unknown"])
def test_nobody_else_does(platform: FakePlatform, amina: LtiUser, by: Person, of: Person) -> None:
    before = LtiUser.objects.count(), Launch.objects.count()

    page = ask(platform, by, of)

    assert code(page) == (403, "administrator_role_missing")
    assert "Amina" not in page.content.decode()
    # And leaves nothing behind.
    assert (LtiUser.objects.count(), Launch.objects.count()) == before


@pytest.mark.parametrize(
    "roles",
    [
        [],
        [LEARNER],
        [INSTRUCTOR],
        ["Administrator"],
        ["http://purl.imsglobal.org/vocab/lis/v2/membership#Administrator"],
        ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Faculty"],
        [ADMINISTRATOR.upper()],
    ],
)
def test_only_the_whole_vles_administrator_is_one(
    platform: FakePlatform, amina: LtiUser, roles: list[str]
) -> None:
    visitor = Visitor(platform, person=ADMIN)

    def change(claims: dict[str, Any]) -> None:
        asked = platform.claims(
            nonce=claims["nonce"], target=visitor.target, message=DATA_PRIVACY, person=ADMIN, for_user=AMINA
        )
        claims.clear()
        claims.update(asked, **{f"{CLAIM}roles": roles})

    assert code(visitor.launch(change)) == (403, "administrator_role_missing")


def test_somebody_of_whom_nothing_is_kept(platform: FakePlatform) -> None:
    page = ask(platform, ADMIN, AMINA)

    assert page.status_code == 404
    assert "Nothing is kept of this person" in text(page)


def test_a_person_of_another_deployment_is_not_theirs_to_ask_for(
    platform: FakePlatform, amina: LtiUser
) -> None:
    """Two schools share one registration, as on a hosted Canvas: the deployment is the tenant."""
    other = factories.make_deployment(amina.registration, deployment_id="deployment-2")
    platform.deployment_id = other.deployment_id
    administrator = Visitor(platform, person=ADMIN)

    page = administrator.open(message=DATA_PRIVACY, for_user=AMINA)

    assert page.status_code == 404
    assert "Nothing is kept of this person" in text(page)
    launch = Launch.objects.get(lti_user__sub=ADMIN.id)
    download = administrator.client.get(
        reverse("grading:personal-data-download", args=[launch.pk]), secure=True
    )
    assert download.status_code == 404


def test_listing_another_schools_person_makes_them_nobodys_to_ask_for(
    platform: FakePlatform, amina: LtiUser
) -> None:
    """Schools that share one registration, as on Blackboard: a roster says whatever its school likes."""
    Registration.objects.update(family=Family.BLACKBOARD)
    other = factories.make_deployment(amina.registration, deployment_id="deployment-2")
    Membership.objects.create(context=factories.make_course(other), lti_user=amina)
    listed = factories.make_member(factories.make_course(other), "Only Listed")

    def shown(deployment: Deployment, to: LtiUser) -> str:
        launch = factories.make_launch(
            factories.make_user(to.registration), None, deployment=deployment, about=to.sub
        )
        return personal_data.for_administrator(launch, now=timezone.now()).identity.name

    with pytest.raises(NotShown, match="unknown"):
        shown(other, amina)
    assert shown(Deployment.objects.get(deployment_id="deployment-1"), amina) == amina.name
    # Of somebody who never came only their own school has spoken.
    assert shown(other, listed) == "Only Listed"


def test_of_somebody_in_both_only_their_own_part_is_shown(platform: FakePlatform, amina: LtiUser) -> None:
    other = factories.make_deployment(amina.registration, deployment_id="deployment-2")
    course = factories.make_course(other, title="Another school's course")
    Membership.objects.create(context=course, lti_user=amina, is_learner=True)
    theirs = factories.make_enrolment(factories.make_activity(factories.make_link(course)), amina)
    has_done_everything(amina, theirs)

    page = ask(platform, ADMIN, AMINA)

    assert "Amina Yusuf" in text(page)
    assert "Another school's course" not in text(page)
    data = built(amina, within=Deployment.objects.get(deployment_id="deployment-1"))
    assert "chose this" not in whole(data)
    assert (len(data.evidence), len(data.trainings), len(data.visits)) == (0, 1, 1)
    assert len(built(amina).trainings) == 2


def test_another_vles_administrator_gets_nothing(platform: FakePlatform, amina: LtiUser) -> None:
    platform.client_id = "the-other-school"
    platform.register()

    page = ask(platform, ADMIN, AMINA)

    assert page.status_code == 404
    assert "Amina" not in text(page)


def test_an_administrators_page_is_theirs_alone_and_for_an_hour(
    platform: FakePlatform, amina: LtiUser
) -> None:
    administrator = Visitor(platform, person=ADMIN)
    administrator.open(message=DATA_PRIVACY, for_user=AMINA)
    launch = Launch.objects.get(lti_user__sub=ADMIN.id)
    pages = [
        reverse(name, args=[launch.pk])
        for name in ("grading:personal-data", "grading:personal-data-download")
    ]
    teacher = Visitor(platform, person=TEACHER)
    teacher.open()
    for address in pages:
        assert teacher.client.get(address, secure=True).status_code == 404
        assert Client().get(address, secure=True).status_code == 403
        assert administrator.client.get(address, secure=True).status_code == 200

    Launch.objects.filter(pk=launch.pk).update(launched_at=timezone.now() - timedelta(minutes=61))

    for address in pages:
        page = administrator.client.get(address, secure=True)
        assert page.status_code == 404
        assert "Please ask for it again" in text(page)


def test_another_launch_shows_nobodys_data(platform: FakePlatform, amina: LtiUser) -> None:
    """Whom a review is about is no leave to see their data."""
    teacher = Visitor(platform, person=TEACHER)
    teacher.open()
    launch = Launch.objects.get(lti_user__sub=TEACHER.id)
    Launch.objects.filter(pk=launch.pk).update(about=AMINA.id)
    for message in (Launch.Message.RESOURCE_LINK, Launch.Message.SUBMISSION_REVIEW):
        Launch.objects.filter(pk=launch.pk).update(message=message)
        for name in ("grading:personal-data", "grading:personal-data-download"):
            assert teacher.client.get(reverse(name, args=[launch.pk]), secure=True).status_code == 404


@pytest.mark.parametrize("profile", [p for p in EVERY_VLE if DATA_PRIVACY in p.launches.messages], ids=str)
def test_on_every_vle_that_has_it(platform: FakePlatform, profile: Profile) -> None:
    platform.reset(profile)
    platform.register(frame_hosts=platform.url)
    Visitor(platform, person=AMINA).open()

    assert "Your data" in text(ask(platform, AMINA))
    assert "Amina Yusuf" in text(ask(platform, ADMIN, AMINA))
    assert code(ask(platform, CHLOE, AMINA)) == (403, "administrator_role_missing")
