"""Every request that we make to a VLE: bounded in time, size and reach.

No library default protects a server that fetches what others name: `requests` waits for ever, follows
redirects, and unpacks a gzip bomb. So there is one session, and it does none of that.
"""

import ipaddress
import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter

CONNECT_SECONDS = 4
READ_SECONDS = 10
TOTAL_SECONDS = 20
MAX_BYTES = 1024 * 1024


class PlatformUnreachable(requests.RequestException):
    """The VLE could not be asked, or did not answer in the time and size that we allow."""


class PlatformSession(requests.Session):
    """A requests session with limits. Safe to share within a thread; see `session()`."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = settings.USER_AGENT  # Canvas refuses requests without one
        self.trust_env = False  # no proxy, no .netrc: who is asked is ours to decide
        self.max_redirects = 0
        adapter = HTTPAdapter(pool_connections=20, pool_maxsize=4, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, and read the whole answer within the limits. Redirects are returned, not followed.

        Raises PlatformUnreachable when the address is not allowed, the time is up or the answer too large.
        """
        address = url.decode() if isinstance(url, bytes) else url
        check_address(address)
        kwargs.update(timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True)
        deadline = time.monotonic() + TOTAL_SECONDS
        try:
            response = super().request(method, address, *args, **kwargs)
            # What `.content` would do without a bound: read, unpacked, until it ends or a limit is met.
            body = bytearray()
            for chunk in response.iter_content(64 * 1024):
                body += chunk
                if len(body) > MAX_BYTES or time.monotonic() > deadline:
                    response.close()
                    raise PlatformUnreachable("the answer is too large or too slow")
            response._content = bytes(body)
            return response
        except PlatformUnreachable:
            raise
        except requests.RequestException as error:
            # The library's message may quote the URL with its query: keep the kind only.
            raise PlatformUnreachable(type(error).__name__) from None


def check_address(url: str) -> None:
    """Refuse an address that no VLE of ours should have: not https, or on a private network.

    With ALLOW_PRIVATE_PLATFORMS (on-premises VLEs, the demo) both are let through. Raises PlatformUnreachable.
    """
    if settings.ALLOW_PRIVATE_PLATFORMS:
        return
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise PlatformUnreachable("the address is not https")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        raise PlatformUnreachable("the name cannot be resolved") from None
    if any(not ipaddress.ip_address(entry[4][0]).is_global for entry in found):
        raise PlatformUnreachable("the address is on a private network")


_local = threading.local()


def session() -> PlatformSession:
    """This thread's session: connections are kept alive, and no two threads share one."""
    if not hasattr(_local, "session"):
        _local.session = PlatformSession()
    kept: PlatformSession = _local.session
    return kept
