"""Somebody else's platform: `lti1p3platform` begins the login, signs the messages, reads our choice of content,
gives the token, keeps the score, lists the course.

Nothing of our own fake takes part. The library brings the protocol; this test brings what every platform must: the
key, somewhere to keep columns and scores, and a web server around its handlers.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.utils import timezone
from lti1p3platform.exceptions import LineItemNotFoundException, LtiDeepLinkingResponseException
from lti1p3platform.ltiplatform import LTI1P3PlatformConfAbstract
from lti1p3platform.membership import Context
from lti1p3platform.message_launch import LTIAdvantageMessageLaunchAbstract
from lti1p3platform.oidc_login import OIDCLoginAbstract
from lti1p3platform.registration import Registration as PlatformRegistration
from lti1p3platform.request import Request, TRequest
from lti1p3platform.response import Response
from lti1p3platform.score import UpdateScoreStatus
from lti1p3platform.service_connector import AssignmentsGradesService, NamesRoleProvisioningService

from lti_tool import ags
from lti_tool.gradebook import ScoreRefused
from lti_tool.line_items import Column
from lti_tool.models import Launch, LineItem, Membership, Registration, ToolKey
from lti_tool.registration import Platform, register
from tests.platforms.acts import fill_in, read_rosters
from tests.platforms.forms import way_back

pytestmark = pytest.mark.django_db
LAUNCH = "https://tool.example/lti/launch/"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"


class AnyRequest(Request):
    """The library's view of a request."""

    def build_metadata(self, request: TRequest) -> TRequest:
        return request


def asked(method: str, path: str, **parts: Any) -> AnyRequest:
    plain = {"form_data": {}, "get_data": {}, "headers": {}, "content_type": None, "json": None}
    return AnyRequest({"method": method, "path": path, **plain, **parts})


class School(LTI1P3PlatformConfAbstract):
    """The platform's configuration, with the tool as its one registration."""

    def init_platform_config(self, url: str, tool_keys: list[dict[str, Any]]) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.url = url
        self._registration = (
            PlatformRegistration()
            .set_iss(url)
            .set_client_id("tool-at-school")
            .set_deployment_id("school-1")
            .set_launch_url(LAUNCH)
            .set_deeplink_launch_url(LAUNCH)
            .set_oidc_login_url("https://tool.example/lti/login/")
            .set_platform_private_key(private.decode())
            .set_platform_public_key(public.decode())
            .set_tool_key_set({"keys": tool_keys})
        )

    def get_registration_by_params(self, **kwargs: Any) -> PlatformRegistration:
        assert self._registration is not None
        return self._registration


class Gradebook(AssignmentsGradesService):
    """Columns and scores in memory, behind the library's handlers."""

    columns: dict[str, dict[str, Any]]
    scores: dict[str, list[dict[str, Any]]]

    def keeping(
        self, columns: dict[str, dict[str, Any]], scores: dict[str, list[dict[str, Any]]]
    ) -> "Gradebook":
        self.columns, self.scores = columns, scores
        return self

    def find_lineitems(self, page: int = 1, limit: int | None = None, **wanted: Any) -> Any:
        names = {"resource_link_id": "resourceLinkId", "resource_id": "resourceId", "tag": "tag"}
        found = [
            column
            for column in self.columns.values()
            if all(column.get(names[name]) == value for name, value in wanted.items() if value)
        ]
        return {"content": found, "has_next": False}

    def find_lineitem(self, line_item_id: str) -> Any:
        if line_item_id not in self.columns:
            raise LineItemNotFoundException
        return self.columns[line_item_id]

    def create_lineitem(self, creation_data: Any) -> Any:
        number = str(len(self.columns) + 1)
        self.columns[number] = {**creation_data, "id": f"{self.ags.lineitems_url}/{number}"}
        return self.columns[number]

    def update_lineitem(self, update_data: Any) -> Any:
        raise NotImplementedError

    def delete_lineitem(self, line_item_id: str) -> None:
        raise NotImplementedError

    def update_score(self, line_item_id: str, score: Any) -> UpdateScoreStatus:
        self.find_lineitem(line_item_id)
        taken = self.scores.setdefault(line_item_id, [])
        if any(s["userId"] == score["userId"] and s["timestamp"] >= score["timestamp"] for s in taken):
            return UpdateScoreStatus.OLD_TIMESTAMP
        taken.append(score)
        return UpdateScoreStatus.SUCCESS

    def get_results(
        self, line_item_id: str, page: int = 1, limit: int | None = None, user_id: str | None = None
    ) -> Any:
        latest = {score["userId"]: score for score in self.scores.get(line_item_id, [])}
        results = [
            {"userId": user, "resultScore": score["scoreGiven"], "resultMaximum": score["scoreMaximum"]}
            for user, score in latest.items()
            if user_id in {None, user}
        ]
        return {"content": results, "has_next": False}


