"""The demo as somebody runs it: `manage.py demo`, on ports and in a folder of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.bench.measure import ROOT, free_port

START_SECONDS, STOP_SECONDS = 90, 30


@dataclass(frozen=True)
class RunningDemo:
    """Where it answers, and what it printed so far."""

    tool: str
    vle: str
    process: subprocess.Popen[bytes]
    log: Path

    def says(self) -> str:
        return self.log.read_text()

    def stop(self, with_signal: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C, as a person stops it. Returns the exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(STOP_SECONDS)


def command(data: Path, tool_port: int, vle_port: int) -> list[str]:
    ports = ["--port", str(tool_port), "--vle-port", str(vle_port)]
    return [sys.executable, "manage.py", "demo", *ports, "--data", str(data)]


def environment() -> dict[str, str]:
    """This process's, without what the test settings put there: the demo sets its own."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ}


@contextmanager
def running_demo(data: Path, **settings: str) -> Iterator[RunningDemo]:
    """`settings` are environment variables that the demo leaves to us."""
    tool_port, vle_port = free_port(), free_port()
    log = data.parent / "demo.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command(data, tool_port, vle_port),
            cwd=ROOT,
            env={**environment(), **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    demo = RunningDemo(f"http://127.0.0.1:{tool_port}", f"http://localhost:{vle_port}", process, log)
    try:
        for url in (f"{demo.tool}/readyz", demo.vle):
            _wait_for(url, demo)
        yield demo
    finally:
        if process.poll() is None:
            demo.stop()


def _wait_for(url: str, demo: RunningDemo) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if demo.process.poll() is not None:
            break
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"the demo does not answer at {url}; it printed:\n{demo.says()}")
