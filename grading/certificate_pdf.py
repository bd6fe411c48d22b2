"""Draws one certificate as a tagged A4 PDF that is both PDF/UA-1 (accessible) and PDF/A-3a (kept for years).

The look is `typst/certificate.typ`; the words, and all that is decided about them, are here. Facts travel to typst
as JSON in its `sys_inputs` and are never written into its source, so a name such as `#panic("x")` prints as typed.

The same facts give the same bytes: the document's date is the day of completion and no clock is read.
"""

import json
import re
import struct
import threading
import unicodedata
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import segno
import typst

TYPST_DIR = Path(__file__).parent / "typst"
TEMPLATE = TYPST_DIR / "certificate.typ"
FONT_DIR = TYPST_DIR / "fonts"

# The sizes of the small print tried in turn, in points, until the certificate fits its page; then it is scaled.
SIZES = ("10", "9.4", "8.8", "8.2", "7.6", "7", "6.5", "6", "scaled")
TOO_LONG = "over one page"  # what certificate.typ says of a size that does not fit

HASH_LENGTH_SHOWN = 12
LONGEST_UNBROKEN_WORD = 30
QR_MASK = 2


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What one certificate says, frozen when it was issued.

    Text fields may be empty unless said otherwise, and what is empty leaves no gap on the page. Any Unicode is
    accepted anywhere. `content_hash` may be whole: only its first characters are shown.
    """

    holder_name: str  # never empty
    module_title: str  # never empty
    outcomes: tuple[str, ...]
    completed_on: date
    minutes: int  # taught, not spent
    percentage: int
    pass_mark: int
    code: str  # the certificate's number, e.g. 7QX4-M2KD-9PTA
    verify_url: str
    cpd_hours: str | Decimal = ""
    provider: str = "SafeResponse"
    school: str = ""  # at the time
    role: str = ""
    nation: str = ""
    audience: str = ""
    renew_by: date | None = None
    guidance_edition: str = ""
    module_version: str = ""
    content_hash: str = ""
    review_status: str = ""
    signatory: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """The certificate's own words in one language. `{}` stands for the fact that the words are about."""

    heading: str
    title: str
    certifies: str
    passed: str
    completed_on: str
    result: str
    minutes: str
    one_minute: str
    taught: str
    cpd_hours: str
    outcomes: str
    details: str
    role: str
    school: str
    nation: str
    audience: str
    renew_by: str
    guidance_edition: str
    module_version: str
    content_hash: str
    content_review: str
    not_reviewed: str
    not_stated: str
    check: str
    check_at: str
    number: str
    issued_by: str
    signed_for: str
    qr_alt: str
    small_print: str
    name_note: str
    credential: str
    months: tuple[str, ...]


ENGLISH = Words(
    heading="Certificate of completion",
    title="Certificate of completion: {}, {}",
    certifies="This certifies that",
    passed="has completed, and passed the assessment of, the training",
    completed_on="Completed on {}",
    result="assessed result (pass mark {}%)",
    minutes="{} minutes",
    one_minute="1 minute",
    taught="taught time",
    cpd_hours="CPD hours",
    outcomes="Learning outcomes",
    details="About this training",
    role="Role",
    school="School at the time",
    nation="Nation",
    audience="Written for",
    renew_by="Renew by",
    guidance_edition="Guidance edition",
    module_version="Version",
    content_hash="Content hash",
    content_review="Content review",
    not_reviewed="Please note: the content of this training has not been signed off. Its status: {}.",
    not_stated="not stated",
    check="Verification",
    check_at="Check this certificate at",
    number="Certificate number",
    issued_by="Issued by",
    signed_for="Signatory",
    qr_alt="QR code that opens {}",
    small_print="This certificate records training and an assessed result. It is not legal advice.",
    name_note="Some letters of this name cannot be printed here. This document's title holds it in full.",
    credential="The same certificate as an Open Badges 3.0 credential, for software to read.",
    months=(
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    ),
)

# Welsh goes here as "cy" once it has been professionally translated. A language that is not here is printed in
# English words around content that is still marked as being in its own language.
WORDS = {"en": ENGLISH}