class Roster(NamesRoleProvisioningService):
    """The one course's members, behind the library's handler."""

    def get_member_data_page(self, page: int = 1, limit: str | None = None, **query: Any) -> Any:
        members = [
            {"user_id": "teacher-7", "roles": [INSTRUCTOR], "name": "Dylan Evans"},
            {"user_id": "learner-8", "roles": [LEARNER], "name": "Megan Rees"},
        ]
        return {"content": members, "has_next": False}

    def get_context_by_id(self) -> Context:
        return Context(id="course-1", label="SAFE", title="Safeguarding")


class Server:
    """The web server around the library: key set, token endpoint, gradebook, roster."""

    def __init__(self, tool_keys: list[dict[str, Any]]) -> None:
        self.columns: dict[str, dict[str, Any]] = {}
        self.scores: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.school = School(url=self.url, tool_keys=tool_keys)

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: AnyRequest, form: dict[str, str]) -> Response:
        parts = request.path.strip("/").split("/")
        if parts == ["jwks"]:
            return Response(self.school.get_jwks(), 200, "")
        if parts == ["token"]:
            return Response(self.school.get_access_token(form), 200, "")
        if parts == ["members"]:
            roster = Roster(request, self.school, f"{self.url}/members")
            return roster.handle_resp(roster.handle_get_members)
        service = Gradebook(request, self.school, f"{self.url}/lineitems").keeping(self.columns, self.scores)
        if parts == ["lineitems"]:
            made = request.method == "POST"
            return service.handle_resp(
                service.handle_create_lineitem if made else service.handle_get_lineitems
            )
        handler = {"scores": service.handle_update_score, "results": service.handle_get_results}[parts[2]]
        return service.handle_resp(handler, line_item_id=parts[1])

    def _handler(outer) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def serve(self) -> None:
                address = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kind = self.headers.get("Content-Type", "")
                outer.asked.append((self.command, address.path))
                request = asked(
                    self.command,
                    address.path,
                    get_data=dict(parse_qsl(address.query)),
                    headers=self.headers,
                    content_type=kind,
                    json=json.loads(body) if "json" in kind else None,
                )
                answer = outer.answer(request, dict(parse_qsl(body.decode())) if "form" in kind else {})
                result = answer.result
                listed = isinstance(result, dict) and "content" in result
                # As the library's own Django adapter does it: a score is answered with `null`.
                document = json.dumps(result["content"] if listed else result).encode()
                self.send_response(answer.code)
                self.send_header("Content-Type", answer.media_type)
                self.send_header("Content-Length", str(len(document)))
                self.end_headers()
                self.wfile.write(document)

            do_GET = do_POST = serve

            def log_message(self, *args: object) -> None:
                pass

        return Handler


class SchoolLogin(OIDCLoginAbstract):
    def set_lti_message_hint(self, **kwargs: Any) -> None:
        self._lti_message_hint = kwargs["hint"]

    def get_redirect(self, url: str) -> str:
        return url


