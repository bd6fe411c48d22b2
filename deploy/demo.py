"""The whole of it on one machine: the tool, its Celery worker and beat, and the demo VLE."""

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from cryptography.fernet import Fernet

BASE_DIR = Path(__file__).resolve().parent.parent
CLIENT_ID, DEPLOYMENT_ID = "demo-client", "demo-deployment"
STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the demo runs and what it keeps between two runs."""

    tool_port: int
    vle_port: int
    data: Path

    @property
    def tool_url(self) -> str:
        return f"http://127.0.0.1:{self.tool_port}"

    @property
    def vle_url(self) -> str:
        # Another name for the same machine: to a browser another site, as a real VLE is.
        return f"http://localhost:{self.vle_port}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8000, help="The tool's port")
    parser.add_argument("--vle-port", type=int, default=8001, help="The demo VLE's port")
    parser.add_argument("--data", default="var/demo", help="Where everything is kept between two runs")


def arguments(argv: Sequence[str]) -> Demo:
    """The demo that a command line asks for; options that Django knows are left to it."""
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    known, _ = parser.parse_known_args(argv)
    return Demo(known.port, known.vle_port, Path(known.data).resolve())


def prepare_environment(demo: Demo) -> None:
    """Set the environment that settings read, before Django starts. Secrets are made once and kept."""
    demo.data.mkdir(parents=True, exist_ok=True)
    kept = demo.data / "secrets"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(f"{secrets.token_urlsafe(50)}\n{Fernet.generate_key().decode()}\n")
    secret_key, encryption_key = kept.read_text().split()
    os.environ.update(
        ENV_FILE="",  # a deployment's .env is none of the demo's business
        DEBUG="false",
        SECRET_KEY=secret_key,
        KEY_ENCRYPTION_KEYS=encryption_key,
        PUBLIC_URL=demo.tool_url,
        ALLOWED_HOSTS="127.0.0.1",
        TRUSTED_PROXY="false",
        ALLOW_PRIVATE_PLATFORMS="true",
        DATA_DIR=str(demo.data),
        STATIC_ROOT=str(demo.data / "static"),
        DATABASE_URL=f"sqlite:///{demo.data / 'saferesponse.sqlite3'}",
        CELERY_BROKER_URL="filesystem://localhost",
        CACHE_URL=f"filecache://{demo.data / 'cache'}",
        EMAIL_URL="consolemail://",
        BIND=f"127.0.0.1:{demo.tool_port}",
        WEB_CONCURRENCY="1",
        LOG_LEVEL="WARNING",
    )


def taken_port(demo: Demo) -> int | None:
    """The first of the two ports that somebody listens on."""
    return next((port for port in (demo.tool_port, demo.vle_port) if _listens(port)), None)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def commands(demo: Demo) -> dict[str, Sequence[str]]:
    """The processes by name."""
    celery = [sys.executable, "-m", "celery", "-A", "deploy.celery"]
    return {
        "tool": [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.py", "deploy.wsgi"],
        "worker": [*celery, "worker", "--pool=solo", "--loglevel=warning", "--without-gossip"],
        "beat": [*celery, "beat", "--loglevel=warning", "--pidfile="],
        "demo VLE": [
            *(sys.executable, "-m", "deploy.demo_vle", "--port", str(demo.vle_port)),
            *("--data", str(demo.data / "vle"), "--tool-url", demo.tool_url, "--public-url", demo.vle_url),
        ],
    }


def run(demo: Demo, announce: Callable[[], None]) -> int:
    """Start everything, announce it once both ports answer, wait for Ctrl-C or for one of them to end, and stop
    everything. Returns an exit code.
    """
    stopping = announced = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, stop)
    # In sessions of their own: Ctrl-C reaches only us, and we stop them in order. What they print for the record
    # would hide what to click; what goes wrong they say on stderr.
    running = {
        name: subprocess.Popen(command, cwd=BASE_DIR, start_new_session=True, stdout=subprocess.DEVNULL)
        for name, command in commands(demo).items()
    }
    ended = None
    try:
        while not stopping and ended is None:
            time.sleep(0.2)
            if not announced and _listens(demo.tool_port) and _listens(demo.vle_port):
                announce()
                announced = True
            ended = next((name for name, process in running.items() if process.poll() is not None), None)
    finally:
        _stop_all(list(running.values()))
    if ended is not None and not stopping:
        print(f"The {ended} ended by itself; everything was stopped. See its message above.", file=sys.stderr)
        return 1
    return 0


def _stop_all(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()  # not its group: a worker ends its own children in order
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
