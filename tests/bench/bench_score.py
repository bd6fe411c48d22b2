"""What bringing a score home costs, many in one wake-up and alone.

    python -m tests.bench.bench_score [--database postgres://…] [--scores 200] [--runs 5]

Prints CPU-ms (user+sys) of the worker's process per score and the requests made for each, beside a floor measured
in the same run: one bare POST on a kept connection and one row updated. The aim is at most 2 CPU-ms when one
wake-up drains many, with 1.0 request a score.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

from tests.bench.measure import ROOT, Figure, tool_environment
from tests.platforms.fake import FakePlatform

WORKER = "tests.bench.score_worker"


def bench(database: str, scores: int, runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder, FakePlatform() as platform:
        environment = {
            **os.environ,
            **tool_environment(folder, database),
            "DJANGO_SETTINGS_MODULE": "deploy.settings",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        with subprocess.Popen(
            [sys.executable, "-m", WORKER, platform.url],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as worker:
            assert worker.stdin
            assert worker.stdout

            def ask(what: str, count: int) -> dict[str, object]:
                print(what, count, file=worker.stdin, flush=True)
                answer: dict[str, object] = json.loads(worker.stdout.readline())
                return answer

            keys = ask("keys", 0)["keys"]
            platform.tool_keys = lambda: keys  # type: ignore[assignment,return-value]
            ask("drain", 20)
            kind = "PostgreSQL" if database.startswith("postgres") else "SQLite"
            print(f"{kind}, one worker process, {runs} runs of {scores} scores")
            floor = figure("floor: one POST, one row updated", ask, "floor", scores, runs)
            print(floor.line())
            for name, what, count in (
                ("score, one wake-up drains all", "drain", scores),
                ("score, a wake-up each", "lone", min(scores, 50)),
            ):
                before = platform.count("POST", "/")
                measured = figure(name, ask, what, count, runs)
                requests = (platform.count("POST", "/") - before) / (count * runs)
                print(f"{measured.line(floor)}  {requests:.2f} requests each")
            worker.stdin.close()


def figure(name: str, ask: object, what: str, count: int, runs: int) -> Figure:
    return Figure(name, tuple(float(ask(what, count)["cpu"]) * 1000 / count for _ in range(runs)))  # type: ignore[operator]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="")
    parser.add_argument("--scores", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    bench(arguments.database, arguments.scores, arguments.runs)
