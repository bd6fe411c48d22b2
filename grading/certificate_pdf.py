"""Draws one certificate as a tagged A4 PDF: both PDF/UA-1 (accessible) and PDF/A-3a (kept for years).

The look is `typst/certificate.typ`, the words are `typst/words/<language>.json`, and all that is decided
about them is here. Facts travel to typst as JSON in its `sys_inputs` and are never written into its
source, so a name such as `#panic("x")` prints as typed.

The same facts give the same bytes: the document's date is the day of completion, no clock is read.
"""

import json
import re
import struct
import threading
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import segno
import typst

TYPST_DIR = Path(__file__).parent / "typst"
TEMPLATE = TYPST_DIR / "certificate.typ"
FONT_DIR = TYPST_DIR / "fonts"
WORDS_DIR = TYPST_DIR / "words"

# Sizes of the text in points, tried in turn until the certificate fits its page; then it is scaled.
SIZES = ("10", "9", "8", "7", "6", "scaled")
TOO_LONG = "over one page"  # what certificate.typ says of a size that does not fit

HASH_LENGTH_SHOWN = 12
LONGEST_UNBROKEN_WORD = 30
# The mask that segno itself picks most often for our addresses. Weighing all eight would take a quarter
# of a certificate's time, and a scanner reads from the code which it was.
QR_MASK = 2
JOINERS = "\u200c\u200d"  # Persian and Indic names are spelt with them
BREAK_HERE = "\u200b"

# The address a certificate is checked at must be one that a browser opens: never javascript: or file:.
WEB_ADDRESS = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What one certificate says, frozen when it was issued.

    Text fields may be empty unless said otherwise, and what is empty leaves no gap on the page. Any
    Unicode is accepted anywhere.
    """

    holder_name: str  # never empty
    module_title: str  # never empty
    outcomes: tuple[str, ...]
    completed_on: date
    minutes: int  # taught, not spent
    percentage: int
    pass_mark: int
    code: str  # the certificate's number, e.g. 7QX4-M2KD-9PTA; never empty
    verify_url: str  # http or https
    cpd_hours: str | Decimal = ""
    provider: str = "SafeResponse"
    school: str = ""  # at the time
    role: str = ""
    nation: str = ""  # as the record has it: the page has a word for each that we know
    audience: str = ""
    renew_by: date | None = None
    guidance_edition: str = ""
    module_version: str = ""
    content_hash: str = ""  # may be whole: only its start is shown
    review_status: str = ""  # starts with "reviewed", or the page warns that the content is not
    signatory: str = ""
    language: str = "en"  # of the content; the certificate's own words too, where we have them


def render(facts: CertificateFacts, *, credential: str = "") -> bytes:
    """The certificate as PDF bytes, always one page.

    `credential` is the Open Badges 3.0 JSON to carry inside the file, if any. Letters that the carried
    font lacks are drawn with a font of typst's own or of this machine; what no font has is shown as "…"
    with a note, and stays whole in the document's title.
    Raises ValueError for facts that would make it untrue or useless: no name, title or code, no web
    address to check it at, or a result below the pass mark.
    """
    _refuse_untrue(facts)
    document = _document(facts)
    try:
        return _compile(document, credential, _local_compiler(all_fonts=False))
    except typst.TypstError:
        # PDF/A and PDF/UA forbid a letter without a glyph: typst refuses it rather than print a box.
        lacking = _characters(document) - _carried_characters()
        if not lacking:
            raise
    try:
        return _compile(document, credential, _local_compiler(all_fonts=True))
    except typst.TypstError:
        printable = _without(document, lacking)
        return _compile(printable, credential, _local_compiler(all_fonts=False))


def _refuse_untrue(facts: CertificateFacts) -> None:
    for field in ("holder_name", "module_title", "code"):
        if not _clean(getattr(facts, field)):
            raise ValueError(f"A certificate needs a {field}.")
    if not WEB_ADDRESS.fullmatch(facts.verify_url):
        raise ValueError(f"A certificate needs a web address to check it at, not {facts.verify_url!r}.")
    if facts.percentage < facts.pass_mark:
        raise ValueError(f"{facts.percentage}% is below the pass mark of {facts.pass_mark}%.")


# What the page says


@cache
def _words(language: str) -> dict[str, Any]:
    """The certificate's own words; `{}` stands for the fact that the words are about."""
    words: dict[str, Any] = json.loads((WORDS_DIR / f"{language}.json").read_text(encoding="utf-8"))
    return words


