"""Where a lesson's text has places for a school's own details: lines `::: local people` and so on.

What stands there is put in when the page is shown (`local`).
"""

import re
from collections.abc import Iterator

from course_content.pack_rules import Finding

KINDS = ("people", "contacts", "policy", "rules")

_ASKS = re.compile(r"[ ]*::: local\b[ ]*(.*?)[ ]*")
_PLACE = re.compile(rf"^::: local ({'|'.join(KINDS)})[ ]*$", re.MULTILINE)
_CALLOUT = re.compile(r"[ ]*:::[ ]*\w*[ ]*")


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """A text in pieces, each with the kind of details that follow it; after the last, none."""
    found = _PLACE.split(text)
    yield from zip(found[::2], [*found[1::2], ""], strict=True)


def place_findings(body: str, body_line: int) -> Iterator[Finding]:
    """Places that ask for what there is not, come twice, or stand in a call-out, which they would cut in two."""
    seen: set[str] = set()
    within = False
    for number, line in enumerate(body.splitlines(), body_line):
        if asks := _ASKS.fullmatch(line):
            for wrong in _wrong(line, asks[1], seen, within):
                yield Finding(("body",), wrong, line=number)
            seen.add(asks[1])
        elif _CALLOUT.fullmatch(line):
            within = line.strip() != ":::"


def _wrong(line: str, kind: str, seen: set[str], within: bool) -> Iterator[str]:
    if kind not in KINDS:
        yield f"'{line.strip()}' asks for nothing we have; there are {', '.join(KINDS)}"
    elif not _PLACE.fullmatch(line):
        yield f"'{line.strip()}' must begin at the edge of its line"
    elif kind in seen:
        yield f"'{line.strip()}' is there twice"
    if within:
        yield "a place for local details cannot stand inside a call-out"
