"""The web server around a fake platform: what it is asked, what it answers, and how the answer goes wrong."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit


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
    """One request that the tool made. `url` is how it was addressed, with the host that it named."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    url: str = ""

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def bearer(self) -> str:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else ""

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip()

    @property
    def accepted(self) -> list[str]:
        return [
            part.split(";")[0].strip() for part in self.headers.get("accept", "").split(",") if part.strip()
        ]


class Answer(NamedTuple):
    """What a service answers. `reason` stands in the status line in place of the status's own words."""

    status: int
    headers: dict[str, str]
    body: bytes
    reason: str | None = None


def json_answer(status: int, document: Any, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer(status, {"Content-Type": "application/json", **headers}, body)


def text_answer(status: int, text: str) -> Answer:
    return Answer(status, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())


class Served(Protocol):
    """What the server needs of the platform behind it."""

    lock: threading.RLock
    received: list[Received]
    faults: dict[str, deque[Fault]]
    after_answer: Callable[[Fault | None], None]

    def answer(self, request: Received) -> Answer: ...


def handler_of(platform: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # a body after its head would wait 40 ms for the head's receipt

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            url = f"http://{headers.get('host', '')}{self.path}"
            request = Received(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body, url)
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
                answer = Answer(fault.status, fault.headers, fault.body)
            assert answer is not None
            try:
                if fault and fault.drip:
                    self._drip(fault)
                else:
                    self._send(answer)
                platform.after_answer(fault)
            except ConnectionError:
                self.close_connection = True  # the tool has heard enough

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status, answer.reason)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

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
