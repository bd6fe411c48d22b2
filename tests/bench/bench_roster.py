"""What reading a roster costs: all of it new, nothing new, and one in a hundred changed.

    python -m tests.bench.bench_roster [--database postgres://…] [--members 10000 100000] [--runs 3]

A process of its own serves the pages (500 members on each, made beforehand). Prints seconds, SQL statements and by
how much the worker grew at its largest, beside a bare bulk upsert of the same rows in the same run: into the same
three tables, from memory. The aim is at most 3 times that.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from tests.bench.measure import ROOT, free_port, tool_environment, wait_for

AIM = 3
NAMES = {
    "floor, first": "floor: bare bulk upsert, all of it new",
    "first": "roster, all of it new",
    "floor, again": "floor: bare bulk upsert, once more",
    "unchanged": "roster, nothing new",
    "changed": "roster, 1 % changed",
}


@contextmanager
def roster_server(sizes: list[int]) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.roster_server", str(port), *map(str, sizes)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def bench(database: str, sizes: list[int], runs: int) -> None:
    kind = "PostgreSQL" if database.startswith("postgres") else "SQLite"
    with tempfile.TemporaryDirectory() as folder, roster_server(sizes) as url:
        environment = {
            **os.environ,
            **tool_environment(folder, database),
            "DJANGO_SETTINGS_MODULE": "deploy.settings",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        for members in sizes:
            costs = [measure(environment, url, members) for _ in range(runs)]
            print(f"{kind}, {members:,} members, {runs} runs")
            for name, words in NAMES.items():
                print(line(words, name, costs))


def measure(environment: dict[str, str], url: str, members: int) -> dict[str, dict[str, float]]:
    """One run in a fresh worker process."""
    command = [sys.executable, "-m", "tests.bench.roster_worker", url]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, input=f"{members}\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    costs: dict[str, dict[str, float]] = json.loads(done.stdout)
    return costs


def line(words: str, name: str, costs: list[dict[str, dict[str, float]]]) -> str:
    seconds = [cost[name]["seconds"] for cost in costs]
    floor = "floor, first" if name == "first" else "floor, again"
    ratio = median(cost[name]["seconds"] / cost[floor]["seconds"] for cost in costs)
    beside = "" if name.startswith("floor") else f"  {ratio:.2f} x floor (aim {AIM})"
    spread = f"[{min(seconds):.2f}-{max(seconds):.2f}]"
    statements = max(cost[name]["statements"] for cost in costs)
    grown = max(cost[name]["megabytes"] for cost in costs)
    took = f"{median(seconds):6.2f} s {spread:<15} {statements:6.0f} statements {grown:5.0f} MB"
    return f"  {words:<40} {took}{beside}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", default="")
    parser.add_argument("--members", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    bench(arguments.database, arguments.members, arguments.runs)
