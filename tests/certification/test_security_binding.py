"""A good token, but not the answer to this login, in this browser, at this platform: replays and mix-ups."""

import threading
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse

from lti_tool import registrations
from lti_tool.models import Deployment, Launch, LtiUser, Membership, Registration
from tests.certification.checks import Log, assert_refused, reason_on_page
from tests.platforms.browser import Visitor, clock_moved
from tests.platforms.fake import LAUNCH, TOOL, FakePlatform
from tests.platforms.terms import CLAIM, INSTRUCTOR, LEARNER

pytestmark = pytest.mark.django_db
Claims = dict[str, Any]


def state_tampered(state: str) -> str:
    return ("A" if state[0] != "A" else "B") + state[1:]


# --- the nonce ----------------------------------------------------------------------------------------------


def test_a_nonce_that_was_never_issued(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = visitor.launch(lambda claims: claims.update(nonce="never-issued"))

    assert_refused(response, log, "nonce_mismatch", registration=registration.pk)


def test_the_nonce_of_another_login_of_the_same_browser(
    visitor: Visitor, registration: Registration, log: Log
) -> None:
    first, second = visitor.question(), visitor.question()

    response = visitor.post(second["state"], visitor.token(first))

    assert_refused(response, log, "nonce_mismatch", registration=registration.pk)


@pytest.mark.django_db(transaction=True)
def test_the_same_form_twice(visitor: Visitor, registration: Registration, log: Log) -> None:
    question = visitor.question()
    token = visitor.token(question)
    kept = dict(visitor.client.cookies)
    visitor.post(question["state"], token)
    log.clear()
    visitor.client.cookies.update(kept)  # a browser that went back in time still holds the login's secret

    response = visitor.post(question["state"], token)

    assert_refused(response, log, "nonce_replayed", registration=registration.pk, launches=1)


def test_the_same_form_twice_after_the_secret_was_dropped(
    visitor: Visitor, registration: Registration, log: Log
) -> None:
    question = visitor.question()
    token = visitor.token(question)
    visitor.post(question["state"], token)
    log.clear()

    response = visitor.post(question["state"], token)

    assert_refused(response, log, "browser_mismatch", registration=registration.pk, launches=1)


def test_a_used_token_with_a_new_state(visitor: Visitor, registration: Registration, log: Log) -> None:
    question = visitor.question()
    token = visitor.token(question)
    visitor.post(question["state"], token)
    log.clear()

    response = visitor.post(visitor.question()["state"], token)

    assert_refused(response, log, "nonce_mismatch", registration=registration.pk, launches=1)


def test_a_login_begun_eleven_minutes_ago(visitor: Visitor, registration: Registration, log: Log) -> None:
    with clock_moved(-660):
        question = visitor.question()

    response = visitor.post(question["state"], visitor.token(question))

    assert_refused(response, log, "state_invalid", registration=None)


def test_a_login_begun_nine_minutes_ago(visitor: Visitor) -> None:
    with clock_moved(-540):
        question = visitor.question()

    response = visitor.post(question["state"], visitor.token(question))

    assert response.status_code == 302


@pytest.mark.django_db(transaction=True)
def test_ten_identical_posts_at_once(visitor: Visitor, registration: Registration) -> None:
    visitor.launch()  # the platform's keys are known, and the person
    question = visitor.question()
    token = visitor.token(question)
    cookies = visitor.client.cookie_header()
    answers: list[HttpResponse] = []
    start = threading.Barrier(10)

    def post() -> None:
        again = Visitor(visitor.platform)
        again.client.cookies.load(cookies)
        start.wait()
        answers.append(again.post(question["state"], token))
        connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [302] + [403] * 9
    assert {reason_on_page(answer) for answer in answers if answer.status_code == 403} == {"nonce_replayed"}
    assert Launch.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_ten_first_launches_of_a_course_at_once(platform: FakePlatform) -> None:
    Visitor(platform).launch(lambda claims: claims.update({f"{CLAIM}context": {"id": "another"}}))
    visitors = [Visitor(platform) for _ in range(10)]
    forms = [(question["state"], v.token(question)) for v in visitors for question in [v.question()]]
    codes: list[int] = []
    start = threading.Barrier(10)

    def post(visitor: Visitor, state: str, token: str) -> None:
        start.wait()
        codes.append(visitor.post(state, token).status_code)
        connections.close_all()

    threads = [
        threading.Thread(target=post, args=(visitor, *form))
        for visitor, form in zip(visitors, forms, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes == [302] * 10
    assert (Launch.objects.count(), LtiUser.objects.count(), Membership.objects.count()) == (11, 1, 2)


# --- the state and the browser ------------------------------------------------------------------------------


def test_no_state(visitor: Visitor, log: Log) -> None:
    question = visitor.question()

    response = visitor.post("", visitor.token(question))

    assert_refused(response, log, "state_missing", registration=None)


@pytest.mark.parametrize("state", [";", "x", "a:b:c", "é", "\x00", ":" * 300, "A" * 70_000])
def test_a_state_of_nobodys(visitor: Visitor, log: Log, state: str) -> None:
    question = visitor.question()

    response = visitor.post(state, visitor.token(question))

    assert_refused(response, log, "state_invalid", registration=None)


def test_a_state_that_was_tampered_with(visitor: Visitor, log: Log) -> None:
    question = visitor.question()

    response = visitor.post(state_tampered(question["state"]), visitor.token(question))

    assert_refused(response, log, "state_invalid", registration=None)


def test_another_signed_value_of_ours_is_no_state(visitor: Visitor, log: Log) -> None:
    visitor.launch()
    log.clear()
    signed_in = next(c.value for n, c in visitor.client.cookies.items() if n.startswith("sr-user-"))
    question = visitor.question()

    response = visitor.post(signed_in, visitor.token(question))

    assert_refused(response, log, "state_invalid", registration=None, launches=1)


def test_login_csrf_a_login_that_another_browser_began(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    """An attacker has the victim's browser post the attacker's own launch."""
    attackers = visitor.question()
    victim = Visitor(platform)
    victim.question()

    response = victim.post(attackers["state"], visitor.token(attackers))

    assert_refused(response, log, "browser_mismatch", registration=registration.pk)
    assert victim.client.cookie_names("sr-user-") == []


def test_login_csrf_with_the_attackers_own_secret_in_the_form(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    """The secret counts in a form only where the login offered platform storage, and from our own page."""
    attackers = visitor.question()
    secret = next(c.value for n, c in visitor.client.cookies.items() if n.startswith("sr-login-"))

    response = Visitor(platform).post(attackers["state"], visitor.token(attackers), sr_secret=secret)

    assert_refused(response, log, "browser_mismatch", registration=registration.pk)


def test_login_csrf_with_the_secret_from_a_foreign_page(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    attackers = visitor.question(lti_storage_target="_parent")
    secret = next(c.value for n, c in visitor.client.cookies.items() if n.startswith("sr-login-"))
    victim = Visitor(platform)
    form = {"state": attackers["state"], "id_token": visitor.token(attackers), "sr_secret": secret}

    response = victim.client.post(
        "/lti/launch/", form, secure=True, headers={"origin": "https://evil.example"}
    )

    assert_refused(response, log, "browser_mismatch", registration=registration.pk)


def test_a_browser_without_any_cookie(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    question = visitor.question()

    response = Visitor(platform).post(question["state"], visitor.token(question))

    assert_refused(response, log, "browser_mismatch", registration=registration.pk)


def test_a_guessed_secret(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    question = visitor.question()
    name = visitor.client.cookie_names("sr-login-")[0]
    guesser = Visitor(platform)
    guesser.client.cookies[name] = "guessed"

    response = guesser.post(question["state"], visitor.token(question))

    assert_refused(response, log, "browser_mismatch", registration=registration.pk)


def test_the_platform_says_that_it_could_not(visitor: Visitor, registration: Registration, log: Log) -> None:
    question = visitor.question()
    form = {
        "state": question["state"],
        "error": "access_denied",
        "error_description": "<script>alert(1)</script>",
    }

    response = visitor.client.post("/lti/launch/", form, secure=True)

    assert b"alert(1)" not in response.content
    assert_refused(response, log, "platform_error", registration=registration.pk)


# --- the platform -------------------------------------------------------------------------------------------


def test_begun_at_one_platform_and_ended_with_anothers_token(
    visitor: Visitor, other_platform: FakePlatform, registration: Registration, log: Log
) -> None:
    """Both have the same client id: only the issuer tells them apart."""
    question = visitor.question()
    other = Visitor(other_platform)

    response = visitor.post(question["state"], other.token(question))

    # Its kid is unknown at the platform that the login was begun for.
    assert_refused(response, log, "kid_unknown", registration=registration.pk)


def test_another_platforms_token_under_the_first_ones_kid(
    visitor: Visitor,
    platform: FakePlatform,
    other_platform: FakePlatform,
    registration: Registration,
    log: Log,
) -> None:
    question = visitor.question()
    claims = other_platform.claims(nonce=question["nonce"], target=LAUNCH)

    response = visitor.post(
        question["state"], other_platform.keys[0].sign(claims, {"kid": platform.keys[0].kid})
    )

    assert_refused(response, log, "signature_invalid", registration=registration.pk)


def test_one_key_under_two_issuers(
    visitor: Visitor,
    platform: FakePlatform,
    other_platform: FakePlatform,
    registration: Registration,
    log: Log,
) -> None:
    """Hosted platforms sign for all their issuers with one key set."""
    other_platform.keys = platform.keys
    question = visitor.question()

    response = visitor.post(question["state"], Visitor(other_platform).token(question))

    assert_refused(response, log, "registration_mismatch", registration=registration.pk)


def test_one_issuer_with_two_clients(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    platform.register(client_id="second-client")
    question = visitor.question()

    response = visitor.post(
        question["state"], visitor.token(question, lambda claims: claims.update(aud="second-client"))
    )

    assert_refused(response, log, "audience_mismatch", registration=registration.pk)


def test_each_client_of_one_issuer_has_people_of_its_own(visitor: Visitor, platform: FakePlatform) -> None:
    """Nobody is linked by subject, e-mail or name across registrations."""
    platform.register(client_id="second-client")
    visitor.launch()

    response = visitor.launch(lambda claims: claims.update(aud="second-client"), client_id="second-client")

    assert response.status_code == 302
    first, second = LtiUser.objects.order_by("pk")
    assert (first.sub, first.email) == (second.sub, second.email)
    assert first.person != second.person


def test_nobody_is_linked_by_email_or_name(visitor: Visitor) -> None:
    visitor.launch()
    visitor.launch(lambda claims: claims.update(sub="user-2"))

    first, second = LtiUser.objects.order_by("pk")
    assert (first.email, first.name) == (second.email, second.name)
    assert first.person != second.person


def test_the_registration_was_switched_off_between_login_and_launch(
    visitor: Visitor, registration: Registration, log: Log
) -> None:
    question = visitor.question()
    registration.is_active = False
    registration.save()

    response = visitor.post(question["state"], visitor.token(question))

    assert_refused(response, log, "registration_inactive", registration=registration.pk)


def test_the_registration_was_deleted_between_login_and_launch(
    visitor: Visitor, registration: Registration, log: Log
) -> None:
    question = visitor.question()
    gone = registration.pk
    registration.deployments.all().delete()
    registration.delete()
    registrations.forget()

    response = visitor.post(question["state"], visitor.token(question))

    assert_refused(response, log, "registration_unknown", registration=gone)


# --- the deployment -----------------------------------------------------------------------------------------


def test_an_unknown_deployment_waits_for_an_admin(
    visitor: Visitor, registration: Registration, log: Log
) -> None:
    unknown = {f"{CLAIM}deployment_id": "deployment-2"}

    response = visitor.launch(lambda claims: claims.update(unknown), lti_deployment_id="deployment-2")

    assert_refused(response, log, "deployment_pending", registration=registration.pk)
    assert LtiUser.objects.count() == 0
    waiting = Deployment.objects.get(deployment_id="deployment-2")
    assert (waiting.registration, waiting.status) == (registration, Deployment.Status.PENDING)

    waiting.status = Deployment.Status.ACCEPTED
    waiting.save()
    response = visitor.launch(lambda claims: claims.update(unknown), lti_deployment_id="deployment-2")

    assert response.status_code == 302
    assert Launch.objects.get().resource_link.deployment == waiting


def test_a_deployment_that_waits_is_noted_once(visitor: Visitor, registration: Registration) -> None:
    for _ in range(3):
        visitor.launch(
            lambda claims: claims.update({f"{CLAIM}deployment_id": "deployment-2"}), lti_deployment_id=None
        )

    assert Deployment.objects.filter(deployment_id="deployment-2").count() == 1


def test_a_refused_deployment(visitor: Visitor, registration: Registration, log: Log) -> None:
    Deployment.objects.update(status=Deployment.Status.REFUSED)

    response = visitor.launch()

    assert_refused(response, log, "deployment_refused", registration=registration.pk)


def test_a_deployment_refused_after_its_people_were_in(
    visitor: Visitor, registration: Registration, log: Log
) -> None:
    visitor.launch()
    Deployment.objects.update(status=Deployment.Status.REFUSED)
    log.clear()

    response = visitor.launch()

    assert_refused(response, log, "deployment_refused", registration=registration.pk, launches=1)


def test_a_deployment_of_another_tenant_under_a_shared_client(
    visitor: Visitor,
    platform: FakePlatform,
    other_platform: FakePlatform,
    registration: Registration,
    log: Log,
) -> None:
    """That the other registration accepted this deployment id opens nothing here."""
    other_platform.register(deployment_id="theirs")

    response = visitor.launch(
        lambda claims: claims.update({f"{CLAIM}deployment_id": "theirs"}), lti_deployment_id=None
    )

    assert_refused(response, log, "deployment_pending", registration=registration.pk)


def test_two_deployments_of_one_client_share_no_course(visitor: Visitor, platform: FakePlatform) -> None:
    platform.register(deployment_id="school-b")
    visitor.launch()
    visitor.launch(
        lambda claims: claims.update({f"{CLAIM}deployment_id": "school-b"}), lti_deployment_id="school-b"
    )

    first, second = Launch.objects.order_by("pk")
    assert first.resource_link.resource_link_id == second.resource_link.resource_link_id
    assert first.resource_link != second.resource_link
    assert first.resource_link.context != second.resource_link.context


def test_another_deployment_than_the_login_named(
    visitor: Visitor, platform: FakePlatform, registration: Registration, log: Log
) -> None:
    platform.register(deployment_id="school-b")

    response = visitor.launch(lambda claims: claims.update({f"{CLAIM}deployment_id": "school-b"}))

    assert_refused(response, log, "deployment_mismatch", registration=registration.pk)


# --- the target ---------------------------------------------------------------------------------------------

FOREIGN_TARGETS = [
    "https://evil.example/lti/launch/",
    "javascript:alert(1)//tool.example",
    "data:text/html,<script>alert(1)</script>",
    "http://tool.example/lti/launch/",
    "//tool.example/lti/launch/",
    "/lti/launch/",
    "https://tool.example@evil.example/",
    "https://evil.example\\@tool.example/",
    "https://tool.example:8443/lti/launch/",
    "https://tool.example.evil.example/",
    "https://[tool.example/",
    "https:///lti/launch/",
]


@pytest.mark.parametrize("target", FOREIGN_TARGETS)
def test_a_login_for_a_foreign_target(
    visitor: Visitor, registration: Registration, log: Log, target: str
) -> None:
    response = visitor.login(target_link_uri=target)

    assert_refused(response, log, "target_foreign", registration=registration.pk)


def test_a_login_without_a_target(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = visitor.login(target_link_uri=None)

    assert_refused(response, log, "target_foreign", registration=registration.pk)


@pytest.mark.parametrize("target", FOREIGN_TARGETS)
def test_a_token_for_a_foreign_target(
    visitor: Visitor, registration: Registration, log: Log, target: str
) -> None:
    response = visitor.launch(lambda claims: claims.update({f"{CLAIM}target_link_uri": target}))

    assert_refused(response, log, "target_foreign", registration=registration.pk)


def test_a_token_without_a_target(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = visitor.launch(lambda claims: claims.pop(f"{CLAIM}target_link_uri"))

    assert_refused(response, log, "claim_missing", detail="target_link_uri", registration=registration.pk)


def test_the_signed_target_counts_and_not_the_logins(visitor: Visitor) -> None:
    """Canvas and Open edX name the registered address at the login, and the link's own in the message alone."""
    visitor.launch(
        lambda claims: claims.update({f"{CLAIM}target_link_uri": f"{TOOL}/lti/launch/?activity=7"})
    )

    assert Launch.objects.get().target == "/lti/launch/?activity=7"


def test_the_target_says_where_to_not_who(platform: FakePlatform) -> None:
    visitor = Visitor(platform, f"{TOOL}/lti/launch/?activity=7")

    response = visitor.launch()

    launch = Launch.objects.get()
    assert response["Location"] == f"/learn/launch/{launch.pk}/"
    assert launch.target == "/lti/launch/?activity=7"


# --- roles, and people who are switched off -----------------------------------------------------------------


def test_roles_that_a_later_launch_takes_away_are_gone(visitor: Visitor) -> None:
    visitor.launch(lambda claims: claims.update({f"{CLAIM}roles": [INSTRUCTOR, LEARNER]}))
    member = Membership.objects.get()
    assert (member.is_lead, member.is_learner) == (True, True)

    visitor.launch(lambda claims: claims.update({f"{CLAIM}roles": [LEARNER]}))
    member.refresh_from_db()
    assert (member.is_lead, member.is_learner) == (False, True)

    visitor.launch(lambda claims: claims.update({f"{CLAIM}roles": []}))
    member.refresh_from_db()
    assert (member.is_lead, member.is_learner) == (False, False)


def test_a_lead_in_one_course_is_none_in_another(visitor: Visitor) -> None:
    visitor.launch(lambda claims: claims.update({f"{CLAIM}roles": [INSTRUCTOR]}))
    visitor.launch(
        lambda claims: claims.update(
            {f"{CLAIM}context": {"id": "course-2"}, f"{CLAIM}resource_link": {"id": "link-2"}}
        )
    )

    assert list(
        Membership.objects.order_by("pk").values_list("context__context_id", "is_lead", "is_learner")
    ) == [("course-1", True, False), ("course-2", False, True)]


def test_somebody_switched_off_is_locked_out_at_the_next_request(visitor: Visitor) -> None:
    location = visitor.launch()["Location"]
    assert visitor.client.get(location, secure=True).status_code < 400

    LtiUser.objects.update(is_active=False)

    assert visitor.client.get(location, secure=True).status_code == 404


def test_somebody_switched_off_is_not_let_in_by_a_new_launch(visitor: Visitor) -> None:
    visitor.launch()
    LtiUser.objects.update(is_active=False)

    response = visitor.launch()

    assert response.status_code == 403
    assert b"user_inactive" in response.content
    assert LtiUser.objects.get().is_active is False


def test_the_lti_1_1_migration_claim_is_ignored(visitor: Visitor) -> None:
    """It says who somebody was, signed or not: an account taken over by a claim."""
    visitor.launch()
    visitor.launch(
        lambda claims: claims.update(
            {
                "sub": "user-2",
                f"{CLAIM}lti1p1": {
                    "user_id": "user-1",
                    "oauth_consumer_key": "key",
                    "oauth_consumer_key_sign": "bogus",
                },
            }
        )
    )

    first, second = LtiUser.objects.order_by("pk")
    assert [first.sub, second.sub] == ["user-1", "user-2"]
    assert first.person != second.person