@cache
def languages() -> frozenset[str]:
    """The languages we have words in. Another's content is put in English words, and marked as its own."""
    return frozenset(path.stem for path in WORDS_DIR.glob("*.json"))


def _document(facts: CertificateFacts) -> dict[str, Any]:
    """All that `certificate.typ` lays out, in order, with what is empty left out."""
    language = facts.language if facts.language in languages() else "en"
    words = _words(language)
    name, module = _clean(facts.holder_name), _clean(facts.module_title)
    status = _clean(facts.review_status)
    reviewed = status.casefold().startswith("reviewed")
    minutes = words["one_minute"] if facts.minutes == 1 else words["minutes"].format(facts.minutes)
    details = (
        (words["school"], facts.school),
        (words["role"], facts.role),
        (words["nation"], words["nations"].get(facts.nation, facts.nation)),
        (words["audience"], words["audiences"].get(facts.audience, facts.audience)),
        (words["renew_by"], _day(facts.renew_by, words) if facts.renew_by else ""),
        (words["guidance_edition"], facts.guidance_edition),
        (words["module_version"], facts.module_version),
        (words["content_hash"], facts.content_hash.removeprefix("sha256:")[:HASH_LENGTH_SHOWN]),
        (words["content_review"], status if reviewed else ""),
    )
    figures = (
        (words["result"].format(facts.pass_mark), f"{facts.percentage}%"),
        (words["taught"], minutes),
        (words["cpd_hours"], str(facts.cpd_hours)),
    )
    return {
        "lang": language,
        "content_lang": facts.language if re.fullmatch("[a-z]{2,3}", facts.language) else language,
        "title": words["title"].format(name, module),
        "date": [facts.completed_on.year, facts.completed_on.month, facts.completed_on.day],
        "words": words,
        "name": _breakable(name),
        "name_note": "",
        "module": _breakable(module),
        "completed": words["completed_on"].format(_day(facts.completed_on, words)),
        "figures": _labelled(figures),
        "outcomes": [_breakable(text) for text in map(_clean, facts.outcomes) if text],
        "details": _labelled(details),
        "code": _breakable(_clean(facts.code)),
        "provider": _breakable(_clean(facts.provider)),
        "signatory": _breakable(_clean(facts.signatory)),
        "verify_url": facts.verify_url,
        "qr": _qr_svg(facts.verify_url),
        "qr_alt": words["qr_alt"].format(facts.verify_url),
        "warning": "" if reviewed else words["not_reviewed"].format(words["statuses"].get(status, status)),
        "small_print": words["small_print"],
    }


