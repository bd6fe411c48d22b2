"""Registering a VLE by hand, from the command line."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from lti_tool import registrations
from lti_tool.models import Deployment, Family, Registration, School, ToolKey
from lti_tool.registration import Platform, register
from lti_tool.rejections import LaunchRejected

pytestmark = pytest.mark.django_db
MOODLE = {
    "issuer": "https://moodle.example",
    "client_id": "abc",
    "auth_url": "https://moodle.example/mod/lti/auth.php",
    "token_url": "https://moodle.example/mod/lti/token.php",
    "jwks_url": "https://moodle.example/mod/lti/certs.php",
}


@pytest.fixture(autouse=True)
def _key(tool_key: ToolKey) -> None:
    """Already made: that takes a while."""


def command(**changes: Any) -> dict[str, Any]:
    output = StringIO()
    call_command("register_platform", **{**MOODLE, **changes}, stdout=output)
    printed: dict[str, Any] = json.loads(output.getvalue())
    return printed


def test_the_command_prints_the_tools_addresses() -> None:
    printed = command()

    assert printed == {
        "registration": Registration.objects.get().pk,
        "login_url": "https://tool.example/lti/login/",
        "launch_url": "https://tool.example/lti/launch/",
        "redirect_uri": "https://tool.example/lti/launch/",
        "jwks_url": "https://tool.example/lti/jwks/",
    }


def test_all_that_the_command_takes() -> None:
    command(
        deployment_id="1",
        family="moodle",
        name="Trust VLE",
        school="Hill School",
        token_audience="https://aud",
    )

    registration = Registration.objects.get()
    deployment = Deployment.objects.get()
    assert {name: getattr(registration, name) for name in MOODLE} == MOODLE
    assert (registration.family, registration.name) == (Family.MOODLE, "Trust VLE")
    assert (registration.token_audience, registration.is_active) == ("https://aud", True)
    assert (deployment.deployment_id, deployment.status) == ("1", Deployment.Status.ACCEPTED)
    assert deployment.school is not None
    assert (deployment.school.name, deployment.school.trust) == ("Hill School", None)


def test_the_same_registration_again_is_brought_up_to_date() -> None:
    first = command(name="Trust VLE", deployment_id="1")
    second = command(auth_url="https://new.example/auth", deployment_id="2")

    registration = Registration.objects.get()
    assert first == second
    assert (registration.auth_url, registration.name) == ("https://new.example/auth", "Trust VLE")
    assert Deployment.objects.count() == 2


def test_one_school_for_two_deployments() -> None:
    command(deployment_id="1", school="Hill School")
    command(deployment_id="2", school="Hill School")

    assert School.objects.count() == 1


def test_two_vles_schools_of_one_name_are_two_schools() -> None:
    command(deployment_id="1", school="St Mary's")
    command(issuer="https://other.example", deployment_id="1", school="St Mary's")

    assert School.objects.count() == 2


def test_a_deployment_that_waited_is_accepted() -> None:
    command()
    Deployment.objects.create(registration=Registration.objects.get(), deployment_id="1")

    command(deployment_id="1")

    assert Deployment.objects.get().status == Deployment.Status.ACCEPTED


@pytest.mark.parametrize("name", ["auth_url", "token_url", "jwks_url"])
@pytest.mark.parametrize("value", ["", "moodle.example", "javascript:alert(1)", "https://", "x" * 600])
def test_a_wrong_address_is_named_by_its_option(name: str, value: str) -> None:
    with pytest.raises(CommandError) as caught:
        command(**{name: value})

    lines = str(caught.value).splitlines()
    assert lines[0] == "Not registered. Please correct:"
    assert [line.split(":")[0] for line in lines[1:]] == [f"  --{name.replace('_', '-')}"]
    assert Registration.objects.count() == 0


@pytest.mark.parametrize("name", ["issuer", "client_id"])
def test_what_says_which_registration_it_is(name: str) -> None:
    with pytest.raises(CommandError, match=f"--{name.replace('_', '-')}"):
        command(**{name: ""})


def test_a_school_without_a_deployment() -> None:
    with pytest.raises(CommandError, match="--school"):
        command(school="Hill School")

    assert Registration.objects.count() == 0


def test_an_option_left_out_is_named() -> None:
    given = {name: value for name, value in MOODLE.items() if name != "auth_url"}

    with pytest.raises(CommandError, match="--auth-url"):
        call_command("register_platform", **given)


def test_two_clients_of_one_issuer_are_two_registrations() -> None:
    command()
    command(client_id="def")

    assert registrations.find("https://moodle.example", "def").client_id == "def"
    with pytest.raises(LaunchRejected) as caught:
        registrations.find("https://moodle.example", "")
    assert caught.value.reason == "registration_ambiguous"


def test_a_registration_is_known_at_once_and_forgotten_at_once() -> None:
    registration = register(Platform(**MOODLE))
    assert registrations.find("https://moodle.example", "abc") == registration

    registration.delete()

    with pytest.raises(LaunchRejected):
        registrations.find("https://moodle.example", "abc")


def test_registering_again_does_not_switch_it_on() -> None:
    registration = register(Platform(**MOODLE))
    registration.is_active = False
    registration.save()

    assert register(Platform(**MOODLE)).is_active is False


def test_what_is_wrong_is_named_by_field() -> None:
    with pytest.raises(ValidationError) as caught:
        register(Platform(**{**MOODLE, "jwks_url": "x"}))

    assert list(caught.value.message_dict) == ["jwks_url"]


@pytest.mark.parametrize(
    ("frame_hosts", "origins"),
    [
        ("", ["https://moodle.example"]),
        ("vanity.example", ["https://moodle.example", "https://vanity.example"]),
        (
            "https://a.example/path  http://b.example:81",
            ["http://b.example:81", "https://a.example", "https://moodle.example"],
        ),
        # All schools of a hosted VLE.
        ("https://*.vle.example", ["https://*.vle.example", "https://moodle.example"]),
    ],
)
def test_who_may_frame_our_pages(frame_hosts: str, origins: list[str]) -> None:
    registration = register(Platform(**MOODLE))
    registration.frame_hosts = frame_hosts

    assert registrations.frame_hosts(registration) == origins


@pytest.mark.parametrize(
    "hosts",
    [
        "https://a.example;script-src",
        "'self'",
        "https://a.example,*",
        "a.example;sandbox",
        "*",
        "https://*",
        "https://*.example",
        "http://*.vle.example",
        "https://*.*.example",
        "https://*.a.example;sandbox",
        "https://user@a.example",
        "https://[",
        "javascript:alert(1)",
    ],
)
def test_a_frame_host_cannot_write_another_directive(hosts: str) -> None:
    registration = register(Platform(**MOODLE))
    registration.frame_hosts = hosts

    assert registrations.frame_hosts(registration) == ["https://moodle.example"]