def render(facts: CertificateFacts, *, credential: str = "") -> bytes:
    """The certificate as PDF bytes, always one page.

    `credential` is the Open Badges 3.0 JSON to carry inside the file, if any. Letters that the carried font lacks
    are drawn with a font of typst's own or of this machine; what no font has is shown as "…" with a note.
    Raises ValueError for facts that would make it untrue or useless: no name, title, code or address to check
    it at, or a result below the pass mark.
    """
    _refuse_untrue(facts)
    document = _document(facts)
    try:
        return _compile(document, credential, _local_compiler(all_fonts=False))
    except typst.TypstError:
        # PDF/A and PDF/UA forbid a letter without a glyph, so typst refused it rather than print a box.
        lacking = _characters(document) - _carried_characters()
        if not lacking:
            raise
    try:
        return _compile(document, credential, _local_compiler(all_fonts=True))
    except typst.TypstError:
        printable = _without(document, lacking)
        return _compile(printable, credential, _local_compiler(all_fonts=False))


def _refuse_untrue(facts: CertificateFacts) -> None:
    for field in ("holder_name", "module_title", "code", "verify_url"):
        if not _clean(getattr(facts, field)):
            raise ValueError(f"A certificate needs a {field}.")
    if facts.percentage < facts.pass_mark:
        raise ValueError(f"{facts.percentage}% is below the pass mark of {facts.pass_mark}%: no certificate.")


# What the page says


def _document(facts: CertificateFacts) -> dict[str, Any]:
    """All that `certificate.typ` lays out, in order, with what is empty left out."""
    language = facts.language if facts.language in WORDS else "en"
    words = WORDS[language]
    name, module, status = (_clean(t) for t in (facts.holder_name, facts.module_title, facts.review_status))
    reviewed = status.casefold().startswith("reviewed")
    day = _day(facts.completed_on, words)
    minutes = words.one_minute if facts.minutes == 1 else words.minutes.format(facts.minutes)
    details = (
        (words.school, facts.school),
        (words.role, facts.role),
        (words.nation, facts.nation),
        (words.audience, facts.audience),
        (words.renew_by, _day(facts.renew_by, words) if facts.renew_by else ""),
        (words.guidance_edition, facts.guidance_edition),
        (words.module_version, facts.module_version),
        (words.content_hash, facts.content_hash.removeprefix("sha256:")[:HASH_LENGTH_SHOWN]),
        (words.content_review, status if reviewed else ""),
    )
    figures = (
        (words.result.format(facts.pass_mark), f"{facts.percentage}%"),
        (words.taught, minutes),
        (words.cpd_hours, str(facts.cpd_hours)),
    )
    return {
        "lang": language,
        "content_lang": facts.language if re.fullmatch("[a-z]{2,3}", facts.language) else language,
        "title": words.title.format(name, module),
        "date": [facts.completed_on.year, facts.completed_on.month, facts.completed_on.day],
        "words": asdict(words),
        "name": _breakable(name),
        "name_note": "",
        "module": _breakable(module),
        "completed": words.completed_on.format(day),
        "figures": _labelled(figures),
        "outcomes": [_breakable(text) for text in map(_clean, facts.outcomes) if text],
        "details": _labelled(details),
        "code": _breakable(_clean(facts.code)),
        "provider": _breakable(_clean(facts.provider)),
        "signatory": _breakable(_clean(facts.signatory)),
        "verify_url": _clean(facts.verify_url),
        "qr": _qr_svg(_clean(facts.verify_url)),
        "qr_alt": words.qr_alt.format(_clean(facts.verify_url)),
        "warning": "" if reviewed else words.not_reviewed.format(status or words.not_stated),
        "small_print": words.small_print,
    }


