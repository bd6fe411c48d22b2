"""A list in pages, as each VLE cuts them and says where the next one is (RFC 8288)."""

import base64
import json
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode, urlsplit

from tests.platforms.profiles import Paging
from tests.platforms.server import Received


class NoSuchPage(Exception):
    """A limit that is no number, or a cursor that we never gave."""


@dataclass(frozen=True)
class Page:
    start: int
    stop: int
    headers: dict[str, str]


def page(request: Received, total: int, paging: Paging) -> Page:
    """The page of `total` that the request asks for. Raises NoSuchPage."""
    size = _size(request, paging, total)
    start = _read_cursor(request.query[paging.cursor]) if paging.cursor in request.query else 0
    if start > total:
        raise NoSuchPage
    stop = min(start + size, total)
    return Page(start, stop, _links(request, paging, start, stop, total, size))


def _size(request: Received, paging: Paging, total: int) -> int:
    limit = request.query.get("limit")
    if limit is None:
        return paging.size or max(total, 1)
    if not limit.isdecimal() or int(limit) < 1:
        raise NoSuchPage
    return min(int(limit), paging.at_most or int(limit))


def _links(request: Received, paging: Paging, start: int, stop: int, total: int, size: int) -> dict[str, str]:
    first, following = (_address(request, paging, at, size) for at in (0, stop))
    is_last = stop >= total
    if paging.link == "odd":
        links = [f"<{first}>; rel=first"]
        if start:
            links.append(
                f'<{_address(request, paging, max(start - size, 0), size)}>; title="a; b, <c>"; rel=prev'
            )
        if not is_last:
            links.append(f'<{following}>; title="more, please"; rel=next; type="application/json"')
        return {"Link": ", ".join(links)}
    if is_last:
        return {}
    if paging.link == "curly":
        # Header lines are bytes: what PHP writes in UTF-8 is read as Latin-1.
        return {"Link": f"<{escape(following)}>; rel=“next”".encode().decode("latin-1")}
    return {"Link": f'<{following}>; rel="next"'}


def _address(request: Received, paging: Paging, start: int, size: int) -> str:
    ours = {paging.cursor, "limit", *paging.forgets}
    query = [(name, value) for name, value in request.query.items() if name not in ours]
    query.append((paging.cursor, _cursor(start)))
    if "limit" in request.query:
        query.append(("limit", str(size)))
    return urlsplit(request.url)._replace(query=urlencode(query)).geturl()


def _cursor(start: int) -> str:
    """Opaque, and broken by whoever changes its case."""
    return base64.urlsafe_b64encode(json.dumps(["AbC", start]).encode()).decode()


def _read_cursor(cursor: str) -> int:
    try:
        word, start = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, TypeError):
        raise NoSuchPage from None
    if word != "AbC" or not isinstance(start, int):
        raise NoSuchPage
    return start
