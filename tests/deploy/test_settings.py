"""What is missing or wrong in the environment stops the start with a hint."""

import os
import subprocess
import sys

import pytest

from tests.bench.measure import ROOT

GOOD = {
    "SECRET_KEY": "x" * 50,
    "KEY_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "PUBLIC_URL": "https://tool.example",
}


@pytest.mark.parametrize(
    ("changed", "hint"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set. Make one with:"),
        ({"KEY_ENCRYPTION_KEYS": ""}, "KEY_ENCRYPTION_KEYS is not set. Make a key with:"),
        ({"KEY_ENCRYPTION_KEYS": "secret"}, "KEY_ENCRYPTION_KEYS is not right. Make a key with:"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL is not set."),
        ({"PUBLIC_URL": "tool.example"}, "PUBLIC_URL is 'tool.example'; it must be the tool's address"),
        ({"PUBLIC_URL": "https://tool.example/lti"}, "PUBLIC_URL is 'https://tool.example/lti'"),
    ],
)
def test_a_wrong_environment_stops_with_a_hint(changed: dict[str, str], hint: str, tmp_path: object) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "deploy.settings",
        "DATA_DIR": str(tmp_path),
        "ENV_FILE": "",
        **GOOD,
        **changed,
    }
    tried = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert tried.returncode == 1
    assert hint in tried.stderr.splitlines()[-1]


def test_every_variable_is_in_the_example() -> None:
    import re

    source = (ROOT / "deploy" / "settings.py").read_text() + (ROOT / "deploy" / "gunicorn.py").read_text()
    used = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
    used |= set(re.findall(r'(?:secret|environ\.get)\(\s*"([A-Z_]+)"', source))
    example = (ROOT / ".env.example").read_text()
    assert {name for name in used if f"{name}=" not in example} == set()
