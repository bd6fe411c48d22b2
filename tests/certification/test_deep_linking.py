"""1EdTech certification, Deep Linking 2.0: the seven cases by their names, and the optional launch of what came.

What is looked at is what the platform receives: the form that the browser posts, and our published keys.
"""

import time
from typing import Any

import jwt
import pytest
from django.http import HttpResponse

from lti_tool.models import Registration
from tests.certification.checks import Log
from tests.platforms.acts import answer_of
from tests.platforms.browser import Visitor
from tests.platforms.deep_linking import AnswerRefused
from tests.platforms.fake import FakePlatform
from tests.platforms.forms import read_forms
from tests.platforms.people import TEACHER
from tests.platforms.profiles import GENERIC
from tests.platforms.terms import CLAIM, DEEP_LINKING, DL

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("vle", [GENERIC], indirect=True, ids=str)]
MODULE = "all-staff-awareness"


@pytest.fixture
def author(vle: FakePlatform) -> Visitor:
    """Somebody who may place content, at a platform that sends `data` and takes links and line items."""
    vle.register()
    return Visitor(vle, person=TEACHER)


@pytest.fixture
def answer(author: Visitor) -> HttpResponse:
    """The page that takes the author's choice back."""
    return answer_of(author, MODULE)


def message(answer: HttpResponse) -> str:
    (form,) = [form for form in read_forms(answer.content.decode()) if form.action.startswith("http")]
    return form.one("JWT")


def claims(answer: HttpResponse) -> dict[str, Any]:
    said: dict[str, Any] = jwt.decode(message(answer), options={"verify_signature": False})
    return said


def test_deep_linking_request_received(author: Visitor, log: Log) -> None:
    registration = Registration.objects.get()

    answer_of(author, MODULE)

    assert log.lines == [
        f"launch.accepted registration={registration.pk} deployment=deployment-1 "
        "message_type=LtiDeepLinkingRequest"
    ]


def test_deep_linking_response_received(author: Visitor, answer: HttpResponse) -> None:
    """A form, posted to the return address, with the one parameter JWT (§4.5)."""
    (form,) = [form for form in read_forms(answer.content.decode()) if form.action.startswith("http")]

    assert (form.method, set(form.fields)) == ("post", {"JWT"})
    assert form.action == f"{author.platform.url}/deep-linking?course=course-1&sesskey=lrpuyYCTeT"
    assert [link.title for link in author.give_back(answer).links] != []


def test_is_a_deep_linking_response(answer: HttpResponse) -> None:
    assert claims(answer)[f"{CLAIM}message_type"] == "LtiDeepLinkingResponse"
    assert claims(answer)[f"{CLAIM}version"] == "1.3.0"


def test_timestamps(answer: HttpResponse) -> None:
    said = claims(answer)

    # A platform whose clock is a little behind ours must not read that it is from the future.
    assert time.time() - 120 < said["iat"] <= time.time()
    assert time.time() < said["exp"] <= said["iat"] + 3600


def test_signature(author: Visitor, answer: HttpResponse) -> None:
    """RS256, by a key that stands under its kid in our published key set."""
    published = author.client.get("/lti/jwks/", secure=True).json()["keys"]
    header = jwt.get_unverified_header(message(answer))
    (key,) = [key for key in published if key["kid"] == header["kid"]]

    assert header["alg"] == "RS256"
    jwt.decode(message(answer), jwt.PyJWK(key).key, algorithms=["RS256"], audience=author.platform.issuer)


@pytest.mark.parametrize(
    "claim",
    [
        "iss",
        "aud",
        "iat",
        "exp",
        "nonce",
        f"{CLAIM}deployment_id",
        f"{CLAIM}message_type",
        f"{CLAIM}version",
        f"{DL}content_items",
        f"{DL}data",
    ],
)
def test_required_claims(answer: HttpResponse, claim: str) -> None:
    """§4.5.1, and `data` because the request had it."""
    assert claims(answer)[claim]


def test_affirm_values_match(author: Visitor, answer: HttpResponse) -> None:
    """What comes back is the request's, and the item is what was asked for."""
    platform, said = author.platform, claims(answer)

    assert said["iss"] == platform.client_id
    assert platform.issuer in (said["aud"], *said["aud"])
    assert said[f"{CLAIM}deployment_id"] == platform.deployment_id
    assert said[f"{DL}data"] == platform.profile.deep_linking.data
    (item,) = said[f"{DL}content_items"]
    assert item["type"] == "ltiResourceLink"
    assert item["lineItem"]["scoreMaximum"] == 100
    assert item["url"].startswith("https://tool.example/lti/launch/?activity=")


def test_the_returned_link_is_launched(author: Visitor, answer: HttpResponse) -> None:
    (link,) = author.give_back(answer).links

    page = Visitor(author.platform).open(link)

    assert (page.status_code, link.title in page.content.decode()) == (200, True)


# --- beyond the seven -----------------------------------------------------------------------------------------


def test_a_nonce_of_its_own_each_time(author: Visitor) -> None:
    first, second = (claims(answer_of(author, MODULE))["nonce"] for _ in range(2))

    assert first != second


def test_the_same_answer_is_good_once(author: Visitor, answer: HttpResponse) -> None:
    """The platform's own check; a second press of the button must not place the training twice."""
    author.give_back(answer)

    with pytest.raises(AnswerRefused, match="nonce"):
        author.give_back(answer)


def test_nothing_chosen(author: Visitor) -> None:
    """A cancelled choice is an answer without items (§4.5.1)."""
    shelf = author.open(message=DEEP_LINKING)
    cancel = next(f for f in read_forms(shelf.content.decode()) if f.action.endswith("/cancel/"))
    answer = author.client.post(cancel.action, secure=True)

    assert claims(answer).get(f"{DL}content_items", []) == []
    assert author.give_back(answer).links == ()
