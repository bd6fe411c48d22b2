"""The interface's words in Welsh: what is marked for translation, the catalogue of it, and the catalogue compiled.

`make words` brings `deploy/locale/cy/LC_MESSAGES/django.po` up to date with the pages and compiles it. Babel does
it, which every installation has; no gettext tools are needed, and they must not be used to compile: a message that
a machine drafted is marked *fuzzy* until a reader of Welsh has agreed to it, and `msgfmt` would leave it out.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
APPS = ("lti_tool", "grading", "course_content", "deploy")
# Operators' and authors' pages are English alone.
OPERATORS = (
    "lti_tool/templates/lti_tool/admin/",
    "lti_tool/connection_forms.py",
    "course_content/templates/admin/",
    "course_content/templates/course_content/authoring/",
)
WELSH = ROOT / "deploy" / "locale" / "cy" / "LC_MESSAGES" / "django.po"

_KEYWORDS = {**DEFAULT_KEYWORDS, "gettext_lazy": None, "gettext_noop": None, "ngettext_lazy": (1, 2)}
_HEADER = """\
# The interface of SafeResponse in Welsh.
#
# DRAFTED BY A MACHINE, AND NOT REVIEWED YET: every message that is marked "fuzzy".
# It is shown all the same, and the foot of each page says so. A reader of Welsh who
# agrees to a message, or has mended it, takes its mark away.
# Compile with `make words`; msgfmt would leave out what is marked."""


def marked() -> Catalog:
    """Everything that is marked for translation."""
    catalog = Catalog(locale="cy", charset="utf-8")
    for file in sources():
        source = file.read_text(encoding="utf-8")
        if file.suffix != ".py":
            # Lines of markup that became Python must not be indented as markup is.
            lines = templatize(source, origin=str(file)).splitlines()
            source = "\n".join(line.strip() for line in lines)
        found = extract("python", BytesIO(source.encode()), keywords=_KEYWORDS)
        for _line, message, _comments, context in found:
            catalog.add(message, locations=[(str(file.relative_to(ROOT)), 0)], context=context)
    return catalog


def sources() -> Iterator[Path]:
    """The program's files and pages whose words people other than operators read."""
    for app in APPS:
        for file in sorted((ROOT / app).rglob("*")):
            path = file.relative_to(ROOT)
            is_page = "templates" in path.parts and file.suffix in {".html", ".txt"}
            # The demo VLE is a program of its own.
            elsewhere = path.as_posix().startswith(OPERATORS) or "demo_vle" in path.parts
            if not elsewhere and (is_page or file.suffix == ".py"):
                yield file


def read(content: bytes) -> Catalog:
    """A catalogue as its file holds it."""
    return pofile.read_po(BytesIO(content), locale="cy", abort_invalid=True)


def updated(content: bytes) -> bytes:
    """The catalogue with every message that is marked now: what was translated stays, what is gone goes."""
    catalog = read(content)
    catalog.update(marked(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.header_comment = _HEADER
    catalog.fuzzy = False  # the header is nobody's translation
    written = BytesIO()
    pofile.write_po(written, catalog, width=110, sort_by_file=True, include_lineno=False)
    return written.getvalue()


def compiled(content: bytes) -> bytes:
    """The catalogue as gettext reads it, with what a machine drafted."""
    written = BytesIO()
    mofile.write_mo(written, read(content), use_fuzzy=True)
    return written.getvalue()


if __name__ == "__main__":
    WELSH.write_bytes(updated(WELSH.read_bytes()))
    WELSH.with_suffix(".mo").write_bytes(compiled(WELSH.read_bytes()))
