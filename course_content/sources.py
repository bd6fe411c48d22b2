"""Reading one file of a pack, and knowing on which line each of its values stands.

YAML is read by the safe loader only. Aliases are refused outright (a pack has no use for them, and
a few lines of them can unfold into gigabytes), as is nesting deeper than any pack needs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.composer import ComposerError

Loc = tuple[str | int, ...]

DEEPEST = 20

# The keys by which a file says what differs between its readers (see `variants`).
OTHERWISE = "otherwise"
FOR = "for"
USE = "use"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the file itself: line from 1, where in the data, and what."""

    line: int
    loc: Loc
    message: str


@dataclass(frozen=True, slots=True)
class PieceOfText:
    """One text an author wrote; `lines` pairs each line of it with its number in the file."""

    loc: Loc
    lines: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One file as read: its data, and the YAML nodes that remember the lines."""

    file: str
    data: Any
    node: yaml.Node | None
    offset: int = 0
    body: str | None = None
    body_line: int = 1

    def line(self, loc: Loc) -> int:
        """The line of the value at `loc`, or of the nearest thing around it that exists.

        Parts of `loc` that are no key here (the tag pydantic adds for a union) are passed over.
        """
        if self.body is not None and loc[:1] == ("body",):
            return self.body_line
        line, node = 1, self.node
        for part in loc:
            if isinstance(node, yaml.MappingNode):
                for key, value in node.value:
                    if key.value == str(part):
                        line, node = key.start_mark.line + 1 + self.offset, value
                        break
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1 + self.offset
        return line

    def texts(self) -> Iterator[PieceOfText]:
        """Every text in the file, with line numbers."""
        if self.node is not None:
            yield from _texts(self.node, (), self.offset)
        if self.body is not None:
            lines = enumerate(self.body.splitlines(), self.body_line)
            yield PieceOfText(("body",), tuple(lines))


def read_yaml(file: str, text: str) -> tuple[Source, list[Fault]]:
    """Read a YAML file. `data` is None where it could not be read."""
    data, node, faults = _parse(text, 0)
    return Source(file, data, node), faults


def read_markdown(file: str, text: str) -> tuple[Source, list[Fault]]:
    """Read Markdown under YAML front matter; the Markdown becomes the field `body`."""
    lines = text.splitlines()
    if not lines or lines[0].rstrip() != "---" or "---" not in (s.rstrip() for s in lines[1:]):
        fault = Fault(1, (), "must begin with front matter between two lines of ---")
        return Source(file, None, None), [fault]
    end = next(i for i, line in enumerate(lines[1:], 1) if line.rstrip() == "---")
    data, node, faults = _parse("\n".join(lines[1:end]), 1)
    rest = lines[end + 1 :]
    blank = next((i for i, line in enumerate(rest) if line.strip()), 0)
    body = "\n".join(rest[blank:])
    if isinstance(data, dict):
        data = {**data, "body": body}
    return Source(file, data, node, 1, body, end + 2 + blank), faults


def _parse(text: str, offset: int) -> tuple[Any, yaml.Node | None, list[Fault]]:
    try:
        _look_at_events(text)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            return None, None, [Fault(1 + offset, (), "is empty")]
        faults = list(_repeated_keys(node, (), offset))
        odd = next(_odd_tags(node, offset), None)
        if odd is not None:
            return None, None, [odd]
        return yaml.constructor.SafeConstructor().construct_document(node), node, faults
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = (mark.line if mark else 0) + 1 + offset
        return None, None, [Fault(line, (), f"is not good YAML: {error.problem or error.context}")]
    except (yaml.YAMLError, ValueError) as error:
        # ValueError: a date such as 2026-13-45, which YAML reads as a date and Python refuses.
        return None, None, [Fault(1 + offset, (), f"is not good YAML: {error}")]


# libyaml, where the wheel carries it, reads a pack ten times as fast.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _look_at_events(text: str) -> None:
    """Refuse aliases and bottomless nesting before anything is built of them. Raises ComposerError."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            problem = "aliases (*name) are not allowed; write the value out"
            raise ComposerError(None, None, problem, event.start_mark)  # type: ignore[arg-type]
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            problem = f"nested more than {DEEPEST} deep"
            raise ComposerError(None, None, problem, event.start_mark)  # type: ignore[arg-type]


# What the resolver gives a plain value, and no other: `!!pairs` and the like have no use in a pack.
_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map")
)


def _odd_tags(node: yaml.Node, offset: int) -> Iterator[Fault]:
    if node.tag not in _TAGS:
        line = node.start_mark.line + 1 + offset
        yield Fault(line, (), f"is not good YAML: a pack has no value of the kind '{node.tag}'")
    children = (
        [part for pair in node.value for part in pair]
        if isinstance(node, yaml.MappingNode)
        else node.value
        if isinstance(node, yaml.SequenceNode)
        else []
    )
    for child in children:
        yield from _odd_tags(child, offset)


def _repeated_keys(node: yaml.Node, loc: Loc, offset: int) -> Iterator[Fault]:
    """YAML quietly keeps the last of two equal keys; an author would lose a node or an answer."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                line = key.start_mark.line + 1 + offset
                yield Fault(line, (*loc, name), "is given twice; the first would be lost")
            seen.add(name)
            yield from _repeated_keys(value, (*loc, name), offset)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield from _repeated_keys(value, (*loc, i), offset)


def _texts(node: yaml.Node, loc: Loc, offset: int) -> Iterator[PieceOfText]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _texts(value, (*loc, str(key.value)), offset)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield from _texts(value, (*loc, i), offset)
    elif isinstance(node, yaml.ScalarNode):
        first = node.start_mark.line + 1 + offset
        if node.style == "|":
            # The text of a block begins on the line after its key.
            lines = tuple(enumerate(str(node.value).splitlines(), first + 1))
        else:
            lines = ((first, str(node.value)),)
        yield PieceOfText(loc, lines)