def _labelled(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [
        {"label": label, "value": _breakable(text)} for label, value in pairs if (text := _clean(value))
    ]


def _day(day: date, words: Words) -> str:
    return f"{day.day} {words.months[day.month - 1]} {day.year}"


def _clean(text: str) -> str:
    """`text` composed (NFC), on one line, without the invisible characters that PDF/A forbids or that deceive.

    Removed: controls, private-use and unassigned code points, and formatting marks such as the right-to-left
    override. The two joiners stay: Persian and Indic names are spelt with them.
    """
    kept = (
        c
        for c in unicodedata.normalize("NFC", text)
        if c in "\u200c\u200d" or c.isspace() or not unicodedata.category(c).startswith("C")
    )
    return " ".join("".join(kept).split())


def _breakable(text: str) -> str:
    """Lets a "word" too long for any line be broken, by zero-width spaces; real words and names have none."""
    return re.sub(rf"\S{{{LONGEST_UNBROKEN_WORD}}}(?=\S)", "\\g<0>\u200b", text)


def _qr_svg(url: str) -> str:
    """The QR code of `url` as one filled SVG path, with the four-module quiet zone that scanners need.

    segno's own SVG strokes each row, which leaves hairline seams between rows in some viewers; these rows
    overlap by a little instead. The mask is given because weighing all eight takes a quarter of the whole
    certificate's time; scanners read the mask from the code, and its error correction is raised where it is free.
    """
    matrix = [bytes(row) for row in segno.make(url, error="m", micro=False, mask=QR_MASK).matrix]
    side = len(matrix) + 8
    runs = "".join(
        f"M{run.start() + 4} {y}h{run.end() - run.start()}v1.04h-{run.end() - run.start()}z"
        for y, row in enumerate(matrix, start=4)
        for run in re.finditer(rb"\x01+", row)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"><path d="{runs}"/></svg>'


# typst

_local = threading.local()


@cache
def _fonts(*, all_fonts: bool) -> typst.Fonts:
    """The carried fonts alone, or those and typst's own and this machine's; parsed once for a process."""
    return typst.Fonts(
        include_system_fonts=all_fonts, include_embedded_fonts=all_fonts, font_paths=[FONT_DIR]
    )


def _local_compiler(*, all_fonts: bool) -> typst.Compiler:
    """This thread's compiler: one refuses to be used by two threads at once, and each keeps what it has parsed."""
    compilers: dict[bool, typst.Compiler] = _local.__dict__.setdefault("compilers", {})
    if all_fonts not in compilers:
        compilers[all_fonts] = typst.Compiler(
            TEMPLATE, root=TYPST_DIR, font_paths=_fonts(all_fonts=all_fonts)
        )
    return compilers[all_fonts]


def _compile(document: dict[str, Any], credential: str, compiler: typst.Compiler) -> bytes:
    """The PDF at the largest size that fits one page. Raises TypstError for letters that no font at hand has."""
    inputs = {"certificate": json.dumps(document)}
    if credential:
        inputs["credential"] = credential
    for size in SIZES:
        try:
            pdf = compiler.compile(
                format="pdf",
                sys_inputs=inputs | {"size": size},
                pdf_standards=["ua-1", "a-3a"],
                timestamp=datetime(*document["date"], tzinfo=UTC),
            )
        except typst.TypstError as error:
            if TOO_LONG not in error.message:
                raise
        else:
            assert isinstance(pdf, bytes)
            return pdf
    raise AssertionError("unreachable: the last size is scaled to one page")


# Letters that the carried font lacks


@cache
def _carried_characters() -> frozenset[str]:
    """The characters that the carried regular font can draw, from its character map.

    Read from the format 4 subtable, which every font that covers the basic plane has. Source: OpenType
    specification, "cmap".
    """
    font = (FONT_DIR / "NotoSans-Regular.ttf").read_bytes()
    tables = struct.unpack_from(">H", font, 4)[0]
    records = (struct.unpack_from(">4sIII", font, 12 + 16 * i) for i in range(tables))
    cmap = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    subtables = struct.unpack_from(">H", font, cmap + 2)[0]
    starts = (cmap + struct.unpack_from(">HHI", font, cmap + 4 + 8 * i)[2] for i in range(subtables))
    table = next(start for start in starts if struct.unpack_from(">H", font, start)[0] == 4)
    segments = struct.unpack_from(">H", font, table + 6)[0] // 2
    ends = struct.unpack_from(f">{segments}H", font, table + 14)
    begins = struct.unpack_from(f">{segments}H", font, table + 16 + 2 * segments)
    return frozenset(
        chr(code) for begin, end in zip(begins, ends, strict=True) for code in range(begin, end + 1)
    )


def _characters(document: dict[str, Any]) -> set[str]:
    return set(json.dumps(document, ensure_ascii=False))


def _without(document: dict[str, Any], lacking: set[str]) -> dict[str, Any]:
    """`document` with each run of `lacking` characters shown as "…"; its title, never drawn, stays whole."""
    run = re.compile(f"[{re.escape(''.join(sorted(lacking)))}]+(?: +[{re.escape(''.join(sorted(lacking)))}]+)*")

    def shown(value: Any) -> Any:
        match value:
            case str():
                return run.sub("…", value)
            case list():
                return [shown(item) for item in value]
            case dict():
                return {key: shown(item) for key, item in value.items()}
            case _:
                return value

    printable: dict[str, Any] = {**shown(document), "title": document["title"]}
    if printable["name"] != document["name"]:
        printable["name_note"] = document["words"]["name_note"]
    return printable