def _labelled(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    cleaned = ((label, _clean(value)) for label, value in pairs)
    return [{"label": label, "value": _breakable(value)} for label, value in cleaned if value]


def _day(day: date, words: dict[str, Any]) -> str:
    return f"{day.day} {words['months'][day.month - 1]} {day.year}"


def _clean(text: str) -> str:
    """`text` composed (NFC), on one line, without invisible characters that PDF/A forbids or that deceive.

    Removed: controls, private-use and unassigned code points, and formatting marks such as the
    right-to-left override.
    """
    kept = (
        c
        for c in unicodedata.normalize("NFC", text)
        if c in JOINERS or c.isspace() or not unicodedata.category(c).startswith("C")
    )
    return " ".join("".join(kept).split())


def _breakable(text: str) -> str:
    """Lets a "word" too long for any line be broken. No real name is touched."""
    return re.sub(rf"\S{{{LONGEST_UNBROKEN_WORD}}}(?=\S)", rf"\g<0>{BREAK_HERE}", text)


def _qr_svg(url: str) -> str:
    """The QR code of `url` as one filled SVG path, with the quiet zone of four that scanners need.

    segno's own SVG strokes each row, which leaves hairline seams between rows in some viewers; these
    rows overlap by a little instead.
    """
    code = segno.make(url, error="m", micro=False, mask=QR_MASK)
    side = len(code.matrix) + 8
    path = "".join(
        f"M{run.start() + 4} {y}h{len(run[0])}v1.04h-{len(run[0])}z"
        for y, row in enumerate(code.matrix, start=4)
        for run in re.finditer(rb"\x01+", bytes(row))
    )
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
    return f'{svg}<path d="{path}"/></svg>'


# typst

_local = threading.local()


@cache
def _fonts(*, all_fonts: bool) -> typst.Fonts:
    """The carried fonts alone, or with typst's own and this machine's; read once for the process."""
    return typst.Fonts(
        include_system_fonts=all_fonts, include_embedded_fonts=all_fonts, font_paths=[FONT_DIR]
    )


def _local_compiler(*, all_fonts: bool) -> typst.Compiler:
    """This thread's compiler: one must not be used by two threads at once. Their memory is shared."""
    compilers: dict[bool, typst.Compiler] = _local.__dict__.setdefault("compilers", {})
    if all_fonts not in compilers:
        compilers[all_fonts] = typst.Compiler(
            TEMPLATE, root=TYPST_DIR, font_paths=_fonts(all_fonts=all_fonts)
        )
    return compilers[all_fonts]


def _compile(document: dict[str, Any], credential: str, compiler: typst.Compiler) -> bytes:
    """The PDF at the largest size that fits one page. Raises TypstError for letters no font at hand has."""
    inputs = {"certificate": json.dumps(document)}
    if credential:
        inputs["credential"] = credential
    for size in SIZES:
        try:
            pdf = compiler.compile(
                format="pdf",
                sys_inputs=inputs | {"size": size},
                pdf_standards=["ua-1", "a-3a"],
                timestamp=datetime.combine(date(*document["date"]), time(), UTC),
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

    Read from its format 4 subtable, which every font for the basic plane has (OpenType, "cmap").
    """
    font = (FONT_DIR / "NotoSans-Regular.ttf").read_bytes()
    tables = struct.unpack_from(">H", font, 4)[0]
    records = (struct.unpack_from(">4sIII", font, 12 + 16 * i) for i in range(tables))
    cmap = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    subtables = struct.unpack_from(">H", font, cmap + 2)[0]
    offsets = (struct.unpack_from(">I", font, cmap + 8 + 8 * i)[0] for i in range(subtables))
    table = next(cmap + o for o in offsets if struct.unpack_from(">H", font, cmap + o)[0] == 4)
    segments = struct.unpack_from(">H", font, table + 6)[0] // 2
    ends = struct.unpack_from(f">{segments}H", font, table + 14)
    begins = struct.unpack_from(f">{segments}H", font, table + 16 + 2 * segments)
    return frozenset(
        chr(code) for begin, end in zip(begins, ends, strict=True) for code in range(begin, end + 1)
    )


def _characters(document: dict[str, Any]) -> set[str]:
    """All characters of `document` that would be drawn, and some that would not."""
    return set(json.dumps(document, ensure_ascii=False)) - set(JOINERS + BREAK_HERE)


def _without(document: dict[str, Any], lacking: set[str]) -> dict[str, Any]:
    """`document` with each run of `lacking` characters shown as "…"; what is never drawn stays whole."""
    one = f"[{re.escape(''.join(sorted(lacking)))}]"
    run = re.compile(f"{one}[{JOINERS}{BREAK_HERE}]*(?: *{one}[{JOINERS}{BREAK_HERE}]*)*")

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

    undrawn = {key: document[key] for key in ("title", "qr", "qr_alt")}
    printable: dict[str, Any] = {**shown(document), **undrawn}
    if printable["name"] != document["name"]:
        printable["name_note"] = document["words"]["name_note"]
    return printable
