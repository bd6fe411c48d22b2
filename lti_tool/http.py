"""Every request that we make to a VLE: bounded in time, size and reach.

No library default protects a server that fetches what others name: `requests` waits for ever, follows
redirects, and unpacks a gzip bomb. So there is one session, and it does none of that.
"""

import ipaddress
import socket
import threading
from contextlib import suppress
from enum import StrEnum
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

CONNECT_SECONDS = 4
READ_SECONDS = 10
TOTAL_SECONDS = 20
# Of a name that has more: each may keep us for CONNECT_SECONDS.
MOST_ADDRESSES = 3
# Of a service: a token and the answer, and both once more after a 401.
SLOWEST_CALL_SECONDS = 4 * TOTAL_SECONDS
MAX_BYTES = 1024 * 1024


class Unreachable(StrEnum):
    """Why a VLE could not be asked, or not heard to the end."""

    NOT_HTTPS = "not_https"
    NOT_RESOLVED = "not_resolved"
    PRIVATE = "private"
    NOTHING_THERE = "nothing_there"
    BAD_CERTIFICATE = "bad_certificate"
    LATE = "late"
    TOO_SLOW = "too_slow"
    TOO_LARGE = "too_large"
    BROKEN_OFF = "broken_off"


class PlatformUnreachable(requests.RequestException):
    """The VLE could not be asked, or did not answer in the time and size that we allow.

    The message is for the log; the words for `why` are the self-test's.
    """

    def __init__(self, message: str, why: Unreachable) -> None:
        super().__init__(message)
        self.why = why


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
                        raise AnswerTooLarge("the answer is too large", Unreachable.TOO_LARGE)
            response._content = bytes(body)
            return response
        except PlatformUnreachable:
            raise
        except _PrivateAddress:
            raise PlatformUnreachable("the address is on a private network", Unreachable.PRIVATE) from None
        except (requests.RequestException, HTTPError, ValueError) as error:
            # The library's message may quote the URL with its query: keep the kind only.
            raise PlatformUnreachable(type(error).__name__, _why(error)) from None

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: to say where a redirect leads `requests` first reads all of its body, however long."""
        return None


class _Exchange:
    """One request and its answer, cut off when their time is up.

    The sockets' own time-outs begin anew with every byte: an answer that drips would never meet one. Looking a name
    up cannot be cut off: the resolver's own time-out bounds it.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self.is_over = False
        self._alarm = threading.Timer(TOTAL_SECONDS, self._cut_off)
        self._alarm.daemon = True

    def __enter__(self) -> None:
        _local.exchange = self
        self._alarm.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alarm.cancel()
        if self.is_over:
            # An answer without a length looks complete when it is cut off.
            raise PlatformUnreachable("the answer is too slow", Unreachable.TOO_SLOW) from None

    def watch(self, connected: socket.socket) -> None:
        self._socket = connected
        if self.is_over:
            self._cut_off()

    def _cut_off(self) -> None:
        self.is_over = True
        if self._socket is not None:
            # The plain shutdown: TLS's own would take the reading thread's state away under it.
            with suppress(OSError):  # the other side was first
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


# IPv4-compatible (RFC 4291 §2.5.5.1) and NAT64, the latter also with a network's own prefix (RFC 6052, 8215).
_ENDS_IN_IPV4 = [ipaddress.IPv6Network("::/96"), ipaddress.IPv6Network("64:ff9b::/96")]
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")


class _PrivateAddress(Exception):
    """No OSError, which urllib3 would take for a fault of the network."""


class _Guarded:
    """What every connection of ours does its own way: choose whom to reach, and show its socket to the exchange."""

    sock: socket.socket
    host: str
    port: int
    socket_options: list[tuple[int, int, int | bytes]] | None

    def _new_conn(self) -> socket.socket:
        """A connection to one of the name's first addresses: urllib3 would try all, however long that takes."""
        try:
            found = socket.getaddrinfo(self.host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, "the name cannot be resolved") from error  # type: ignore[arg-type]
        failure: OSError = TimeoutError()
        for family, kind, protocol, _, address in found[:MOST_ADDRESSES]:
            if _local.exchange.is_over:
                break
            # The name may have resolved to another address than the one that was checked (DNS rebinding).
            if not settings.ALLOW_PRIVATE_PLATFORMS and not _is_public(str(address[0])):
                raise _PrivateAddress
            try:
                return self._connected(socket.socket(family, kind, protocol), address)
            except OSError as error:
                failure = error
        mistake = ConnectTimeoutError if isinstance(failure, TimeoutError) else NewConnectionError
        raise mistake(self, "no address answers") from failure  # type: ignore[arg-type]

    def _connected(self, chosen: socket.socket, address: Any) -> socket.socket:
        try:
            for option in self.socket_options or ():
                chosen.setsockopt(*option)
            chosen.settimeout(CONNECT_SECONDS)
            chosen.connect(address)
        except OSError:
            chosen.close()
            raise
        return chosen

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
            raise PlatformUnreachable("the address is not https", Unreachable.NOT_HTTPS)
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except PlatformUnreachable:
        raise
    except (OSError, ValueError):
        raise PlatformUnreachable("the name cannot be resolved", Unreachable.NOT_RESOLVED) from None
    if not all(_is_public(str(entry[4][0])) for entry in found):
        raise PlatformUnreachable("the address is on a private network", Unreachable.PRIVATE)


def _why(error: Exception) -> Unreachable:
    match error:
        case requests.exceptions.SSLError():
            return Unreachable.BAD_CERTIFICATE
        case requests.ReadTimeout():
            return Unreachable.LATE
        case requests.ConnectionError():
            return Unreachable.NOTHING_THERE
    return Unreachable.BROKEN_OFF


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.is_site_local or ip in _LOCAL_NAT64:
            return False
        ip = _ipv4_within(ip) or ip
    return ip.is_global and not ip.is_multicast


def _ipv4_within(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Where an IPv6 address leads that only wraps an IPv4 one."""
    if any(ip in network for network in _ENDS_IN_IPV4):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


_local = threading.local()


def session() -> PlatformSession:
    """This thread's session: connections are kept alive, and no two threads share one."""
    if not hasattr(_local, "session"):
        _local.session = PlatformSession()
    kept: PlatformSession = _local.session
    return kept