class SchoolLaunch(LTIAdvantageMessageLaunchAbstract):
    def render_launch_form(self, launch_data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return launch_data


@pytest.fixture
def server(tool_key: ToolKey) -> Iterator[Server]:
    server = Server([tool_key.public_jwk])
    server.start()
    yield server
    server.stop()


@pytest.fixture
def registration(server: Server) -> Registration:
    return register(
        Platform(
            issuer=server.url,
            client_id="tool-at-school",
            auth_url=f"{server.url}/auth",
            token_url=f"{server.url}/token",
            jwks_url=f"{server.url}/jwks",
            deployment_id="school-1",
        )
    )


def launched(
    server: Server,
    lineitem: str | None = None,
    roles: list[str] | None = None,
    *,
    browser: Client | None = None,
    deep_linking: dict[str, Any] | None = None,
    roster: bool = False,
) -> Any:
    """Their login, our question, their message, our answer. `deep_linking`: a request for content, with what the
    library's settings say besides.
    """
    browser = browser or Client(headers={"host": "tool.example"})
    login = SchoolLogin(asked("GET", "/course"), server.school)
    login.set_lti_message_hint(hint="link-1")
    question = browser.get(login.initiate_login("teacher-7"), secure=True)["Location"]
    address = urlsplit(question)
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{server.url}/auth"

    launch = SchoolLaunch(asked("GET", "/auth", get_data=dict(parse_qsl(address.query))), server.school)
    launch.set_user_data("teacher-7", roles or [LEARNER], "Dylan Evans", "dylan@school.example")
    if deep_linking is None:
        launch.set_resource_link_claim("link-1", title="All-staff awareness")
    else:
        launch.set_dl(f"{server.url}/chosen", **deep_linking)
    launch.set_launch_context_claim("course-1", ["CourseSection"], "Safeguarding", "SAFE")
    launch.set_launch_presentation_claim("iframe", f"{server.url}/course")
    launch.set_custom_parameters_claim({"module": "all-staff-awareness"})
    launch.set_ags(f"{server.url}/lineitems", lineitem)
    if roster:
        launch.set_nrps(f"{server.url}/members")
    form = launch.lti_launch()
    assert form["launch_url"] == LAUNCH
    return browser.post("/lti/launch/", {"state": form["state"], "id_token": form["id_token"]}, secure=True)


def score(percentage: int) -> ags.Score:
    return ags.Score(
        user_id="teacher-7", percentage=percentage, comment="Passed.", submitted_at=timezone.now()
    )


def send(percentage: int) -> None:
    line_item = LineItem.objects.select_related("resource_link").get()
    column = Column(label="All-staff awareness", resource_id="activity-1")
    ags.send(line_item, Registration.objects.get(), score(percentage), column)


def test_its_launch_is_let_in(server: Server, registration: Registration) -> None:
    response = launched(server)

    launch = Launch.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/learn/launch/{launch.pk}/")
    assert (launch.lti_user.sub, launch.lti_user.name) == ("teacher-7", "Dylan Evans")
    assert launch.resource_link.context.title == "Safeguarding"
    assert launch.custom == {"module": "all-staff-awareness"}
    assert Membership.objects.get().is_learner is True


def test_its_launch_of_somebody_with_a_key_of_another_platform(
    server: Server, registration: Registration, tool_key: ToolKey
) -> None:
    stranger = SimpleNamespace(url=server.url, school=School(url=server.url, tool_keys=[tool_key.public_jwk]))

    response = launched(stranger)  # type: ignore[arg-type]

    assert response.status_code == 403
    assert Launch.objects.count() == 0


def test_a_score_goes_into_the_column_that_the_launch_named(
    server: Server, registration: Registration
) -> None:
    server.columns["1"] = {"id": f"{server.url}/lineitems/1", "scoreMaximum": 100, "label": "Awareness"}
    launched(server, lineitem=f"{server.url}/lineitems/1")

    send(85)

    (arrived,) = server.scores["1"]
    assert (arrived["userId"], arrived["scoreGiven"], arrived["scoreMaximum"]) == ("teacher-7", 85, 100)
    assert (arrived["activityProgress"], arrived["gradingProgress"]) == ("Completed", "FullyGraded")


def test_its_token_endpoint_takes_our_assertion_once_for_many_scores(
    server: Server, registration: Registration
) -> None:
    server.columns["1"] = {"id": f"{server.url}/lineitems/1"}
    launched(server, lineitem=f"{server.url}/lineitems/1")

    for percentage in (40, 60, 80):
        send(percentage)
        threading.Event().wait(0.01)  # its scores must differ in their milliseconds

    assert server.asked.count(("POST", "/token")) == 1
    assert [taken["scoreGiven"] for taken in server.scores["1"]] == [40, 60, 80]


def test_a_column_is_made_where_the_launch_named_none(server: Server, registration: Registration) -> None:
    launched(server)

    send(85)
    threading.Event().wait(0.01)
    send(90)

    assert list(server.columns) == ["1"]
    assert (server.columns["1"]["resourceLinkId"], server.columns["1"]["scoreMaximum"]) == ("link-1", 100)
    assert LineItem.objects.get().url == f"{server.url}/lineitems/1"
    assert [taken["scoreGiven"] for taken in server.scores["1"]] == [85, 90]


def test_its_conflict_is_settled_by_its_results(server: Server, registration: Registration) -> None:
    server.columns["1"] = {"id": f"{server.url}/lineitems/1"}
    launched(server, lineitem=f"{server.url}/lineitems/1")
    newer = {"userId": "teacher-7", "timestamp": "2999-01-01T00:00:00.000Z", "scoreMaximum": 100}
    server.scores["1"] = [{**newer, "scoreGiven": 85}]

    send(85)  # what is there is what we bring
    with pytest.raises(ScoreRefused, match="newer_grade"):
        send(90)

    assert [taken["scoreGiven"] for taken in server.scores["1"]] == [85]


# --- choosing content ---------------------------------------------------------------------------------------


def chosen(server: Server, **settings: Any) -> dict[str, str]:
    """The form that the picker sends to their return address."""
    browser = Client(headers={"host": "tool.example"})
    landing = launched(server, roles=[INSTRUCTOR], browser=browser, deep_linking=settings)
    shelf = browser.get(landing["Location"], secure=True, follow=True)
    back = way_back(fill_in(browser, shelf, "all-staff-awareness"))
    assert back.action == f"{server.url}/chosen"
    return {name: back.one(name) for name in back.fields}


def test_its_request_for_content_is_answered(server: Server, registration: Registration) -> None:
    form = chosen(server, title="Choose")

    (item,) = server.school.validate_deeplinking_resp(form)

    assert (item["type"], item["lineItem"]["scoreMaximum"]) == ("ltiResourceLink", 100)
    assert item["url"].startswith(f"{LAUNCH}?activity=")
    assert item["custom"]["activity"] in item["url"]


def test_it_takes_no_other_message_for_an_answer(server: Server, registration: Registration) -> None:
    """The library's own check, so that the one above is known to look."""
    school = server.school
    school.set_accepted_deeplinking_types(["html"])

    with pytest.raises(LtiDeepLinkingResponseException, match="not supported"):
        school.validate_deeplinking_resp(chosen(server))


# --- the roster -----------------------------------------------------------------------------------------------


def test_its_roster_is_read(server: Server, registration: Registration) -> None:
    launched(server, roles=[INSTRUCTOR], roster=True)

    read_rosters()

    learners = Membership.objects.filter(is_learner=True)
    assert [membership.lti_user.name for membership in learners] == ["Megan Rees"]
    assert server.asked.count(("GET", "/members")) == 1
