"""One text for many readers: what differs by nation, audience and language, and how it is resolved.

A pack is written once. Where readers differ, its author says so in the file itself:

    $dsl                        a term of terms.yaml; `${Dsl}` with a capital; `$$` a plain dollar
    [?claim-id]                 shown as "(being checked)" while the claim is unverified for these readers
    for: scotland               on an item of a list, or on a node: for these readers alone
    {for: wales, use: x}        the same for a plain item
    {scotland: a, otherwise: b} a value that differs; the first key that fits is taken
    ::: only not scotland       … ::: /only   paragraphs for some readers alone

A *selector* names nations, audiences, groups of them and languages: `,` is or, `&` is and, `not` goes before a
name. All this is resolved on the YAML tree, before anything is read from it, so that every rule of a pack is
checked on what these readers get, and every problem keeps the line its author wrote.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import get_args

import yaml
from yaml.constructor import SafeConstructor

from course_content.markdown import opened_in
from course_content.parts import Audience, Language, Nation
from course_content.sources import FOR, OTHERWISE, USE, Fault, Loc, Source
from course_content.translations import Translation, is_worded, stays_as_it_is

UK = frozenset({"england", "wales", "scotland", "northern-ireland"})
GROUPS: Mapping[str, Set[str]] = {
    "uk": UK,
    "education": frozenset({"school", "college", "early-years"}),
    "partner": frozenset({"police", "social-care", "health"}),
}
NATIONS: tuple[Nation, ...] = get_args(Nation)
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
LANGUAGES: tuple[Language, ...] = get_args(Language)
# How much of a text that has no translation its author is shown.
MOST_QUOTED = 40
_NAMES = frozenset({*NATIONS, *AUDIENCES, *LANGUAGES, *GROUPS})

BEING_CHECKED: Mapping[str, str] = {"en": "(being checked)", "cy": "(yn cael ei wirio)"}


@dataclass(frozen=True, slots=True)
class Variant:
    """For whom a module is: one nation, one audience, one language."""

    nation: Nation
    audience: Audience
    language: Language = "en"

    def __str__(self) -> str:
        return ", ".join([self.nation, self.audience, *([self.language] if self.language != "en" else [])])

    @property
    def names(self) -> frozenset[str]:
        """Everything by which a selector may call these readers."""
        own = {self.nation, self.audience, self.language}
        return frozenset(own | {name for name, members in GROUPS.items() if own & members})


class BadSelector(ValueError):
    """A selector that names nobody we know."""


@lru_cache(maxsize=1024)
def _alternatives(selector: str) -> tuple[tuple[tuple[bool, str], ...], ...]:
    """Any of these; each all of these; each a name that must fit (or, False, must not). Raises BadSelector."""
    return tuple(
        tuple(_name(one, selector) for one in alternative.split("&")) for alternative in selector.split(",")
    )


def _name(said: str, selector: str) -> tuple[bool, str]:
    words = said.split()
    wanted = words[:1] != ["not"]
    name = " ".join(words if wanted else words[1:])
    if name not in _NAMES:
        raise BadSelector(
            f"'{selector}' names nobody known as '{name}'; there are {', '.join(sorted(_NAMES))}"
        )
    return wanted, name


def fits(selector: str, variant: Variant) -> bool:
    """Whether a selector means these readers. Raises BadSelector."""
    names = variant.names
    return any(
        all((name in names) is wanted for wanted, name in alternative)
        for alternative in _alternatives(selector)
    )


# --- what a file asks of its readers --------------------------------------------------------------

_TERM = re.compile(r"\$(?:(\$)|\{([A-Za-z]\w*)\}|([A-Za-z]\w*)|)")
# The look behind keeps the search for spaces from beginning anew at each of them.
_CHECK = re.compile(r"(?:(?<!\s)\s+)?\[\?([a-z0-9-]+)\]")
_ONLY = re.compile(r"^[ ]*::: only (.+?)[ ]*$")
_END_ONLY = re.compile(r"^[ ]*::: /only[ ]*$")


@dataclass(frozen=True)
class Asks:
    """Everything in a file that may come out differently for different readers."""

    selectors: frozenset[str] = frozenset()
    terms: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()

    def __or__(self, other: "Asks") -> "Asks":
        return Asks(self.selectors | other.selectors, self.terms | other.terms, self.claims | other.claims)


def asks_of(source: Source) -> Asks:
    """What a file asks. Two variants that answer all of it alike read the same file."""
    found = _asks_of_text(source.body) if source.body is not None else Asks()
    return found | _asks_of_node(source.node) if source.node is not None else found


def _asks_of_node(node: yaml.Node) -> Asks:
    found = Asks()
    if isinstance(node, yaml.MappingNode):
        keys = {str(key.value): value for key, value in node.value}
        if OTHERWISE in keys:
            found |= Asks(selectors=frozenset(keys) - {OTHERWISE})
        if FOR in keys and isinstance(keys[FOR], yaml.ScalarNode):
            found |= Asks(selectors=frozenset({str(keys[FOR].value)}))
        for value in keys.values():
            found |= _asks_of_node(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            found |= _asks_of_node(item)
    elif isinstance(node, yaml.ScalarNode):
        found |= _asks_of_text(str(node.value))
    return found


def _asks_of_text(text: str) -> Asks:
    if "$" not in text and "[?" not in text and "::: only" not in text:
        return Asks()
    selectors = {opening[1] for line in text.splitlines() if (opening := _ONLY.match(line))}
    terms = {m[2] or m[3] for m in _TERM.finditer(text) if m[2] or m[3]}
    return Asks(frozenset(selectors), frozenset(t.lower() for t in terms), frozenset(_CHECK.findall(text)))


# --- resolving ------------------------------------------------------------------------------------


@dataclass
class Readers:
    """A variant with all that its words need: the terms, which claims are unverified, a translation."""

    variant: Variant
    terms: Mapping[str, str] = field(default_factory=dict)
    # Every claim of the pack, and whether it is verified for these readers; None: not known yet.
    verified: Mapping[str, bool] | None = None
    translation: Translation | None = None

    def answers(self, asks: Asks) -> tuple[object, ...]:
        """What these readers make of what a file asks: equal answers, equal file."""
        return (
            self.variant.language,
            tuple(_fits_or_none(selector, self.variant) for selector in sorted(asks.selectors)),
            tuple(self.terms.get(term) for term in sorted(asks.terms)),
            tuple((self.verified or {}).get(claim) for claim in sorted(asks.claims)),
        )


def _fits_or_none(selector: str, variant: Variant) -> bool | None:
    try:
        return fits(selector, variant)
    except BadSelector:
        return None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A file as some readers get it, its lines where they were, and what is wrong in what differs.

    `drafted`: a machine translated some of it, and nobody has agreed to that yet.
    """

    source: Source
    faults: tuple[Fault, ...]
    drafted: bool = False


