"""Claims of the wrong type, shape, size or alphabet, all well signed: never a fault of ours, never kept."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lti_tool.models import Context, Launch, LineItem, LtiUser, Registration, ResourceLink
from tests.certification.checks import Log, assert_refused, reason_on_page
from tests.certification.test_security_tokens import signed
from tests.platforms.browser import Visitor
from tests.platforms.fake import TOOL, FakePlatform
from tests.platforms.terms import AGS, CLAIM

pytestmark = pytest.mark.django_db
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"


def launch_with(visitor: Visitor, claim: str, value: Any) -> HttpResponse:
    """Signed byte by byte: PyJWT would refuse to write some of these."""
    question = visitor.question()
    claims = visitor.platform.claims(nonce=question["nonce"], target=visitor.target)
    claims[claim] = value
    return visitor.post(question["state"], signed(visitor.platform, json.dumps(claims).encode()))


# --- wrong types --------------------------------------------------------------------------------------------

ANYTHING = [None, True, 0, 7, 1.5, "", "text", [], [7], ["text"], [[]], {}, {"id": 7}, {"a": {"b": []}}]
# What each claim may be besides what the fake platform sends: absent, for null; or harmlessly empty.
WELCOME: dict[str, list[Any]] = {
    "sub": ["text"],
    "name": [None, "", "text"],
    "given_name": [None, "", "text"],
    "family_name": [None, "", "text"],
    "email": [None, "", "text"],
    f"{CLAIM}roles": [[], ["text"]],
    f"{CLAIM}context": [None],
    f"{CLAIM}resource_link": [],
    f"{CLAIM}lis": [None, {}, {"id": 7}, {"a": {"b": []}}],
    f"{CLAIM}launch_presentation": [None, {}, {"id": 7}, {"a": {"b": []}}],
    f"{CLAIM}tool_platform": ANYTHING,  # never read
    f"{CLAIM}custom": [None, {}, {"id": 7}, {"a": {"b": []}}],
    AGS: [None, {}, {"id": 7}, {"a": {"b": []}}],
    NRPS: [None],
    f"{CLAIM}message_type": [],
    f"{CLAIM}version": [],
    f"{CLAIM}deployment_id": [],
    f"{CLAIM}target_link_uri": [],
    "nonce": [],
    "iss": [],
    "aud": [],
}


@pytest.mark.parametrize("claim", WELCOME, ids=lambda claim: claim.rsplit("/", 1)[-1])
def test_a_claim_of_every_type(visitor: Visitor, claim: str) -> None:
    answers = {json.dumps(value): launch_with(visitor, claim, value).status_code for value in ANYTHING}

    # Typed comparison: True is no 1 here.
    welcome = {json.dumps(value) for value in WELCOME[claim]}
    assert {value for value, status in answers.items() if status == 302} == welcome
    assert {status for status in answers.values() if status != 302} <= {400, 403}
    assert Launch.objects.count() == len(welcome)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        (f"{CLAIM}roles", "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"),
        (f"{CLAIM}roles", ["Learner", None]),
        (f"{CLAIM}roles", {"0": "Instructor"}),
        (f"{CLAIM}resource_link", {"id": 7}),
        (f"{CLAIM}resource_link", {"id": ""}),
        (f"{CLAIM}resource_link", {"id": "link-1", "title": 7}),
        (f"{CLAIM}context", {"id": 7}),
        (f"{CLAIM}context", {"title": "no id"}),
        (f"{CLAIM}context", {"id": "c", "title": ["x"]}),
        (f"{CLAIM}lis", {"person_sourcedid": 7}),
        (f"{CLAIM}launch_presentation", {"return_url": 7}),
        (f"{CLAIM}launch_presentation", {"locale": ["en"]}),
        (AGS, {"scope": "https://purl.imsglobal.org/spec/lti-ags/scope/score"}),
        (AGS, {"scope": [7], "lineitems": "x"}),
        (AGS, {"lineitem": 7}),
        (AGS, {"lineitems": ["x"]}),
        (NRPS, {"context_memberships_url": 7}),
        (NRPS, {}),
        ("name", ["Amina"]),
        ("email", {"address": "a@b.example"}),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_a_part_of_the_wrong_type(
    visitor: Visitor, registration: Registration, log: Log, claim: str, value: Any
) -> None:
    response = launch_with(visitor, claim, value)

    detail = claim.rsplit("/", 1)[-1]
    assert_refused(response, log, "claim_invalid", detail=detail, registration=registration.pk)


@pytest.mark.parametrize("version", ["1.3", "1.3.1", "LTI-1p0", "", 1.3, None, ["1.3.0"]])
def test_other_versions(visitor: Visitor, log: Log, registration: Registration, version: Any) -> None:
    response = launch_with(visitor, f"{CLAIM}version", version)

    assert_refused(response, log, "version_unsupported", detail="version", registration=registration.pk)


@pytest.mark.parametrize(
    "kind", ["LtiStartAssessment", "LtiDeepLinkingResponse", "ltiresourcelinkrequest", ""]
)
def test_other_messages(visitor: Visitor, log: Log, registration: Registration, kind: str) -> None:
    response = launch_with(visitor, f"{CLAIM}message_type", kind)

    assert_refused(
        response, log, "message_type_unsupported", detail="message_type", registration=registration.pk
    )


def test_a_message_without_what_it_is_about(visitor: Visitor, log: Log, registration: Registration) -> None:
    response = launch_with(visitor, f"{CLAIM}message_type", "LtiDeepLinkingRequest")

    assert_refused(
        response, log, "claim_missing", detail="deep_linking_settings", registration=registration.pk
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "title", "scope", "lineitem", "lineitems", "locale"]), inner)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("claim", [*WELCOME, "exp", "iat", "azp"], ids=lambda claim: claim.rsplit("/", 1)[-1])
@settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(value=JSON)
def test_any_json_in_any_claim(visitor: Visitor, platform: FakePlatform, claim: str, value: Any) -> None:
    response = launch_with(visitor, claim, value)

    assert response.status_code in {302, 400, 403}
    if response.status_code == 302:
        launch = Launch.objects.latest("pk")
        link = launch.resource_link
        kept = [launch.lti_user.sub, launch.lti_user.name, launch.lti_user.email, launch.lti_user.sourcedid]
        kept += [link.resource_link_id, link.title, link.context.context_id, link.context.title]
        kept += [launch.nonce, launch.target, launch.locale, launch.return_url]
        assert [type(text) for text in kept] == [str] * len(kept)
        assert [text for text in kept if "\x00" in text or len(text) > 2000] == []
        "".join(kept).encode()  # no lone surrogate
        assert {type(text) for pair in launch.custom.items() for text in pair} <= {str}
        for line_item in LineItem.objects.filter(resource_link=link):
            assert {type(scope) for scope in line_item.scopes} <= {str}
            assert line_item.url in {"", f"{platform.url}/lineitems/1?type_id=1"}


# --- what a database cannot keep ----------------------------------------------------------------------------

ODD_TEXTS = ["a\x00b", "\ud800", "a\udfffb"]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
@pytest.mark.parametrize(
    ("claim", "wrap"),
    [
        ("sub", lambda text: text),
        (f"{CLAIM}deployment_id", lambda text: text),
        (f"{CLAIM}resource_link", lambda text: {"id": text}),
        (f"{CLAIM}context", lambda text: {"id": text}),
        (f"{CLAIM}target_link_uri", lambda text: f"{TOOL}/{text}"),
        (f"{CLAIM}launch_presentation", lambda text: {"return_url": f"https://vle.example/{text}"}),
        (AGS, lambda text: {"lineitem": f"https://vle.example/{text}"}),
        (AGS, lambda text: {"scope": [text]}),
    ],
    ids=["sub", "deployment", "link", "context", "target", "return_url", "lineitem", "scope"],
)
def test_identifiers_that_no_database_keeps(visitor: Visitor, claim: str, wrap: Any, text: str) -> None:
    response = launch_with(visitor, claim, wrap(text))

    assert reason_on_page(response) == f"claim_invalid ({claim.rsplit('/', 1)[-1]})"
    assert Launch.objects.count() == 0


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
def test_titles_and_names_are_cleaned(visitor: Visitor, text: str) -> None:
    clean = text.replace("\x00", "").encode("utf-8", "ignore").decode()
    question = visitor.question()
    claims = visitor.platform.claims(nonce=question["nonce"], target=visitor.target)
    claims["name"] = claims["email"] = f"N{text}"
    claims[f"{CLAIM}resource_link"]["title"] = claims[f"{CLAIM}context"]["title"] = f"T{text}"
    claims[f"{CLAIM}custom"] = {f"key{text}": "x", "module": f"m{text}"}
    claims[f"{CLAIM}launch_presentation"]["locale"] = f"e{text}"

    response = visitor.post(question["state"], signed(visitor.platform, json.dumps(claims).encode()))

    assert response.status_code == 302
    launch = Launch.objects.get()
    assert (launch.lti_user.name, launch.lti_user.email) == (f"N{clean}", f"N{clean}")
    assert (launch.resource_link.title, launch.resource_link.context.title) == (f"T{clean}", f"T{clean}")
    assert launch.custom == {f"key{clean}": "x", "module": f"m{clean}"}
    assert launch.locale == f"e{clean}"


@pytest.mark.parametrize("line_break", ["\n", "\r", "\u2028", "\x85"], ids=ascii)
def test_an_identifier_cannot_forge_a_line_of_the_log(
    visitor: Visitor, registration: Registration, log: Log, line_break: str
) -> None:
    forged = f"d{line_break}launch.accepted registration=99"

    response = launch_with(visitor, f"{CLAIM}deployment_id", forged)

    assert_refused(response, log, "claim_invalid", detail="deployment_id", registration=registration.pk)


# --- what is too long ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "wrap"),
    [
        ("sub", lambda text: text),
        (f"{CLAIM}deployment_id", lambda text: text),
        (f"{CLAIM}resource_link", lambda text: {"id": text}),
        (f"{CLAIM}context", lambda text: {"id": text}),
        (f"{CLAIM}target_link_uri", lambda text: f"{TOOL}/{text}"),
        (AGS, lambda text: {"lineitem": f"https://vle.example/{text}"}),
        (AGS, lambda text: {"scope": [text]}),
        (f"{CLAIM}roles", lambda text: [text]),
    ],
    ids=["sub", "deployment", "link", "context", "target", "lineitem", "scope", "role"],
)
def test_an_identifier_of_10_kb(
    visitor: Visitor, registration: Registration, log: Log, claim: str, wrap: Any
) -> None:
    response = launch_with(visitor, claim, wrap("x" * 10_000))

    detail = claim.rsplit("/", 1)[-1]
    assert_refused(response, log, "claim_invalid", detail=detail, registration=registration.pk)


def test_a_subject_of_255_characters_is_kept_whole(visitor: Visitor) -> None:
    assert launch_with(visitor, "sub", "é" * 255).status_code == 302
    assert LtiUser.objects.get().sub == "é" * 255


def test_a_subject_of_256_characters(visitor: Visitor, registration: Registration, log: Log) -> None:
    response = launch_with(visitor, "sub", "x" * 256)

    assert_refused(response, log, "claim_invalid", detail="sub", registration=registration.pk)


def test_subjects_that_differ_in_case_or_accent_are_two_people(visitor: Visitor) -> None:
    for subject in ("user-a", "USER-A", "üser", "u\u0308ser"):
        assert launch_with(visitor, "sub", subject).status_code == 302

    assert LtiUser.objects.count() == 4


def test_long_titles_names_and_addresses_fit_their_columns(visitor: Visitor) -> None:
    question = visitor.question()
    claims = visitor.platform.claims(nonce=question["nonce"], target=visitor.target)
    del claims["name"]
    long = "x" * 3000
    claims["given_name"] = claims["family_name"] = claims["email"] = long
    claims[f"{CLAIM}resource_link"]["title"] = claims[f"{CLAIM}context"]["title"] = long
    claims[f"{CLAIM}lis"]["person_sourcedid"] = long
    claims[f"{CLAIM}launch_presentation"] = {"locale": long, "return_url": f"https://vle.example/{long}"}

    response = visitor.post(question["state"], signed(visitor.platform, json.dumps(claims).encode()))

    assert response.status_code == 302
    launch = Launch.objects.get()
    for row in (launch, launch.lti_user, launch.resource_link, launch.resource_link.context):
        row.clean_fields(exclude=["custom"] + [f.name for f in row._meta.fields if f.is_relation])
    assert len(launch.lti_user.name) == 255
    assert (launch.lti_user.email, launch.return_url, launch.locale) == ("", "", "x" * 20)


def test_a_thousand_custom_parameters(visitor: Visitor) -> None:
    response = launch_with(visitor, f"{CLAIM}custom", {f"key{number}": "v" for number in range(1000)})

    assert response.status_code == 302
    assert len(Launch.objects.get().custom) == 1000


def test_custom_parameters_that_are_no_text_or_were_not_substituted(visitor: Visitor) -> None:
    custom = {
        "module": "x",
        "n": 7,
        "list": ["x"],
        "none": None,
        "due": "$ResourceLink.available.endDateTime",
    }

    launch_with(visitor, f"{CLAIM}custom", custom)

    assert Launch.objects.get().custom == {"module": "x"}


# --- addresses ----------------------------------------------------------------------------------------------

FOREIGN = [
    "https://evil.example/lineitems/1",
    "http://127.0.0.1:1/lineitems/1",
    "//evil.example/lineitems/1",
    "javascript:alert(1)",
    "lineitems/1",
    "https://[",
    "http://user@127.0.0.1/",
]


@pytest.mark.parametrize("url", FOREIGN)
@pytest.mark.parametrize("name", ["lineitem", "lineitems"])
def test_a_gradebook_on_a_foreign_host(
    visitor: Visitor, registration: Registration, log: Log, name: str, url: str
) -> None:
    """Our access token would be sent there."""
    response = launch_with(visitor, AGS, {"scope": [], name: url})

    assert_refused(response, log, "service_host_foreign", registration=registration.pk)
    assert (LineItem.objects.count(), ResourceLink.objects.count(), Context.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize("url", ["http://evil.example/x", "https://[", "javascript:alert(1)", "ftp://x/"])
@pytest.mark.parametrize("family", ["canvas", "brightspace", "blackboard"])
def test_a_gradebook_of_a_hosted_vle_is_at_least_on_https(
    visitor: Visitor, registration: Registration, log: Log, family: str, url: str
) -> None:
    Registration.objects.update(family=family)
    registration.refresh_from_db()
    registration.save()

    response = launch_with(visitor, AGS, {"scope": [], "lineitem": url})

    assert_refused(response, log, "service_host_foreign", registration=registration.pk)


def test_a_gradebook_on_the_vles_host_but_in_the_clear(
    visitor: Visitor, registration: Registration, log: Log
) -> None:
    """The registration says https everywhere: a token must not leave on http."""
    registration.issuer = "https://vle.example"
    registration.auth_url, registration.token_url = "https://vle.example/auth", "https://vle.example/token"
    registration.save()
    question = visitor.question(iss="https://vle.example")
    claims = visitor.platform.claims(nonce=question["nonce"], target=visitor.target)
    claims.update(iss="https://vle.example", **{AGS: {"lineitem": "http://vle.example/lineitems/1"}})
    response = visitor.post(question["state"], visitor.platform.keys[0].sign(claims))

    assert_refused(response, log, "service_host_foreign", registration=registration.pk)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example/", "/course", "https://[", "x" * 3000]
)
def test_a_return_address_that_is_no_web_address_is_left_out(visitor: Visitor, url: str) -> None:
    response = launch_with(visitor, f"{CLAIM}launch_presentation", {"return_url": url})

    assert response.status_code == 302
    assert Launch.objects.get().return_url == ""
