"""What the benches share: servers started as in production, and CPU counted over whole process trees."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PUBLIC_URL = "https://tool.example"
TICKS = os.sysconf("SC_CLK_TCK")


def tool_environment(folder: str, database: str) -> dict[str, str]:
    """The tool as deployed behind a proxy, keeping everything in `folder`, or its rows in `database`."""
    return {
        "SECRET_KEY": "bench" * 12,
        "KEY_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "PUBLIC_URL": PUBLIC_URL,
        "TRUSTED_PROXY": "true",
        "ALLOW_PRIVATE_PLATFORMS": "true",
        "DATA_DIR": folder,
        "STATIC_ROOT": f"{folder}/static",
        "DATABASE_URL": database or f"sqlite:///{folder}/bench.sqlite3",
        "DEBUG": "false",
        "ENV_FILE": "",
        "LOG_LEVEL": "ERROR",
    }


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stat(pid: str) -> tuple[int, str, int] | None:
    """Parent, name and CPU ticks (own and of reaped children) of a process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    return int(fields[1]), name, sum(map(int, fields[11:15]))


def cpu_seconds(pids: Sequence[int], also_named: str = "") -> float:
    """user+sys of these processes with all their descendants, and of those named `also_named`."""
    table = {int(pid): stat for pid in os.listdir("/proc") if pid.isdigit() and (stat := _stat(pid))}
    counted = set(pids)
    grown = True
    while grown:
        more = {pid for pid, (parent, _, _) in table.items() if parent in counted} - counted
        counted |= more
        grown = bool(more)
    if also_named:
        counted |= {pid for pid, (_, name, _) in table.items() if name.startswith(also_named)}
    return sum(table[pid][2] for pid in counted if pid in table) / TICKS


@contextmanager
def server(application: str, environment: Mapping[str, str], port: int) -> Iterator[int]:
    """gunicorn with the configuration of production, one worker. Yields its process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.py", application],
        cwd=ROOT,
        env={**os.environ, **environment, "BIND": f"127.0.0.1:{port}", "WEB_CONCURRENCY": "1"},
        start_new_session=True,
    )
    try:
        wait_for(port, process)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the server did not start")
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server does not listen")


@dataclass(frozen=True)
class Figure:
    """CPU-ms per operation over several runs."""

    name: str
    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    def line(self, floor: "Figure | None" = None) -> str:
        spread = f"[{min(self.runs):.2f}-{max(self.runs):.2f}]"
        ratio = f"  {self.median / floor.median:.2f} x floor" if floor else ""
        return f"  {self.name:<46} {self.median:6.2f} CPU-ms {spread:<15}{ratio}"


def repeat(name: str, runs: int, count: int, work: Callable[[], None], cpu: Callable[[], float]) -> Figure:
    """Run `work` (which does `count` operations) several times, counting the server's CPU around it."""
    figures = []
    for _ in range(runs):
        before = cpu()
        work()
        figures.append((cpu() - before) * 1000 / count)
    return Figure(name, tuple(figures))
