"""The Link header as VLEs write it."""

import pytest

from lti_tool.links import next_page

HERE = "https://vle.example/api/items?tag=x&page=1"
THERE = "https://vle.example/api/items?page=bookmark:WyJBYk"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f'<{THERE}>; rel="next"', THERE),
        (f"<{THERE}>; rel=next", THERE),
        (f"<{THERE}>;rel=next", THERE),
        (f'<{THERE}> ; REL="Next"', THERE),
        (f'<{THERE}>; title="a; b, <c>"; rel=next; type="application/json"', THERE),
        (f'<https://vle.example/1>; rel="first", <{THERE}>; rel="next"', THERE),
        (f'<https://vle.example/1>; title="rel=next"; rel=prev,<{THERE}>;rel="last next"', THERE),
        (f"<{THERE}>; flag; rel=next", THERE),
        (f'<{THERE}>; title="not; rel=prev"; rel=next; rel=last', THERE),
        ('<https://vle.example/1>; title="not; rel=next"; rel=prev', ""),
        ("<https://vle.example/a,b;c=d>; rel=next", "https://vle.example/a,b;c=d"),
        # Canvas names four pages.
        (
            f'<{HERE}>; rel="current",<{THERE}>; rel="next",<{HERE}>; rel="first",<{HERE}>; rel="last"',
            THERE,
        ),
        # Moodle: typographic quotation marks in UTF-8, read as Latin-1, and the address as HTML.
        (
            "<https://vle.example/i?limit=2&amp;from=2&amp;section=1>; rel=“next”".encode().decode("latin-1"),
            "https://vle.example/i?limit=2&from=2&section=1",
        ),
        ("<https://vle.example/i?a=1&section=2>; rel=next", "https://vle.example/i?a=1&section=2"),
        ("<?page=2>; rel=next", "https://vle.example/api/items?page=2"),
        ("</other>; rel=next", "https://vle.example/other"),
        ("<ftp://vle.example/>; rel=next", "ftp://vle.example/"),
        ("", ""),
        (f'<{THERE}>; rel="prev"', ""),
        (f'<{THERE}>; rel="nextish"', ""),
        (f'<{THERE}>; xrel="next"', ""),
        (f"<{THERE}>", ""),
        (f'{THERE}; rel="next"', ""),
        (f'<{THERE}; rel="next"', ""),
        ('<>; rel="next', ""),
        ("<<<>>>;;;,,,rel=next", ""),
    ],
)
def test_the_next_page(header: str, found: str) -> None:
    assert next_page({"link": header}, HERE) == found


def test_without_the_header() -> None:
    assert next_page({}, HERE) == ""


@pytest.mark.parametrize("part", ["<", "<>", "<a>;", "<a>; x=", '<a>; x="', ";;x", "<a>;x=y ", '<a>;x="\\'])
def test_a_hostile_header_holds_nobody_up(part: str) -> None:
    """A pattern that goes back over what it has read would not end in this life."""
    assert next_page({"link": part * 60_000}, HERE) == ""
