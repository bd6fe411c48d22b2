"""Markdown of a pack into HTML that is safe to put in a page.

Two locks: markdown-it reads CommonMark with HTML switched off, and nh3 then keeps only the few
elements listed here and links to the hosts of `hosts.ALLOWED_HOSTS`. One addition to CommonMark, a
call-out, which opens with its kind and closes with three colons:

    ::: never
    Never look at the image.
    :::

A text in another language than English names it after the kind, `never_cy` (`variants` does, no author needs to).
"""

import re
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from course_content.hosts import is_allowed_url

# The title is part of the text, so that nothing is said by colour alone.
CALLOUTS = {"do": "Do", "never": "Never", "note": "Good to know", "help": "Help"}
_IN_WELSH = {"do": "Gwnewch hyn", "never": "Peidiwch byth", "note": "Gwerth gwybod", "help": "Cymorth"}
_TITLES = {"en": CALLOUTS, "cy": _IN_WELSH}

_OPENS = re.compile(r":::\s*([a-z]+)(?:_(cy))?\s*")


def _callout(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    opening = _OPENS.fullmatch(_line(state, start))
    if opening is None or opening[1] not in CALLOUTS or state.is_code_block(start):
        return False
    if silent:
        return True
    close = next((n for n in range(start + 1, end) if _line(state, n).rstrip() == ":::"), end)
    token = state.push("callout_open", "div", 1)
    token.attrs = {"class": f"callout callout-{opening[1]}"}
    token.map = [start, close]
    state.push("callout_title_open", "p", 1).attrs = {"class": "callout-title"}
    title = state.push("inline", "", 0)
    title.content, title.map, title.children = _TITLES[opening[2] or "en"][opening[1]], [start, start + 1], []
    state.push("callout_title_close", "p", -1)
    outer = state.lineMax
    state.lineMax = close
    state.md.block.tokenize(state, start + 1, close)
    state.lineMax = outer
    state.push("callout_close", "div", -1)
    state.line = min(close + 1, end)
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _parser() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    md.block.ruler.before("fence", "callout", _callout, {"alt": ["paragraph", "blockquote", "list"]})
    return md


_MARKDOWN = _parser()


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "a" and name == "href":
        return value if is_allowed_url(value) else None
    return value


_CLEANER = nh3.Cleaner(
    tags={
        "h2",
        "h3",
        "h4",
        "p",
        "ul",
        "ol",
        "li",
        "strong",
        "em",
        "blockquote",
        "a",
        "br",
        "hr",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    },
    attributes={"a": {"href"}, "ol": {"start"}},
    attribute_filter=_keep_attribute,
    allowed_classes={
        "div": {"callout", *(f"callout-{kind}" for kind in CALLOUTS)},
        "p": {"callout-title"},
    },
    set_tag_attribute_values={"a": {"target": "_blank"}},
    url_schemes={"https"},
    link_rel="noopener",
)


def opened_in(language: str, line: str) -> str:
    """A line of a text in this language: the opening of a call-out says which it is."""
    opening = _OPENS.fullmatch(line)
    if language == "en" or opening is None or opening[1] not in CALLOUTS:
        return line
    return f"::: {opening[1]}_{language}"


@lru_cache(maxsize=1024)
def render(text: str) -> SafeString:
    """Markdown to clean HTML, marked safe for templates. The same text is rendered once."""
    html: str = _MARKDOWN.render(text)
    return mark_safe(_CLEANER.clean(html))  # noqa: S308 - cleaned in the same breath
