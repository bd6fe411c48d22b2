"""A strict LTI platform for tests: a real HTTP server that knows only what the tool sends it.

It signs launches as any platform would (and spoils them on request), answers the tool's service calls, and can be
told to fail in every way that platforms do. It shares no code with the tool.
"""

import json
import secrets
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
LEARNER, INSTRUCTOR = f"{MEMBERSHIP}Learner", f"{MEMBERSHIP}Instructor"
ALL_SCOPES = [f"{SCOPE}{name}" for name in ("lineitem", "lineitem.readonly", "result.readonly", "score")]


class PlatformKey:
    """A signing key of the platform. Making one takes a while, so tests share a few."""

    _made: list[rsa.RSAPrivateKey] = []

    def __init__(self, number: int = 0) -> None:
        while len(self._made) <= number:
            self._made.append(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        self.private_key = self._made[number]
        self.kid = f"platform-key-{number}"

    def jwk(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "alg": "RS256", "use": "sig"}

    def sign(self, claims: Any, headers: Mapping[str, Any] | None = None, algorithm: str = "RS256") -> str:
        named = {"kid": self.kid} if headers is None else dict(headers)
        return jwt.encode(claims, self.private_key, algorithm=algorithm, headers=named)


@dataclass
class Fault:
    """How the next answer to a path goes wrong. `after` does the work first: the answer is what is lost.

    `held` keeps the answer back until the test sets it. `drip` sends one byte in so many seconds, beginning with
    the status line, or with the body where `drip_body` says so.
    """

    status: int = 500
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    after: bool = False
    delay: float = 0.0
    held: threading.Event | None = None
    drip: float = 0.0
    drip_body: bool = False


@dataclass(frozen=True)
class Received:
    """One request that the tool made."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Column:
    """A line item, with the scores it has taken by user, newest last."""

    id: str
    resource_link_id: str = ""
    tag: str = ""
    label: str = ""
    maximum: float = 100
    scores: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


class FakePlatform:
    """The platform and its server. Use as a context manager; `reset` between tests."""

    client_id = "tool-at-fake"
    deployment_id = "deployment-1"
    issuer_path = ""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.lock = threading.RLock()
        self.reset()

    def __enter__(self) -> "FakePlatform":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """Forget everything that a test did."""
        with self.lock:
            self.keys = [PlatformKey(0)]
            self.jwks_document: Callable[[], Any] = lambda: {"keys": [key.jwk() for key in self.keys]}
            self.jwks_headers: dict[str, str] = {"Cache-Control": "max-age=600"}
            self.faults: dict[str, deque[Fault]] = {}
            self.received: list[Received] = []
            self.tokens: dict[str, tuple[set[str], float]] = {}
            self.token_lifetime = 3600
            self.columns: dict[str, Column] = {}
            self.ungradable: set[str] = set()
            self.after_score: Callable[[dict[str, Any]], None] = lambda score: None
            # Called once an answer has been sent whole, with the fault that it was, if any.
            self.after_answer: Callable[[Fault | None], None] = lambda fault: None
            self.column("1", resource_link_id="link-1")

    # --- what a test says -----------------------------------------------------------------------------------

    @property
    def issuer(self) -> str:
        return self.url + self.issuer_path

    def register(self, **changes: Any) -> Any:
        """Register with the tool, as an admin does by hand. Returns the Registration."""
        from lti_tool.registration import Platform, register

        return register(
            Platform(
                **{
                    "issuer": self.issuer,
                    "client_id": self.client_id,
                    "auth_url": f"{self.url}/auth",
                    "token_url": f"{self.url}/token",
                    "jwks_url": f"{self.url}/jwks",
                    "deployment_id": self.deployment_id,
                    **changes,
                }
            )
        )

    def column(self, number: str, **changes: Any) -> Column:
        column = Column(id=f"{self.url}/lineitems/{number}?type_id=1", **changes)
        self.columns[number] = column
        return column

    def fail(self, path: str, *faults: Fault) -> None:
        """The next requests whose path begins with `path` go wrong, one fault each."""
        self.faults.setdefault(path, deque()).extend(faults)

    def count(self, method: str, path: str) -> int:
        with self.lock:
            return sum(r.method == method and r.path.startswith(path) for r in self.received)

    def score_of(self, user: str, number: str = "1") -> dict[str, Any] | None:
        """The score that stands in the gradebook."""
        with self.lock:
            taken = self.columns[number].scores.get(user)
            return taken[-1] if taken else None

    def claims(self, *, nonce: str, target: str, now: float | None = None) -> dict[str, Any]:
        """A launch by a member of staff as Moodle sends it."""
        issued = int(now or time.time())
        return {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "user-1",
            "iat": issued,
            "exp": issued + 60,
            "nonce": nonce,
            "name": "Amina Yusuf",
            "given_name": "Amina",
            "family_name": "Yusuf",
            "email": "amina@school.example",
            f"{CLAIM}message_type": "LtiResourceLinkRequest",
            f"{CLAIM}version": "1.3.0",
            f"{CLAIM}deployment_id": self.deployment_id,
            f"{CLAIM}target_link_uri": target,
            f"{CLAIM}roles": [LEARNER],
            f"{CLAIM}context": {
                "id": "course-1",
                "label": "SAFE",
                "title": "Safeguarding",
                "type": ["CourseSection"],
            },
            f"{CLAIM}resource_link": {"id": "link-1", "title": "All-staff awareness"},
            f"{CLAIM}lis": {"person_sourcedid": "", "course_section_sourcedid": ""},
            f"{CLAIM}launch_presentation": {
                "locale": "en",
                "document_target": "iframe",
                "return_url": f"{self.url}/course",
            },
            f"{CLAIM}tool_platform": {"product_family_code": "moodle", "guid": "fake", "name": "Fake"},
            f"{CLAIM}custom": {
                "module": "all-staff-awareness",
                "due": "$ResourceLink.submission.endDateTime",
            },
            AGS: {
                "scope": ALL_SCOPES,
                "lineitems": f"{self.url}/lineitems?type_id=1",
                "lineitem": f"{self.url}/lineitems/1?type_id=1",
            },
        }

    # --- what the tool asks ---------------------------------------------------------------------------------

    def answer(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/jwks":
            return _json(200, self.jwks_document(), **self.jwks_headers)
        if request.path == "/token":
            return self._token(request)
        if request.path.startswith("/lineitems"):
            return self._line_items(request)
        return _json(404, {"error": "no such path"})

    def _token(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        try:
            assertion = self._checked_assertion(form["client_assertion"])
        except (KeyError, jwt.InvalidTokenError, StopIteration):
            return _json(400, {"error": "invalid_client"})
        if assertion["iss"] != self.client_id or assertion["sub"] != self.client_id:
            return _json(400, {"error": "invalid_client"})
        token = secrets.token_urlsafe(16)
        scopes = set(form.get("scope", "").split()) & set(ALL_SCOPES)
        if not scopes:
            return _json(400, {"error": "invalid_scope"})
        self.tokens[token] = (scopes, time.time() + self.token_lifetime)
        return _json(
            200,
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": self.token_lifetime,
                "scope": " ".join(sorted(scopes)),
            },
        )

    def _checked_assertion(self, assertion: str) -> dict[str, Any]:
        """The tool's keys come from its database here; the demo VLE fetches them over HTTP instead."""
        kid = jwt.get_unverified_header(assertion)["kid"]
        jwk = next(key for key in self.tool_keys() if key["kid"] == kid)
        checked: dict[str, Any] = jwt.decode(
            assertion, jwt.PyJWK(jwk).key, algorithms=["RS256"], audience=f"{self.url}/token"
        )
        return checked

    tool_keys: Callable[[], list[dict[str, Any]]] = staticmethod(lambda: [])

    def _line_items(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        scopes, expires = self.tokens.get(
            request.headers.get("authorization", "").removeprefix("Bearer "), (set(), 0.0)
        )
        if expires < time.time():
            return _json(401, {"error": "token"})
        parts = request.path.strip("/").split("/")
        if len(parts) == 1:
            return self._container(request, scopes)
        column = self.columns.get(parts[1])
        if column is None:
            return _json(404, {"error": "no such line item"})
        if parts[2:] == ["scores"] and request.method == "POST":
            return self._score(request, column, scopes)
        if parts[2:] == ["results"] and f"{SCOPE}result.readonly" in scopes:
            return self._results(request, column)
        return _json(403, {"error": "scope"})

    def _container(self, request: Received, scopes: set[str]) -> tuple[int, dict[str, str], bytes]:
        if request.method == "POST":
            if f"{SCOPE}lineitem" not in scopes:
                return _json(403, {"error": "scope"})
            item = json.loads(request.body)
            number = str(len(self.columns) + 1)
            column = self.column(
                number,
                resource_link_id=item.get("resourceLinkId", ""),
                tag=item.get("tag", ""),
                label=item["label"],
                maximum=item["scoreMaximum"],
            )
            return _json(201, _item(column))
        found = [
            _item(column)
            for column in self.columns.values()
            if request.query.get("resource_link_id", column.resource_link_id) == column.resource_link_id
            and request.query.get("tag", column.tag) == column.tag
        ]
        return _json(200, found)

    def _score(
        self, request: Received, column: Column, scopes: set[str]
    ) -> tuple[int, dict[str, str], bytes]:
        if f"{SCOPE}score" not in scopes:
            return _json(403, {"error": "scope"})
        if request.headers.get("content-type", "").split(";")[0] != "application/vnd.ims.lis.v1.score+json":
            return _json(400, {"error": "No handler found"})
        score = json.loads(request.body)
        required = {"userId", "timestamp", "activityProgress", "gradingProgress"}
        if not required <= score.keys() or score["userId"] in self.ungradable:
            return _json(400, {"error": "Incorrect score received"})
        taken = column.scores.setdefault(score["userId"], [])
        if taken and score["timestamp"] <= taken[-1]["timestamp"]:
            return _json(409, {"error": "Refusing score with an earlier timestamp"})
        taken.append(score)
        self.after_score(score)
        return 200, {}, b""

    def _results(self, request: Received, column: Column) -> tuple[int, dict[str, str], bytes]:
        results = [
            {
                "id": f"{column.id}/results/{user}",
                "userId": user,
                "resultScore": scores[-1]["scoreGiven"] / scores[-1]["scoreMaximum"] * column.maximum,
                "resultMaximum": column.maximum,
                "comment": scores[-1].get("comment", ""),
            }
            for user, scores in column.scores.items()
            if request.query.get("user_id", user) == user
        ]
        return _json(200, results)


def _item(column: Column) -> dict[str, Any]:
    return {
        "id": column.id,
        "label": column.label,
        "scoreMaximum": column.maximum,
        "resourceLinkId": column.resource_link_id,
        "tag": column.tag,
    }


def _json(status: int, document: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return status, {"Content-Type": "application/json", **headers}, body


def _handler_of(platform: FakePlatform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
            with platform.lock:
                platform.received.append(request)
                fault = next(
                    (q.popleft() for p, q in platform.faults.items() if q and parts.path.startswith(p)), None
                )
            if fault and fault.delay:
                time.sleep(fault.delay)
            if fault and fault.held:
                fault.held.wait(20)
            answer = None
            if fault is None or fault.after:
                with platform.lock:
                    answer = platform.answer(request)
            if fault and fault.reset:
                self.close_connection = True
                self.connection.close()
                return
            if fault:
                answer = (fault.status, fault.headers, fault.body)
            assert answer is not None
            try:
                if fault and fault.drip:
                    self._drip(fault)
                else:
                    self._send(answer)
                platform.after_answer(fault)
            except ConnectionError:
                self.close_connection = True  # the tool has heard enough

        def _send(self, answer: tuple[int, dict[str, str], bytes]) -> None:
            status, headers, document = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(document)))
            self.end_headers()
            self.wfile.write(document)

        def _drip(self, fault: Fault) -> None:
            lines = "".join(f"{name}: {value}\r\n" for name, value in fault.headers.items())
            head = f"HTTP/1.1 {fault.status} So\r\n{lines}\r\n".encode()
            if fault.drip_body:
                self.wfile.write(head)
            for byte in fault.body if fault.drip_body else head + fault.body:
                self.wfile.write(bytes([byte]))
                time.sleep(fault.drip)

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def handle(self) -> None:
            with suppress(ConnectionError):  # the tool left in the middle
                super().handle()

        def log_message(self, *args: object) -> None:
            pass

    return Handler


def new_id() -> str:
    return uuid.uuid4().hex
