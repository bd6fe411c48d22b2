"""A pack in another language: a gettext catalogue beside its files, `languages/cy.po`.

Translators get the tools they know, and each text stands once: an English text that changes is no longer the one
that was translated, so it is missing in Welsh until somebody looks again. A message is one paragraph as its author
wrote it, terms and all. Gettext's *fuzzy* mark says that a text was drafted by a machine and that no reader of the
language has agreed to it yet: it is shown, and the page says so.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO

import yaml
from babel.messages import pofile
from babel.messages.catalog import Catalog

from course_content.sources import FOR, OTHERWISE, USE, Fault, Loc, Source

# Official titles and what the record repeats word for word stay as they are.
_AS_THEY_ARE = frozenset({"status", "version", "guidance_edition", "phone", "url"})
# Terms have their own Welsh; the register stays in the language of its sources and of those who check it.
_FILES_AS_THEY_ARE = re.compile(r"(terms|guidance|changes|claims)\.yaml|claims/.*")

# Where one small word is a text, and elsewhere an id.
_ALWAYS_WORDS = frozenset({"text", "title", "prompt"})
_SLUG_OR_PATH = re.compile(r"[a-z0-9][a-z0-9./_-]*")
_PARAGRAPH_END = re.compile(r"(\n[ \t]*(?:\n[ \t]*)*\n)")
_DIRECTIVE = re.compile(r"^[ ]*:::.*$", re.MULTILINE)
_KEPT = re.compile(r"\$\{?[A-Za-z]\w*\}?|\[\?[a-z0-9-]+\]|^[ ]*:::.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Message:
    """A text in the other language. `drafted`: by a machine, and nobody has agreed to it yet."""

    text: str
    drafted: bool


@dataclass(frozen=True, slots=True)
class Translation:
    """A pack's messages in one language, by the English paragraph."""

    messages: Mapping[str, Message]

    def of(self, text: str) -> tuple[str, bool, tuple[str, ...]]:
        """A text in this language, whether a machine drafted any of it, and the paragraphs that are missing."""
        parts: list[str] = []
        missing: list[str] = []
        drafted = False
        for i, part in enumerate(_PARAGRAPH_END.split(text)):
            # Every second part is the space between two paragraphs.
            message = self.messages.get(part.strip()) if i % 2 == 0 and _says_something(part) else None
            if message is not None:
                drafted = drafted or message.drafted
                parts.append(part.replace(part.strip(), message.text))
            else:
                if i % 2 == 0 and _says_something(part):
                    missing.append(part.strip())
                parts.append(part)
        return "".join(parts), drafted, tuple(missing)


def stays_as_it_is(file: str) -> bool:
    """Whether a file of a pack is read in English by everybody."""
    return _FILES_AS_THEY_ARE.fullmatch(file) is not None


def is_worded(loc: Loc, text: str) -> bool:
    """Whether a text of a pack is words to read, and no id, path or number."""
    named = next((part for part in reversed(loc) if isinstance(part, str)), "")
    is_id = named not in _ALWAYS_WORDS and _SLUG_OR_PATH.fullmatch(text)
    return named not in _AS_THEY_ARE and not is_id and _says_something(text)


def _says_something(text: str) -> bool:
    return any(c.isalpha() for c in _DIRECTIVE.sub("", text))


def messages_of(source: Source) -> Iterator[tuple[int, str]]:
    """Every paragraph of a file that is to be translated, with its line."""
    if stays_as_it_is(source.file):
        return
    if source.node is not None:
        yield from _messages(source.node, (), source.offset)
    if source.body is not None:
        yield from _paragraphs(source.body, source.body_line)


def _messages(node: yaml.Node, loc: Loc, offset: int) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        keys = {str(key.value) for key, _ in node.value}
        for key, value in node.value:
            # A selector, and `use`, stand for the value of the field that they are in.
            stands_for = OTHERWISE in keys or keys == {FOR, USE}
            within = loc if stands_for and str(key.value) != FOR else (*loc, str(key.value))
            yield from _messages(value, within, offset)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield from _messages(value, (*loc, i), offset)
    elif isinstance(node, yaml.ScalarNode) and _is_to_translate(node, loc):
        yield from _paragraphs(str(node.value), node.start_mark.line + 1 + offset)


def _is_to_translate(node: yaml.ScalarNode, loc: Loc) -> bool:
    is_text = node.tag == "tag:yaml.org,2002:str" and loc[-1:] != (FOR,)
    return is_text and is_worded(loc, str(node.value))


def _paragraphs(text: str, line: int) -> Iterator[tuple[int, str]]:
    for i, part in enumerate(_PARAGRAPH_END.split(text)):
        if i % 2 == 0 and _says_something(part):
            yield line, part.strip()
        line += part.count("\n")


def read(content: bytes) -> tuple[Translation, list[Fault]]:
    """A catalogue as a file holds it. A message that lost a term, a mark or a directive is refused."""
    messages: dict[str, Message] = {}
    faults: list[Fault] = []
    try:
        catalogue = pofile.read_po(BytesIO(content), abort_invalid=True)
    except (pofile.PoFileError, ValueError, LookupError) as error:
        line = getattr(error, "lineno", None) or 1
        return Translation({}), [Fault(int(line), (), f"is not a gettext catalogue: {error}")]
    for message in catalogue:
        if not message.id or not message.string:
            continue
        english, text = str(message.id), str(message.string)
        lost = sorted(set(_KEPT.findall(english)) ^ set(_KEPT.findall(text)))
        if lost:
            faults.append(Fault(message.lineno or 1, (), f"the translation must keep {', '.join(lost)}"))
            continue
        messages[english] = Message(text, drafted=message.fuzzy)
    return Translation(messages), faults


@dataclass(frozen=True, slots=True)
class Parity:
    """How far a translation has come: all messages, those translated, and those of these a machine drafted."""

    messages: int
    translated: int
    drafted: int

    @property
    def per_cent(self) -> int:
        """Rounded down: a hundred means that nothing is missing."""
        return 100 * self.translated // self.messages if self.messages else 100


def parity(translation: Translation, sources: Iterable[Source]) -> Parity:
    """How far the messages of these files are translated."""
    wanted = {text for source in sources for _, text in messages_of(source)}
    found = [translation.messages[text] for text in wanted if text in translation.messages]
    return Parity(len(wanted), len(found), sum(message.drafted for message in found))


def updated(
    content: bytes | None, language: str, sources: Mapping[str, Source], *, wanted: Collection[str] = ()
) -> bytes:
    """The catalogue with the messages of these files (of all, unless some are `wanted`): what was translated stays,
    wherever the pack still says it; what it says no more goes.
    """
    old = (
        pofile.read_po(BytesIO(content), locale=language) if content is not None else Catalog(locale=language)
    )
    made = Catalog(locale=language, header_comment=old.header_comment, fuzzy=False)
    for file, source in sorted(sources.items()):
        for line, text in messages_of(source):
            before = old.get(text)
            translated = before is not None and bool(before.string)
            if translated or not wanted or file in wanted:
                flags = before.flags if before is not None and translated else ()
                made.add(text, before.string if before is not None else "", [(file, line)], flags)
    written = BytesIO()
    pofile.write_po(written, made, width=110, sort_by_file=True, include_lineno=False)
    return written.getvalue()
