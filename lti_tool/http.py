"""Every request that we make to a VLE: bounded in time, size and reach.

No library default protects a server that fetches what others name: `requests` waits for ever, follows
redirects, and unpacks a gzip bomb. So there is one session, and it does none of that.
"""

import ipaddress
import socket
import threading
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

CONNECT_SECONDS = 4
READ_SECONDS = 10
TOTAL_SECONDS = 20
MAX_BYTES = 1024 * 1024


class PlatformUnreachable(requests.RequestException):
    """The VLE could not be asked, or did not answer in the time and size that we allow."""


class AnswerTooLarge(PlatformUnreachable):
    """The VLE answered with more than we read."""


class PlatformSession(requests.Session):
    """A requests session with limits. Safe to share within a thread; see `session()`."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = settings.USER_AGENT  # Canvas refuses requests without one
        self.trust_env = False  # no proxy, no .netrc: who is asked is ours to decide
        # Two schools may share a VLE's host: nothing of the one's answer goes with the other's request.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(pool_connections=20, pool_maxsize=4, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request(
        self, method: str | bytes, url: str | bytes, *args: Any, max_bytes: int = MAX_BYTES, **kwargs: Any
    ) -> requests.Response:
        """Send, and read the whole answer within the limits. Redirects are returned, not followed.

        Raises PlatformUnreachable when the address is not allowed or the time is up, AnswerTooLarge.
        """
        address = url.decode() if isinstance(url, bytes) else url
        check_address(address)
        kwargs.update(timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True)
        try:
            with _Exchange():
                response = super().request(method, address, *args, **kwargs)
                # What `.content` would do without a bound: read, unpacked, until it ends or is too much.
                body = bytearray()
                for chunk in response.iter_content(64 * 1024):
                    body += chunk
                    if len(body) > max_bytes:
                        response.close()
                        raise AnswerTooLarge("the answer is too large")
            response._content = bytes(body)
            return response
        except PlatformUnreachable:
            raise
        except _PrivateAddress:
            raise PlatformUnreachable("the address is on a private network") from None
        except (requests.RequestException, HTTPError, ValueError) as error:
            # The library's message may quote the URL with its query: keep the kind only.
            raise PlatformUnreachable(type(error).__name__) from None

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: to say where a redirect leads `requests` first reads all of its body, however long."""
        return None


class _Exchange:
    """One request and its answer, cut off when their time is up.

    The sockets' own time-outs begin anew with every byte: an answer that drips would never meet one.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._is_over = False
        self._alarm = threading.Timer(TOTAL_SECONDS, self._cut_off)
        self._alarm.daemon = True

    def __enter__(self) -> None:
        _local.exchange = self
        self._alarm.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alarm.cancel()
        if self._is_over:
            # An answer without a length looks complete when it is cut off.
            raise PlatformUnreachable("the answer is too slow") from None

    def watch(self, connected: socket.socket) -> None:
        self._socket = connected
        if self._is_over:
            self._cut_off()

    def _cut_off(self) -> None:
        self._is_over = True
        if self._socket is not None:
            # The plain shutdown: TLS's own would take the reading thread's state away under it.
            with suppress(OSError):  # the other side was first
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _PrivateAddress(Exception):
    """No OSError, which urllib3 would take for a fault of the network."""


class _Guarded:
    """What every connection of ours does besides: look whom it reached, and show its socket to the exchange."""

    sock: socket.socket

    def _new_conn(self) -> socket.socket:
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]
        # The name may have resolved to another address than the one that was checked (DNS rebinding).
        if not settings.ALLOW_PRIVATE_PLATFORMS and not _is_public(connected.getpeername()[0]):
            connected.close()
            raise _PrivateAddress
        return connected

    def getresponse(self) -> Any:
        _local.exchange.watch(self.sock)
        return super().getresponse()  # type: ignore[misc]


class _Http(_Guarded, HTTPConnection):
    pass


class _Https(_Guarded, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def check_address(url: str) -> None:
    """Refuse an address that no VLE of ours should have: not https, or on a private network.

    With ALLOW_PRIVATE_PLATFORMS (on-premises VLEs, the demo) both are let through. Raises PlatformUnreachable.
    """
    if settings.ALLOW_PRIVATE_PLATFORMS:
        return
    try:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise PlatformUnreachable("the address is not https")
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except PlatformUnreachable:
        raise
    except (OSError, ValueError):
        raise PlatformUnreachable("the name cannot be resolved") from None
    if not all(_is_public(str(entry[4][0])) for entry in found):
        raise PlatformUnreachable("the address is on a private network")


def _is_public(address: str) -> bool:
    return ipaddress.ip_address(address).is_global


_local = threading.local()


def session() -> PlatformSession:
    """This thread's session: connections are kept alive, and no two threads share one."""
    if not hasattr(_local, "session"):
        _local.session = PlatformSession()
    kept: PlatformSession = _local.session
    return kept
