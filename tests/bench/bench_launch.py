"""What a launch costs: login, launch, all that must be remembered, redirect.

    python -m tests.bench.bench_launch [--database postgres://…] [--launches 200] [--runs 5]

Prints CPU-ms of the tool's whole process tree (and of PostgreSQL) as a ratio to a floor measured in the same
run: two bare Django requests, one token check, two inserts. The aim is at most 2, better 1.5.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.bench.measure import (
    PUBLIC_URL,
    ROOT,
    Figure,
    cpu_seconds,
    free_port,
    repeat,
    server,
    tool_environment,
)
from tests.platforms.fake import FakePlatform, PlatformKey

CONCURRENCY = 4
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HEADERS = {"Host": "tool.example", "X-Forwarded-Proto": "https"}
_local = threading.local()


def connection(port: int) -> HTTPConnection:
    kept: dict[int, HTTPConnection] = _local.__dict__.setdefault("kept", {})
    if port not in kept:
        kept[port] = HTTPConnection("127.0.0.1", port, timeout=30)
    return kept[port]


def call(
    port: int, method: str, path: str, form: dict[str, str], **headers: str
) -> tuple[int, str, list[str]]:
    """One request as a browser sends it: status, Location, and the cookies set as name=value."""
    link = connection(port)
    link.request(method, path, urlencode(form) if form else None, {**HEADERS, **FORM, **headers})
    response = link.getresponse()
    response.read()
    cookies = [v.split(";")[0] for k, v in response.getheaders() if k.lower() == "set-cookie"]
    return response.status, response.headers.get("Location", ""), cookies


class Launcher:
    """Browsers that launch. `known` people come again and again; otherwise everybody comes for the first time."""

    def __init__(self, platform: FakePlatform, port: int) -> None:
        self.platform, self.port = platform, port
        self.failed = 0

    def launch(self, sub: str, *, framed_first: bool = False) -> None:
        form = {
            "iss": self.platform.issuer,
            "target_link_uri": f"{PUBLIC_URL}/lti/launch/",
            "login_hint": "3",
            "lti_message_hint": '{"launchid":"ltilaunch_1"}',
            "client_id": self.platform.client_id,
            "lti_deployment_id": self.platform.deployment_id,
        }
        extra = {"Sec-Fetch-Dest": "iframe"} if framed_first else {}
        status, location, cookies = call(self.port, "POST", "/lti/login/", form, **extra)
        if framed_first:
            status, location, cookies = call(
                self.port, "GET", location, {}, Cookie="; ".join(cookies), **extra
            )
        question = parse_qs(urlsplit(location).query)
        claims = self.platform.claims(nonce=question["nonce"][0], target=form["target_link_uri"])
        claims["sub"] = sub
        token = self.platform.keys[0].sign(claims)
        status, location, _ = call(
            self.port,
            "POST",
            "/lti/launch/",
            {"state": question["state"][0], "id_token": token},
            Cookie="; ".join(cookies),
        )
        if status != 302 or not location.startswith("/learn/launch/"):
            self.failed += 1

    def many(self, count: int, name: Callable[[int], str], **how: bool) -> None:
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            list(pool.map(lambda number: self.launch(name(number), **how), range(count)))


def floor_launch(platform: FakePlatform, port: int) -> None:
    call(port, "POST", "/login", {"iss": platform.issuer, "login_hint": "3"})
    claims = platform.claims(nonce=os.urandom(12).hex(), target="x")
    status, _, _ = call(port, "POST", "/launch", {"id_token": platform.keys[0].sign(claims)})
    assert status == 302, status


@contextmanager
def tool(environment: dict[str, str], platform: FakePlatform) -> Iterator[tuple[int, int]]:
    """The tool with the platform registered. Yields (port, process id)."""
    manage = [sys.executable, "manage.py"]
    everything = {**os.environ, **environment}
    subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=everything, check=True)
    subprocess.run([*manage, "collectstatic", "-v0", "--no-input"], cwd=ROOT, env=everything, check=True)
    registration = [
        *("register_platform", "--issuer", platform.issuer, "--client-id", platform.client_id),
        *("--auth-url", f"{platform.url}/auth", "--token-url", f"{platform.url}/token"),
        *("--jwks-url", f"{platform.url}/jwks", "--deployment-id", platform.deployment_id),
    ]
    subprocess.run([*manage, *registration], cwd=ROOT, env=everything, check=True, capture_output=True)
    port = free_port()
    with server("deploy.wsgi", environment, port) as pid:
        yield port, pid


def bench(database: str, launches: int, runs: int) -> None:
    kind = "PostgreSQL" if database.startswith("postgres") else "SQLite"
    also = "postgres" if kind == "PostgreSQL" else ""
    with tempfile.TemporaryDirectory() as folder, FakePlatform() as platform:
        environment = tool_environment(folder, database)
        print(f"{kind}, gunicorn gthread with one worker, {CONCURRENCY} at once, {runs} runs of {launches}")
        floor = measure_floor(environment, platform, launches, runs, also)
        print(floor.line())
        with tool(environment, platform) as (port, pid):
            launcher = Launcher(platform, port)

            def cpu() -> float:
                return cpu_seconds([pid], also)

            def known(number: int) -> str:
                return f"known-{number % 50}"

            def new(number: int) -> str:
                return f"new-{os.urandom(8).hex()}"

            launcher.many(300, known)
            for name, work in (
                ("launch, somebody known", lambda: launcher.many(launches, known)),
                ("launch, somebody's first", lambda: launcher.many(launches, new)),
                (
                    "... in a frame, with the cookie probe",
                    lambda: launcher.many(launches, new, framed_first=True),
                ),
            ):
                print(repeat(name, runs, launches, work, cpu).line(floor))
            print_keys(platform, launcher, launches, known)
            print(f"  failed launches: {launcher.failed}")
            if launcher.failed:
                raise SystemExit("launches failed: the figures above count for nothing")


def print_keys(
    platform: FakePlatform, launcher: Launcher, launches: int, known: Callable[[int], str]
) -> None:
    """A slow key set and a rotated key: neither may show."""
    fetched = platform.count("GET", "/jwks")
    document = platform.jwks_document

    def slowly() -> object:
        time.sleep(0.2)
        return document()

    platform.jwks_document = slowly
    platform.keys = [PlatformKey(1)]
    begun = time.monotonic()
    launcher.many(launches, known)
    rate = launches / (time.monotonic() - begun)
    more = platform.count("GET", "/jwks") - fetched
    print(
        f"  key rotated, key set answers in 200 ms: {rate:.0f} launches/s, {more} more fetches of the key set"
    )


def measure_floor(
    environment: dict[str, str], platform: FakePlatform, launches: int, runs: int, also: str
) -> Figure:
    folder = Path(environment["DATA_DIR"])
    (folder / "platform-key.json").write_text(json.dumps(platform.keys[0].jwk()))
    environment = {**environment, "DJANGO_SETTINGS_MODULE": ""}
    if not also:
        environment["DATABASE_URL"] = f"sqlite:///{folder}/floor.sqlite3"
    port = free_port()
    with server("tests.bench.floor", environment, port) as pid:

        def work(count: int = launches) -> None:
            with ThreadPoolExecutor(CONCURRENCY) as pool:
                list(pool.map(lambda _: floor_launch(platform, port), range(count)))

        work(300)
        return repeat(
            "floor: 2 requests, token check, 2 inserts",
            runs,
            launches,
            work,
            lambda: cpu_seconds([pid], also),
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="")
    parser.add_argument("--launches", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    bench(arguments.database, arguments.launches, arguments.runs)
