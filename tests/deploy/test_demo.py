"""`manage.py demo` as a person runs it: it starts, it stops, it keeps, and it says when it cannot."""

import json
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.bench.measure import ROOT, free_port
from tests.journeys.demo import command, environment, running_demo

pytestmark = pytest.mark.slow


def test_it_starts_keeps_and_stops(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_demo(data) as demo:
        with urlopen(f"{demo.tool}/readyz") as answer:
            assert json.load(answer) == {
                "ready": True,
                "database": True,
                "cache": True,
                "keys": True,
                "packs": True,
                "broker": True,
            }
        with urlopen(f"{demo.tool}/lti/jwks/") as answer:
            keys = json.load(answer)
        assert f"\n      {demo.vle}\n" in demo.says()
        assert demo.stop(signal.SIGINT) == 0
    assert "Traceback" not in demo.says()
    with running_demo(data) as again, urlopen(f"{again.tool}/lti/jwks/") as answer:
        assert json.load(answer) == keys


@pytest.mark.parametrize("taken", ["tool", "vle"])
def test_a_taken_port_gets_a_clear_error(tmp_path: Path, taken: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as somebody_else:
        port = somebody_else.getsockname()[1]
        ports = (port, free_port()) if taken == "tool" else (free_port(), port)
        tried = subprocess.run(
            command(tmp_path / "data", *ports),
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
    option = "--port" if taken == "tool" else "--vle-port"
    assert tried.returncode == 1
    assert tried.stderr.strip().endswith(
        f"Port {port} is taken by another program. Stop that one, or choose another port: "
        f'make demo DEMO="{option} {port % 60000 + 1000}"'
    )
