"""Exits 0 when the web server in this container answers /healthz. Run by Docker's HEALTHCHECK.

It speaks to the loopback address but by the public host's name: Django refuses any other.
"""

import os
import sys
import urllib.request
from urllib.error import URLError
from urllib.parse import urlsplit


def answers() -> bool:
    port = os.environ.get("BIND", "127.0.0.1:8000").rpartition(":")[2]
    allowed = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    host = allowed.replace("*", "") or urlsplit(os.environ.get("PUBLIC_URL", "")).hostname or "localhost"
    request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=4) as response:  # noqa: S310 (our own address)
            return bool(response.status == 200)
    except (URLError, TimeoutError):
        return False


if __name__ == "__main__":
    sys.exit(0 if answers() else 1)
