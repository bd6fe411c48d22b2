"""A strict LTI platform for tests: a real HTTP server that knows only what the tool sends it.

It signs launches as any platform would (and spoils them on request), answers the tool's service calls, and can be
told to fail in every way that platforms do, or to behave like one make of VLE (`profiles`). It shares no code with
the tool.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from http.server import ThreadingHTTPServer
from typing import Any

from tests.platforms import ags, deep_linking, messages, nrps, registration, tokens
from tests.platforms.ags import Column, Grade
from tests.platforms.messages import Course, Link
from tests.platforms.people import COURSE, Person
from tests.platforms.profiles import PLAIN, Profile
from tests.platforms.server import Answer, Fault, Received, handler_of, json_answer
from tests.platforms.signing import PlatformKey
from tests.platforms.terms import ALL_SCOPES, ROSTER_SCOPE

# The tool, as the tests run it.
TOOL = "https://tool.example"
LAUNCH = f"{TOOL}/lti/launch/"


class FakePlatform:
    """The platform and its server. Use as a context manager; `reset` between tests."""

    client_id = "tool-at-fake"
    deployment_id = "deployment-1"

    def __init__(self, profile: Profile = PLAIN) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.lock = threading.RLock()
        self.reset(profile)

    def __enter__(self) -> "FakePlatform":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self, profile: Profile = PLAIN) -> None:
        """Forget everything that a test did, and become that make of VLE."""
        with self.lock:
            self.profile = profile
            self.keys = [PlatformKey(0)]
            self.jwks_document: Callable[[], Any] = lambda: {"keys": [key.jwk() for key in self.keys]}
            self.jwks_headers: dict[str, str] = {"Cache-Control": "max-age=600"}
            self.faults: dict[str, deque[Fault]] = {}
            self.received: list[Received] = []
            self.after_score: Callable[[dict[str, Any]], None] = lambda score: None
            # Called once an answer has been sent whole, with the fault that it was, if any.
            self.after_answer: Callable[[Fault | None], None] = lambda fault: None
            self._forget_tool()
            self._forget_course()

    def _forget_tool(self) -> None:
        """What the platform knows of the tool. A registration by hand says no more than this."""
        self.client_id = type(self).client_id
        self.deployment_id = type(self).deployment_id
        self.tokens: dict[str, tuple[set[str], float]] = {}
        self.token_lifetime = 3600
        self.permitted_scopes = {*ALL_SCOPES, ROSTER_SCOPE}
        self.redirect_uris = {LAUNCH}
        self.login_url = f"{TOOL}/lti/login/"
        self.jwks_uri = ""
        self.custom_parameters: dict[str, str] = {}
        # Where each kind of message leads unless its link says otherwise.
        self.targets: defaultdict[str, str] = defaultdict(lambda: LAUNCH)
        self.shares_identity = True
        self.is_active = True
        self.registration_tokens: dict[str, float] = {}
        self.registered_domains: set[str] = set()
        self.hints: set[str] = set()
        self.nonces: set[str] = set()

    def _forget_course(self) -> None:
        self.people: Sequence[Person] = COURSE
        self.courses = {"course-1": Course("course-1")}
        self.columns: dict[str, Column] = {}
        # Line items that the tool has deleted, or tried to.
        self.deleted: list[Column] = []
        self.ungradable: set[str] = set()
        # Changes to what a request for content says; see `deep_linking.settings`.
        self.deep_linking_settings: dict[str, Any] = {}
        self.column("1", resource_link_id="link-1", coupled=True)
        by_hand = {"module": "all-staff-awareness", "due": "$ResourceLink.submission.endDateTime"}
        self.links = {"link-1": Link("link-1", "All-staff awareness", custom=by_hand, column="1")}

    # --- where it is ----------------------------------------------------------------------------------------

    @property
    def issuer(self) -> str:
        return self.profile.issuer.format(url=self.url, port=self.port)

    @property
    def auth_url(self) -> str:
        return f"{self.url}/auth"

    @property
    def token_url(self) -> str:
        return f"{self.url}/token"

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/jwks"

    @property
    def lineitems_url(self) -> str:
        return self._service("/lineitems")

    def _service(self, path: str) -> str:
        query = self.profile.gradebook.query
        return f"{self.url}{path}" + (f"?{query}" if query else "")

    # --- what a test says -----------------------------------------------------------------------------------

    def register(self, **changes: Any) -> Any:
        """Register with the tool, as an admin does by hand. Returns the Registration."""
        from lti_tool.registration import Platform, register

        audience = self.profile.signing_in.token_audience or ""
        known: dict[str, Any] = {}
        if self.profile is not PLAIN:
            known["family"] = self.profile.name
        if "{url}" not in audience:
            known["token_audience"] = audience
        return register(
            Platform(
                **{
                    "issuer": self.issuer,
                    "client_id": self.client_id,
                    "auth_url": self.auth_url,
                    "token_url": self.token_url,
                    "jwks_url": self.jwks_url,
                    "deployment_id": self.deployment_id,
                    **known,
                    **changes,
                }
            )
        )

    def begin_registration(self, address: str) -> str:
        """The tool's registration address as an admin's VLE opens it, with what the VLE adds."""
        return registration.begin(self, address)

    def activate(self) -> None:
        """An admin switches the registered tool on."""
        self.is_active = True

    def column(self, number: str, **changes: Any) -> Column:
        column = Column(id=self._service(f"/lineitems/{number}"), **changes)
        self.columns[number] = column
        return column

    def link(
        self, title: str, *, course: str = "course-1", line_item: dict[str, Any] | None = None, **said: Any
    ) -> Link:
        """Place an activity, with a column of its own where a line item is given."""
        number = ""
        if line_item:
            number = str(len(self.columns) + 1)
            while number in self.columns:
                number += "0"
        link = Link(f"link-{len(self.links) + 1}", title, course=course, column=number, **said)
        if line_item:
            self.column(
                number,
                resource_link_id=link.id,
                label=line_item.get("label") or title,
                maximum=line_item["scoreMaximum"],
                resource_id=line_item.get("resourceId", ""),
                tag=line_item.get("tag", ""),
                submission_review=line_item.get("submissionReview"),
                coupled=True,
            )
        self.links[link.id] = link
        return link

    def copy_course(self, course: str, to: str) -> list[Link]:
        """A copy of a course: its links under new ids, each with an empty column, all else the same."""
        original = self.courses[course]
        self.courses[to] = Course(
            to, original.label, f"{original.title} copy", (original.id, *original.history)
        )
        return [self._copy(link, to) for link in list(self.links.values()) if link.course == course]

    def _copy(self, link: Link, to: str) -> Link:
        column = self.columns.get(link.column)
        return self.link(
            link.title,
            course=to,
            url=link.url,
            custom=link.custom,
            text=link.text,
            due=link.due,
            history=(link.id, *link.history),
            line_item=column
            and {
                "label": column.label,
                "scoreMaximum": column.maximum,
                "resourceId": column.resource_id,
                "tag": column.tag,
                "submissionReview": column.submission_review,
            },
        )

    def fail(self, path: str, *faults: Fault) -> None:
        """The next requests whose path begins with `path` go wrong, one fault each."""
        self.faults.setdefault(path, deque()).extend(faults)

    def count(self, method: str, path: str) -> int:
        with self.lock:
            return sum(r.method == method and r.path.startswith(path) for r in self.received)

    def score_of(self, user: str, number: str = "1") -> dict[str, Any] | None:
        """The score that was taken last, as the tool posted it."""
        with self.lock:
            taken = self.columns[number].scores.get(user)
            return taken[-1] if taken else None

    def grade_of(self, user: str, number: str = "1") -> Grade:
        """What a teacher sees in the gradebook."""
        with self.lock:
            return ags.grade(self.columns[number], user, self.profile.gradebook)

    def override(self, user: str, points: float, comment: str, number: str = "1") -> None:
        """A teacher sets the grade by hand: it stands, whatever the tool sends."""
        self.columns[number].overridden[user] = (points, comment)

    def claims(self, *, nonce: str, target: str, now: float | None = None, **message: Any) -> dict[str, Any]:
        """A message; unless `message` says otherwise, a launch of the first link by a member of staff."""
        return messages.claims(self, nonce=nonce, target=target, now=now, **message)

    # --- what the tool asks ---------------------------------------------------------------------------------

    def answer(self, request: Received) -> Answer:
        if request.path == "/jwks":
            return json_answer(200, self.jwks_document(), **self.jwks_headers)
        if request.path == "/token":
            return tokens.answer(self, request)
        if request.path.startswith("/lineitems"):
            return ags.answer(self, request)
        if request.path.startswith("/memberships/"):
            return nrps.answer(self, request)
        if request.path == deep_linking.RETURN:
            return deep_linking.answer(self, request)
        if request.path == registration.ENDPOINT:
            return registration.register(self, request)
        registering = self.profile.registering
        if registering and request.path == registering.path and request.method == "GET":
            return registration.configuration(self, request)
        return json_answer(404, {"error": "no such path"})

    # The tool's keys come from its database here; the demo VLE fetches them over HTTP instead.
    tool_keys: Callable[[], list[dict[str, Any]]] = staticmethod(lambda: [])
