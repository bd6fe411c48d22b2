"""What is lost when a VLE goes wrong: every fifth of its answers is a fault, of one kind after the other.

    python -m tests.bench.bench_faults [--database postgres://…] [--launches 50] [--scores 60]

People launch at the tool's own server while the platform changes its key for every fifth of them; results are
submitted and improved while two worker processes bring the scores home. The outbox's waiting is passed over, and
counted. Exits with 1 when a launch failed, a score was lost or went back, or a second column was made.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from tests.bench.bench_launch import HEADERS, Launcher, tool
from tests.bench.measure import ROOT, tool_environment
from tests.platforms.fake import FakePlatform, Fault, PlatformKey

WORKERS = 2
# So many launches share a platform's key, and so many requests a fault.
EVERY = 5
MOST_ROUNDS = 200
FIRST, IMPROVED = 50, 85
PATHS = ("/jwks", "/token", "/lineitems")


def revoke(platform: FakePlatform) -> None:
    platform.tokens.clear()


Trouble = Fault | Callable[[FakePlatform], None]
KINDS: dict[str, Trouble | None] = {
    "500": Fault(500, b"<h1>Internal Server Error</h1>"),
    "429": Fault(429, headers={"Retry-After": "1"}),
    "reset": Fault(reset=True),
    "answer lost after the work": Fault(reset=True, after=True),
    "a web page with 200": Fault(200, b"<!DOCTYPE html><p>Please log in"),
    "tokens revoked": revoke,
    "keys rotated": None,
}
EVERYTHING = "all of them"


class OneInFive(deque[Fault]):
    """An endless line of answers, one fault at a chance place in each five."""

    def __init__(self, platform: FakePlatform, troubles: list[Trouble], chance: random.Random) -> None:
        super().__init__()
        self.platform, self.troubles, self.chance = platform, troubles, chance
        self.five: list[bool] = []

    def __bool__(self) -> bool:
        return True

    def popleft(self) -> Fault | None:  # type: ignore[override]
        if not self.five:
            self.five = [True] + [False] * (EVERY - 1)
            self.chance.shuffle(self.five)
        if not self.five.pop():
            return None
        trouble = self.chance.choice(self.troubles)
        if isinstance(trouble, Fault):
            return trouble
        trouble(self.platform)
        return None


class Worker:
    """A process of the tool's, and what it answers."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def ask(self, act: str, *arguments: object) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps([act, *map(str, arguments)]), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def worker(environment: dict[str, str], url: str) -> Iterator[Worker]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.fault_worker", url],
        cwd=ROOT,
        env={**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "deploy.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Worker(process)
        assert process.stdin
        process.stdin.close()


@dataclass(frozen=True)
class Outcome:
    launches_failed: int
    scores_lost: int
    went_back: int
    columns: int
    tries: float
    most_tries: int
    waited: int
    seconds: float
    summary: dict[str, Any]

    @property
    def is_good(self) -> bool:
        return (self.launches_failed, self.scores_lost, self.went_back, self.columns) == (0, 0, 0, 1)


class Bench:
    """The tool's processes, and the platform that goes wrong."""

    def __init__(self, platform: FakePlatform, port: int, workers: list[Worker], seed: int) -> None:
        self.platform, self.port, self.workers = platform, port, workers
        self.chance = random.Random(seed)
        self.pool = ThreadPoolExecutor(len(workers))
        platform.tool_keys = self._tool_keys  # type: ignore[method-assign]

    def _tool_keys(self) -> list[dict[str, Any]]:
        """The tool's key set as its server publishes it now."""
        with urlopen(
            Request(f"http://127.0.0.1:{self.port}/lti/jwks/", headers=HEADERS), timeout=10
        ) as answer:
            found: list[dict[str, Any]] = json.load(answer)["keys"]
            return found

    def run(self, kind: str, launches: int, scores: int) -> Outcome:
        begun = time.monotonic()
        name = "".join(filter(str.isalnum, kind))
        self.workers[0].ask("prepare", name, scores)
        self.platform.columns.clear()
        chosen = list(KINDS.values()) if kind == EVERYTHING else [KINDS[kind]]
        if troubles := [trouble for trouble in chosen if trouble]:
            self.platform.faults = {path: OneInFive(self.platform, troubles, self.chance) for path in PATHS}  # type: ignore[assignment]
        failed = self._launch(name, launches)
        self._bring_home(name, scores, rotating=kind in {"keys rotated", EVERYTHING})
        self.platform.faults = {}
        return self._outcome(name, scores, failed, time.monotonic() - begun)

    def _launch(self, name: str, launches: int) -> int:
        launcher = Launcher(self.platform, self.port)
        for first in range(0, launches, EVERY):
            self.platform.keys = [PlatformKey(first // EVERY % 3)]
            # Two rotations within seconds are no VLE's: as much time passes as the tool wants between two looks.
            self.workers[0].ask("look_again")
            launcher.many(
                min(EVERY, launches - first), lambda number, first=first: f"{name}-{first + number}"
            )
        return launcher.failed

    def _bring_home(self, name: str, scores: int, *, rotating: bool) -> None:
        self.workers[0].ask("submit", name, FIRST, *range(scores))
        for number in range(MOST_ROUNDS):
            list(self.pool.map(lambda worker: worker.ask("drain"), self.workers))
            if number == 1:
                self.workers[0].ask("submit", name, IMPROVED, *range(0, scores, 4))
            if rotating and number < 3:
                self.workers[number % WORKERS].ask("rotate")
            if not self.workers[0].ask("pass_time")["left"]:
                break

    def _outcome(self, name: str, scores: int, failed: int, seconds: float) -> Outcome:
        expected = {f"{name}-{n}": IMPROVED if n % 4 == 0 else FIRST for n in range(scores)}
        taken = [
            (user, [score["scoreGiven"] for score in history])
            for column in self.platform.columns.values()
            for user, history in column.scores.items()
        ]
        standing = {user: history[-1] for user, history in taken}
        summary = self.workers[0].ask("summary", name)
        return Outcome(
            launches_failed=failed,
            scores_lost=sum(standing.get(user) != figure for user, figure in expected.items()),
            went_back=sum(history != sorted(history) for _, history in taken),
            columns=len(self.platform.columns),
            tries=summary["tries"],
            most_tries=summary["most"],
            waited=summary["waited"],
            seconds=seconds,
            summary=summary,
        )


def bench(database: str, launches: int, scores: int, seed: int) -> bool:
    """Prints a line for each kind of fault. Whether nothing was lost."""
    kind_of = "PostgreSQL" if database.startswith("postgres") else "SQLite"
    print(f"{kind_of}, {WORKERS} worker processes, one fault in {EVERY} requests, seed {seed}")
    print(f"  {launches} launches and {scores} results (a quarter improved since) for each kind of fault")
    print(f"  {'fault':<28}{'launches failed':>16}{'scores lost':>13}{'tries each':>12}{'most':>6}"
          f"{'longest wait':>14}{'seconds':>9}")  # fmt: skip
    is_good = True
    with tempfile.TemporaryDirectory() as folder, FakePlatform() as platform, ExitStack() as stack:
        environment = tool_environment(folder, database)
        port, _ = stack.enter_context(tool(environment, platform))
        workers = [stack.enter_context(worker(environment, platform.url)) for _ in range(WORKERS)]
        running = Bench(platform, port, workers, seed)
        for kind in (*KINDS, EVERYTHING):
            outcome = running.run(kind, launches, scores)
            print(
                f"  {kind:<28}{outcome.launches_failed:>16}{outcome.scores_lost:>13}{outcome.tries:>12.2f}"
                f"{outcome.most_tries:>6}{outcome.waited / 60:>10.1f} min{outcome.seconds:>9.1f}"
            )
            if not outcome.is_good:
                is_good = False
                print(f"    columns {outcome.columns}, went back {outcome.went_back}, {outcome.summary}")
    return is_good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", default="")
    parser.add_argument("--launches", type=int, default=50)
    parser.add_argument("--scores", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    if not bench(arguments.database, arguments.launches, arguments.scores, arguments.seed):
        raise SystemExit("something was lost")
