"""Health, figures, and the pages that need no launch."""

import re

import pytest
from django.test import Client

from lti_tool import keys
from lti_tool.models import ToolKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor() -> Client:
    return Client(headers={"host": "tool.example"})


def test_alive(visitor: Client) -> None:
    assert visitor.get("/healthz").content == b"alive\n"


def test_ready(visitor: Client) -> None:
    keys.ensure_key()
    answer = visitor.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def test_not_ready_names_what_is_missing(visitor: Client) -> None:
    # Encrypted with a key that is not configured any more.
    ToolKey.objects.create(kid="lost", encrypted_private_key=b"unreadable", public_jwk={})
    keys.forget_loaded_key()
    answer = visitor.get("/readyz")
    assert (answer.status_code, answer.json()["ready"], answer.json()["keys"]) == (503, False, False)


def test_metrics_count_what_waits(visitor: Client) -> None:
    lines = visitor.get("/metrics").content.decode().splitlines()
    assert 'saferesponse_scores{state="waiting"} 0.0' in lines
    assert "saferesponse_pending_deployments 0.0" in lines


@pytest.mark.parametrize("path", ["/", "/help-now/", "/verify/"])
def test_public_pages_need_no_launch_and_offer_help(visitor: Client, path: str) -> None:
    page = visitor.get(path)
    assert page.status_code == 200
    assert b"999" in page.content


def test_help_works_inside_a_frame(visitor: Client) -> None:
    assert "frame-ancestors https: http:" in visitor.get("/help-now/").headers["Content-Security-Policy"]


def test_nothing_else_may_be_framed_without_a_launch(visitor: Client) -> None:
    assert "frame-ancestors 'none'" in visitor.get("/").headers["Content-Security-Policy"]


def test_a_missing_page_says_what_to_do(visitor: Client) -> None:
    page = visitor.get("/nothing-here/")
    assert page.status_code == 404
    assert "Dealing with a real incident now?" in page.content.decode()


def test_the_apis_schema_names_its_one_call(visitor: Client) -> None:
    schema = visitor.get("/api/v1/schema/", headers={"accept": "application/json"}).json()
    assert list(schema["paths"]) == ["/api/v1/certificates/{code}/"]


@pytest.mark.parametrize(
    ("nation", "tell", "numbers"),
    [
        ("england", "Tell your DSL now", {"999", "101"}),
        ("wales", "Tell your DSP now", {"999", "101"}),
        ("scotland", "Tell your child protection co-ordinator now", {"999", "101"}),
        ("northern-ireland", "Tell your designated teacher now", {"999", "101"}),
        ("elsewhere", "Tell whoever leads on child protection now", set()),
        ("atlantis", "Tell your DSL now", {"999", "101"}),
    ],
)
def test_help_now_is_each_nations_own(nation: str, tell: str, numbers: set[str]) -> None:
    page = Client().get("/help-now/", {"nation": nation}).content.decode()
    main = page[page.index("<main") : page.index("</main>")]
    assert tell in main
    assert set(re.findall(r'href="tel:(\d+)"', main)) == numbers
    others = {"england", "wales", "scotland", "northern-ireland", "elsewhere"} - {nation}
    assert all(f"?nation={other}" in main for other in others if nation != "atlantis" or other != "england")
