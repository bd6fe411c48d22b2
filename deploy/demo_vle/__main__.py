"""The command line: read the options, hand them to the settings, serve."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit


def http_url(text: str) -> str:
    """A base address without its trailing slash, so that paths can be appended to it."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as http://127.0.0.1:8000")
    return text.rstrip("/")


def read_arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.demo_vle",
        description="Riverside School VLE, a small LTI 1.3 platform for trying the tool.",
    )
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on (0.0.0.0 in a container)")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="keeps the database and the keys"
    )
    parser.add_argument("--tool-url", type=http_url, default="http://127.0.0.1:8000")
    parser.add_argument(
        "--tool-jwks-url",
        type=http_url,
        help="where this process fetches the tool's keys (default: TOOL_URL/lti/jwks/)",
    )
    parser.add_argument(
        "--public-url",
        type=http_url,
        help="the VLE's own address, which is also its issuer (default: http://localhost:PORT)",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    # Until the server runs there is nothing to close, and raising SystemExit here would be lost
    # whenever the signal lands in a callback of the garbage collector. server.py takes over.
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: os._exit(0))

    arguments = read_arguments(argv)
    public_url = arguments.public_url or f"http://localhost:{arguments.port}"
    os.environ.update(
        # Assigned, not defaulted: a shell that works on the tool exports the tool's settings.
        DJANGO_SETTINGS_MODULE="deploy.demo_vle.settings",
        DEMO_VLE_DATA=str(arguments.data.resolve()),
        DEMO_VLE_PUBLIC_URL=public_url,
        DEMO_VLE_TOOL_URL=arguments.tool_url,
        DEMO_VLE_TOOL_JWKS_URL=arguments.tool_jwks_url or f"{arguments.tool_url}/lti/jwks/",
    )

    # Only now: importing Django's server reads the settings that were just put in place.
    from deploy.demo_vle.server import PortTakenError, serve

    try:
        serve(arguments.bind, arguments.port)
    except PortTakenError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