def resolve(source: Source, readers: Readers) -> Resolved:
    """The file as these readers get it."""
    resolver = _Resolver(readers, source)
    node = resolver.node(source.node, ()) if source.node is not None else None
    body = resolver.text(source.body, ("body",), source.body_line) if source.body is not None else None
    data = SafeConstructor().construct_document(node) if node is not None else None
    if isinstance(data, dict) and body is not None:
        data = {**data, "body": body}
    resolved = replace(source, data=data, node=node, body=body)
    return Resolved(resolved, tuple(resolver.faults), resolver.drafted)


class _Dropped(Exception):
    """This part is not for these readers."""


class _Resolver:
    def __init__(self, readers: Readers, source: Source) -> None:
        self.readers = readers
        self.source = source
        self.faults: list[Fault] = []
        self.drafted = False

    def node(self, node: yaml.Node, loc: Loc) -> yaml.Node | None:
        """The node for these readers; None where nothing is left of it."""
        try:
            return self._node(node, loc)
        except _Dropped:
            return None

    def _node(self, node: yaml.Node, loc: Loc) -> yaml.Node:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            items = (self.node(item, (*loc, i)) for i, item in enumerate(node.value))
            return _like(node, [item for item in items if item is not None])
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str":
            first = self._line(node) + (node.style == "|")
            return _like(node, self.text(str(node.value), loc, first))
        return node

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> yaml.Node:
        pairs = [(str(key.value), key, value) for key, value in node.value]
        names = [name for name, _, _ in pairs]
        if OTHERWISE in names:
            return self._node(self._chosen(node, pairs, loc), loc)
        if FOR in names:
            selector = next(value for name, _, value in pairs if name == FOR)
            if not self._fits(str(selector.value), self._line(selector), (*loc, FOR)):
                raise _Dropped
            pairs = [pair for pair in pairs if pair[0] != FOR]
            if [name for name, _, _ in pairs] == [USE]:
                return self._node(pairs[0][2], loc)
        kept = ((key, self.node(value, (*loc, name))) for name, key, value in pairs)
        return _like(node, [(key, value) for key, value in kept if value is not None])

    def _chosen(
        self, node: yaml.MappingNode, pairs: list[tuple[str, yaml.Node, yaml.Node]], loc: Loc
    ) -> yaml.Node:
        """The value of the first key that fits, else of `otherwise`; `null` leaves the field out."""
        fallback = next(value for name, _, value in pairs if name == OTHERWISE)
        fitting = (
            value
            for name, key, value in pairs
            if name != OTHERWISE and self._fits(name, self._line(key), (*loc, name))
        )
        chosen = next(fitting, fallback)
        if chosen.tag == "tag:yaml.org,2002:null":
            raise _Dropped
        return chosen

    def _fits(self, selector: str, line: int, loc: Loc) -> bool:
        try:
            return fits(selector, self.readers.variant)
        except BadSelector as bad:
            self.faults.append(Fault(line, loc, str(bad)))
            return False

    def _line(self, node: yaml.Node) -> int:
        return int(node.start_mark.line) + 1 + self.source.offset

    # -- texts

    def text(self, text: str, loc: Loc, first_line: int) -> str:
        """A text for these readers. What is not for them leaves empty lines, so that lines keep their numbers."""
        translation = self.readers.translation
        if translation and not stays_as_it_is(self.source.file) and is_worded(loc, text):
            text, drafted, missing = translation.of(text)
            self.drafted = self.drafted or drafted
            language = self.readers.variant.language
            self.faults += [
                Fault(first_line, loc, f"is not translated ({language}): {_shortened(part)}")
                for part in missing
            ]
        if "::: " in text:
            text = "\n".join(self._for_these(text.split("\n"), loc, first_line))
        if "$" in text:
            text = self._with_terms(text, loc, first_line)
        if "[?" in text:
            text = self._with_checks(text, loc, first_line)
        return text

    def _for_these(self, lines: list[str], loc: Loc, first_line: int) -> Iterator[str]:
        opened, keep = 0, True
        for number, line in enumerate(lines, first_line):
            if opening := _ONLY.match(line):
                if opened:
                    self.faults.append(
                        Fault(number, loc, "'::: only' stands inside another; close that first")
                    )
                opened, keep = number, self._fits(opening[1], number, loc)
                yield ""
            elif _END_ONLY.match(line):
                if not opened:
                    self.faults.append(Fault(number, loc, "'::: /only' closes nothing"))
                opened, keep = 0, True
                yield ""
            else:
                yield opened_in(self.readers.variant.language, line) if keep else ""
        if opened:
            self.faults.append(Fault(opened, loc, "'::: only' is not closed by '::: /only'"))

    def _with_terms(self, text: str, loc: Loc, first_line: int) -> str:
        def term(match: re.Match[str]) -> str:
            dollar, braced, bare = match.groups()
            name = braced or bare
            if dollar:
                return "$"
            value = self.readers.terms.get(name.lower()) if name else None
            if value is None:
                line = first_line + text.count("\n", 0, match.start())
                said = f"there is no term '{name}' in terms.yaml" if name else "a plain dollar is written $$"
                self.faults.append(Fault(line, loc, said))
                return match[0]
            return value[:1].upper() + value[1:] if name[:1].isupper() else value

        return _TERM.sub(term, text)

    def _with_checks(self, text: str, loc: Loc, first_line: int) -> str:
        def check(match: re.Match[str]) -> str:
            verified = self.readers.verified
            if verified is not None and match[1] not in verified:
                line = first_line + text.count("\n", 0, match.start())
                self.faults.append(Fault(line, loc, f"there is no claim '{match[1]}' to be checked"))
            if verified is None or verified.get(match[1], True):
                return ""
            return f" {BEING_CHECKED[self.readers.variant.language]}"

        return _CHECK.sub(check, text)


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}…"


def _like(node: yaml.Node, value: object) -> yaml.Node:
    """The same node, its place and style and all, with another value."""
    if isinstance(node, yaml.ScalarNode):
        return yaml.ScalarNode(node.tag, value, node.start_mark, node.end_mark, node.style)
    made: yaml.Node = type(node)(node.tag, value, node.start_mark, node.end_mark)
    return made
