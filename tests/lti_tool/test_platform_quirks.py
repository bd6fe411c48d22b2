"""Each VLE's difference, and to which addresses our token may go."""

import pytest

from lti_tool import platform_quirks
from lti_tool.models import Family, Registration

PLAIN = {
    "userId": "u",
    "scoreGiven": 85,
    "scoreMaximum": 100,
    "comment": "Passed.\nhttps://tool.example/verify/A/",
}


def registered(family: str = "generic", **changes: str) -> Registration:
    return Registration(
        **{
            "family": family,
            "issuer": "https://vle.example",
            "client_id": "c",
            "auth_url": "https://login.vle.example/auth",
            "token_url": "https://token.vle.example:8443/token",
            "jwks_url": "https://keys.vle.example/jwks",
            **changes,
        }
    )


def score(family: str, verify_url: str = "https://tool.example/verify/A/") -> dict[str, object]:
    quirks = platform_quirks.of(registered(family))
    return quirks.score(dict(PLAIN), verify_url=verify_url, submitted_at="2026-11-20T09:30:15.250Z")


@pytest.mark.parametrize("family", Family.values)
def test_every_make_of_vle_has_quirks(family: str) -> None:
    assert isinstance(platform_quirks.of(registered(family)), platform_quirks.Quirks)


@pytest.mark.parametrize("family", ["generic", "moodle", "sakai", "brightspace"])
def test_a_plain_score(family: str) -> None:
    assert score(family) == PLAIN


def test_canvas_is_told_when_the_work_was_done_and_where_the_certificate_is() -> None:
    assert score("canvas") == {
        **PLAIN,
        "https://canvas.instructure.com/lti/submission": {
            "submitted_at": "2026-11-20T09:30:15.250Z",
            "submission_type": "online_url",
            "submission_data": "https://tool.example/verify/A/",
        },
    }


def test_canvas_without_a_certificate() -> None:
    assert score("canvas", verify_url="")["https://canvas.instructure.com/lti/submission"] == {
        "submitted_at": "2026-11-20T09:30:15.250Z"
    }


def test_blackboard_breaks_lines_by_markup() -> None:
    assert score("blackboard")["comment"] == "Passed.<br/>https://tool.example/verify/A/"


def test_moodle_needs_more_than_a_second_between_scores() -> None:
    assert [platform_quirks.of(registered(f)).seconds_between_scores for f in ("moodle", "generic")] == [
        1.5,
        0,
    ]


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://vle.example/lineitems/1?type_id=1", True),
        ("https://VLE.example/lineitems/1", True),
        ("https://login.vle.example/x", True),
        ("https://token.vle.example:8443/x", True),
        ("https://keys.vle.example/x", True),
        ("https://second.example/x", True),
        ("http://third.example/x", True),
        ("http://vle.example/lineitems/1", False),
        ("http://second.example/x", False),
        ("https://token.vle.example/x", False),
        ("https://vle.example:444/x", False),
        ("https://vle.example.evil.example/x", False),
        ("https://vle.example@evil.example/x", False),
        ("https://evil.example/https://vle.example/", False),
        ("https://evil.example#@vle.example", False),
        ("https://evil.example\\@vle.example/", False),
        ("//vle.example/x", False),
        ("ftp://vle.example/x", False),
        ("javascript://vle.example/x", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_where_a_token_may_go(url: str, may: bool) -> None:
    registration = registered(frame_hosts="second.example http://third.example")

    assert platform_quirks.of(registration).may_serve(registration, url) is may


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://school.instructure.com/x", True),
        ("http://school.instructure.com/x", False),
        ("https://", False),
        ("https://[", False),
        ("javascript:alert(1)", False),
    ],
)
@pytest.mark.parametrize("family", ["canvas", "brightspace", "blackboard"])
def test_where_a_hosted_vles_token_may_go(family: str, url: str, may: bool) -> None:
    registration = registered(family)

    assert platform_quirks.of(registration).may_serve(registration, url) is may


def test_a_hosted_vle_in_a_test_laboratory_without_tls() -> None:
    registration = registered("canvas", issuer="http://canvas.docker")

    assert (
        platform_quirks.of(registration).may_serve(registration, "http://canvas.docker/lineitems/1") is True
    )
