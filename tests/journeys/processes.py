"""The tool as real processes, with a database and a broker of their own, and ways to do them harm."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.platforms.fake import FakePlatform

ROOT = Path(__file__).resolve().parents[2]


def until(holds: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {holds}"
        time.sleep(0.05)


class Tool:
    """The tool's processes, from outside."""

    def __init__(
        self, folder: Path, database_url: str, broker_url: str = "filesystem://", queue: str = ""
    ) -> None:
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "deploy.settings",
            "SECRET_KEY": "only-for-journeys-" + "x" * 40,
            "KEY_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "PUBLIC_URL": "https://tool.example",
            "ALLOW_PRIVATE_PLATFORMS": "true",
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "CACHE_URL": f"filecache://{folder}/cache",
            "CELERY_BROKER_URL": broker_url,
            "CELERY_QUEUE": queue or "saferesponse",
            "OUTBOX_LEASE_SECONDS": "3",
            "OUTBOX_SWEEP_SECONDS": "1",
        }
        self.running: list[subprocess.Popen[bytes]] = []
        self.run("manage.py", "migrate", "--verbosity=0")

    def run(self, *command: str, seconds: float = 120) -> str:
        """Run one of our programs to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, *command],
            env=self.env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def inside(self, *act: str) -> str:
        return self.run("-m", "tests.journeys.inside", *act)

    @contextmanager
    def about_to_submit(self, percentage: str, *people: str) -> Iterator[None]:
        """A process that holds a connection to the broker; it submits when the block ends."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.inside", "submit_when_told", percentage, *people],
            env=self.env,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield
        process.communicate(b"go\n", timeout=60)
        assert process.returncode == 0
        self.running.remove(process)

    def states(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.inside("states"))
        return found

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start `celery …` in a process group of its own, its log in the folder."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "deploy.celery", *command, "--loglevel=INFO"],
                env=self.env,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def worker(self, pool: str = "prefork") -> subprocess.Popen[bytes]:
        return self.start("worker", f"--pool={pool}", "--concurrency=1")

    def beat(self) -> subprocess.Popen[bytes]:
        return self.start("beat")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL the whole group: nobody gets to tidy up."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.running.remove(process)

    def stop(self) -> None:
        for process in list(self.running):
            self.kill(process)

    @property
    def log(self) -> Path:
        return self.folder / "celery.log"

    def complaints(self) -> list[str]:
        """Lines of the log that an operator would worry about."""
        marks = ("ERROR", "CRITICAL", "Traceback", "Error:")
        return [line for line in self.log.read_text().splitlines() if any(mark in line for mark in marks)]


@contextmanager
def slow_gradebook() -> Iterator[FakePlatform]:
    """A platform that takes its time, as VLEs do: a kill meets a worker at work."""
    with FakePlatform() as platform:
        platform.after_score = lambda score: time.sleep(0.005)
        yield platform


def enrol(tool: Tool, gradebook: FakePlatform, people: int) -> None:
    keys = json.loads(tool.inside("prepare", gradebook.url, str(people)))
    gradebook.tool_keys = lambda: keys


def standing(gradebook: FakePlatform) -> dict[str, int]:
    """What the gradebook holds, by person."""
    with gradebook.lock:
        return {user: taken[-1]["scoreGiven"] for user, taken in gradebook.columns["1"].scores.items()}


def histories(gradebook: FakePlatform) -> list[list[int]]:
    """Every figure that the gradebook took for each person, oldest first."""
    with gradebook.lock:
        return [[score["scoreGiven"] for score in taken] for taken in gradebook.columns["1"].scores.values()]


def people(*numbers: int) -> list[str]:
    return [str(number) for number in numbers]


@contextmanager
def own_database(folder: Path) -> Iterator[str]:
    """The URL of an empty database: on the server that the run tests on, else an SQLite file."""
    server = os.environ.get("TEST_DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield f"sqlite:///{folder}/journey.sqlite3"
        return
    name = f"journey_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Wire:
    """A TCP proxy in front of a server, that can be cut and mended, or go mute."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.flows = threading.Event()
        self.flows.set()
        self.ends: list[socket.socket] = []
        self.listener = self._listen(0)
        self.port: int = self.listener.getsockname()[1]

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self.server)
                self.ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.flows.wait()
                sink.sendall(data)
        for end in (source, sink):
            _close(end)

    def cut(self) -> None:
        """Everything that is connected is cut off, and nobody gets through any more."""
        _close(self.listener)
        for end in self.ends:
            _close(end)
        self.ends.clear()

    def mend(self) -> None:
        self.listener = self._listen(self.port)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        # A thread that waits in accept or recv is woken by this, and not by close alone.
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def nothing_is_lost_by_a_kill(tool: Tool, gradebook: FakePlatform, count: int = 200) -> None:
    """Kill the worker in the middle of `count` scores, change a quarter of them, and start another worker: the
    gradebook ends with everybody's last result, and nobody's goes back on the way.
    """
    enrol(tool, gradebook, count)
    tool.inside("submit", "50", *people(*range(count)))

    worker = tool.worker("prefork")
    # In the middle of a batch.
    until(lambda: len(standing(gradebook)) >= count // 2 + 5)
    tool.kill(worker)
    assert len(standing(gradebook)) < count
    assert tool.states()["sending"] > 0

    # Some pass at last meanwhile: their first result has arrived, was in the dead worker's hands, or waits.
    improved = range(0, count, 4)
    tool.inside("submit", "85", *people(*improved))
    tool.worker("prefork")
    tool.beat()

    expected = {f"user-{number}": 85 if number in improved else 50 for number in range(count)}
    until(lambda: standing(gradebook) == expected)
    assert [taken for taken in histories(gradebook) if taken != sorted(taken)] == []
    until(lambda: not {"waiting", "sending"} & tool.states().keys())
    assert tool.states().keys() <= {"delivered", "superseded"}
    assert tool.complaints() == []
