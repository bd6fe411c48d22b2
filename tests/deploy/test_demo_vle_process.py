"""The demo VLE as a process: it starts, says so, refuses a taken port, stops, and keeps its data.

`RunningVle` and `FakeTool` are used by the other demo VLE test files as well. The VLE always
runs as a real process of its own, so nothing here touches the Django of the test session.
"""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "deploy" / "demo_vle"
DEADLINE_SECONDS = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def browser_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy in the environment knows nothing of this machine's ports
    return session


@dataclass
class RunningVle:
    port: int
    data: Path
    tool_url: str
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def command(self) -> list[str]:
        options = {"--port": str(self.port), "--data": str(self.data), "--tool-url": self.tool_url}
        return [
            sys.executable,
            "-m",
            "deploy.demo_vle",
            *(x for pair in options.items() for x in pair),
        ]

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            cwd=REPOSITORY,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.output: list[str] = []
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()
        session = browser_session()
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            assert self.process.poll() is None, "".join(self.output)
            try:
                session.get(f"{self.url}/jwks/", timeout=5).raise_for_status()
                return
            except requests.ConnectionError:
                assert time.monotonic() < deadline, "the VLE did not start"
                time.sleep(0.02)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(signum)
        code = self.process.wait(timeout=DEADLINE_SECONDS)
        self._reader.join(timeout=DEADLINE_SECONDS)
        return code

    def _collect(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        with self.process.stdout as printed:
            for line in printed:
                self.output.append(line)


@contextmanager
def running_vle(data: Path, tool_url: str) -> Iterator[RunningVle]:
    vle = RunningVle(port=free_port(), data=data, tool_url=tool_url)
    try:
        vle.start()
        yield vle
    finally:
        if vle.process and vle.process.poll() is None:
            vle.stop()


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


Route = Callable[[str, dict[str, str]], Answer]


class FakeTool:
    """The tool's side as the VLE sees it: a key set, and whatever pages a test adds."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {"/lti/jwks/": self._jwks}
        self.kid = "tool-key-1"
        tool = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                self._answer(url.path, url.query)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                self._answer(urlsplit(self.path).path, self.rfile.read(length).decode())

            def _answer(self, path: str, fields: str) -> None:
                form = {name: values[0] for name, values in parse_qs(fields).items()}
                form["cookie"] = self.headers.get("Cookie", "")
                route = tool.routes.get(path, lambda *_: Answer(404))
                answer = route(self.command, form)
                body = answer.body.encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @cached_property
    def key(self) -> RSAPrivateKey:
        return generate_private_key(public_exponent=65537, key_size=2048)

    def _jwks(self, _method: str, _form: dict[str, str]) -> Answer:
        jwk = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        jwk |= {"kid": self.kid, "alg": "RS256", "use": "sig"}
        body = requests.compat.json.dumps({"keys": [jwk]})
        return Answer(headers={"Content-Type": "application/json"}, body=body)

    def assertion(self, audience: str, *, key: RSAPrivateKey | None = None, **claims: Any) -> str:
        now = int(time.time())
        usual = {
            "iss": "demo-client", "sub": "demo-client", "aud": audience,
            "iat": now, "exp": now + 60, "jti": f"jti-{time.monotonic_ns()}",
        }  # fmt: skip
        headers = {"kid": claims.pop("kid", self.kid)}
        return jwt.encode(usual | claims, key or self.key, algorithm="RS256", headers=headers)


@pytest.fixture
def vle(tmp_path: Path) -> Iterator[RunningVle]:
    with running_vle(tmp_path / "data", "http://127.0.0.1:9") as running:
        yield running


def test_it_says_where_it_is_and_stops_when_asked(vle: RunningVle) -> None:
    # An open connection, as a browser keeps, must not hold up the stop.
    session = browser_session()
    assert session.get(vle.url, timeout=5).status_code == 200

    began = time.monotonic()
    assert vle.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 5
    printed = "".join(vle.output)
    assert vle.url in printed
    assert "Traceback" not in printed


def test_sigterm_during_the_start_leaves_no_traceback(tmp_path: Path) -> None:
    vle = RunningVle(port=free_port(), data=tmp_path, tool_url="http://127.0.0.1:9")
    process = subprocess.Popen(
        vle.command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (tmp_path / "secret-key").exists():  # the settings are loaded, the server is not up
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.terminate()
    try:
        printed, _ = process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "Traceback" not in printed


def test_a_taken_port_is_said_plainly(vle: RunningVle, tmp_path: Path) -> None:
    second = RunningVle(port=vle.port, data=tmp_path / "second", tool_url=vle.tool_url)
    done = subprocess.run(
        second.command, cwd=REPOSITORY, text=True, capture_output=True, timeout=DEADLINE_SECONDS
    )
    assert done.returncode == 1
    assert f"Port {vle.port} is already in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "second" / "demo-vle-2.sqlite3").exists()


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.demo_vle", "--data", str(tmp_path)]
    done = subprocess.run(
        [*command, "--tool-url", "127.0.0.1:8000"],
        cwd=REPOSITORY, text=True, capture_output=True, timeout=DEADLINE_SECONDS,
    )  # fmt: skip
    assert done.returncode == 2
    assert "is not an address" in done.stderr


def test_the_keys_survive_a_restart_and_are_private(vle: RunningVle) -> None:
    before = browser_session().get(f"{vle.url}/jwks/", timeout=5).json()
    for name in ("signing-key.pem", "secret-key"):
        assert (vle.data / name).stat().st_mode & 0o077 == 0
    vle.stop()
    vle.start()
    assert browser_session().get(f"{vle.url}/jwks/", timeout=5).json() == before


def test_the_log_line_of_a_request_keeps_its_query_out(vle: RunningVle) -> None:
    browser_session().get(f"{vle.url}/auth/?nonce=n-0S6_WzA2Mj", timeout=5)
    vle.stop()
    printed = "".join(vle.output)
    assert "GET /auth/ 400" in printed
    assert "n-0S6_WzA2Mj" not in printed


def test_nothing_of_the_tool_is_imported() -> None:
    forbidden = re.compile(
        r"^\s*(?:from|import)\s+(?:lti_tool|grading|course_content|pylti1p3"
        r"|deploy(?!\.demo_vle\b)\b)",
        re.MULTILINE,
    )
    sources = list(SOURCE.rglob("*.py"))
    assert len(sources) > 10
    assert [path.name for path in sources if forbidden.search(path.read_text())] == []


def test_no_page_names_another_host() -> None:
    pages = [*SOURCE.rglob("*.html"), *SOURCE.rglob("*.css"), *SOURCE.rglob("*.js")]
    assert len(pages) > 10
    assert [page.name for page in pages if re.search(r"(https?:)?//[\w.]+\.\w", page.read_text())] == []
