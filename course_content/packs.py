"""Reading a pack folder into modules, or saying everything that is wrong with it.

    module.yaml       a pack of one form: what it is, and the files of its steps in order; or
    forms/*.yaml      one file for each form (course) that is made of the pack's steps
    common.yaml       (optional) fields that all forms share
    terms.yaml        (optional) words that differ by nation and audience, under `terms:`
    guidance.yaml     the guidance it rests on: a list under `guidance:`
    changes.yaml      (optional) which edition replaced which, and who must be taught anew: a list under `changes:`
    claims.yaml, claims/*.yaml   what it says is so, and by which guidance: lists under `claims:`
    lessons/          Markdown under YAML front matter
    scenarios/, assessments/, commitments/, quizzes/, or commitment.yaml and quiz.yaml   (optional)
    questions/*.yaml  (optional) banks that quizzes draw from
    languages/cy.po   (optional) its texts in another language
    README.md         (optional, for authors; not part of the content)

A form is made for one variant at a time (see `variants`), when somebody asks for it: what a file comes to is
kept, so that a hundred variants of a form cost little more than one. Problems are collected, not raised one by
one, and each names the file and line to mend.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from course_content import pack_rules, translations, variants
from course_content.making import Form, Made, Maker
from course_content.pack_files import (
    BANK,
    BIGGEST_CATALOGUE,
    BIGGEST_FILE,
    CATALOGUE,
    CLAIMS,
    CLAIMS_FILE,
    COMMON_FILE,
    FORM_FILE,
    FORMS_FOLDER,
    GUIDANCE_FILE,
    MODULE_FILE,
    MOST_FILES,
    OTHER,
    STEP_FILE,
    banks_named,
    files_named,
    mapping,
    rules_of,
)
from course_content.pack_problems import (
    PackError,
    PackProblem,
    Problems,
    in_order,
    located,
    problems_of,
)
from course_content.pack_rules import Finding
from course_content.schema import Bank, Module
from course_content.slips import explain, field_of
from course_content.sources import Loc, Source, read_markdown, read_yaml
from course_content.translations import Translation
from course_content.variants import Asks, Readers, Variant

_Part = TypeVar("_Part", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class PackReport:
    """What a whole pack gave: each form for each variant in which it has no error, and every problem by file."""

    folder: Path
    modules: tuple[Module, ...]
    problems: Problems

    @property
    def module(self) -> Module | None:
        """The first form for its usual readers, if the pack has no error."""
        return self.modules[0] if self.modules and not self.errors else None

    @property
    def errors(self) -> Problems:
        return tuple(p for p in self.problems if p.is_error)

    @property
    def warnings(self) -> Problems:
        return tuple(p for p in self.problems if not p.is_error)

    def located(self) -> Problems:
        """The problems with the folder in front of the file, to tell packs apart."""
        return located(self.folder, self.problems)


def is_pack(folder: Path) -> bool:
    """Whether a folder is a pack, and not one of packs."""
    return (folder / MODULE_FILE).exists() or (folder / FORMS_FOLDER).is_dir()


def read_pack(folder: Path | str, slug: str | None = None, variant: Variant | None = None) -> Module:
    """One form of the pack in `folder` (its only one, unless named) for a variant (its usual one).

    Raises PackError with all its problems if any is an error.
    """
    pack = Pack(folder)
    form = next((f for f in pack.forms if slug in (None, f.slug)), None)
    made = pack.made(form, variant or form.usual) if form else Made(None, ())
    if made.module is None:
        raise PackError(pack.folder, (*pack.problems, *made.problems))
    return made.module


def check_pack(folder: Path | str) -> PackReport:
    """Make every form of the pack in `folder` for every variant. Never raises on account of the content."""
    return report_on(Pack(folder))


def report_on(pack: "Pack") -> PackReport:
    """What a pack gives, whole."""
    made = [(variant, pack.made(form, variant)) for form in pack.forms for variant in form.variants]
    found: dict[PackProblem, list[Variant]] = {}
    for variant, one in made:
        for problem in one.problems:
            found.setdefault(problem, []).append(variant)
    everybody = {str(variant) for variant, _ in made}
    problems = {
        replace(problem, variant="" if {str(v) for v in where} == everybody else str(where[0]))
        for problem, where in found.items()
    }
    modules = tuple(one.module for _, one in made if one.module is not None)
    loose = {p for form in pack.forms[:1] for p in Maker(pack, form, form.usual).look_at(pack.loose)}
    all_made = bool(made) and len(modules) == len(made)
    every = {*pack.problems, *problems, *loose, *pack.unused(modules, every=all_made)}
    return PackReport(pack.folder, modules, in_order(every))


# How many packs stay open: more than a server has.
MOST_OPEN = 32
_State = tuple[tuple[str, int, int], ...]
_opened: dict[Path, tuple[_State, "Pack"]] = {}


def opened(folder: Path | str) -> "Pack":
    """The pack in a folder as it is on disk now. It is read again only when a file of it has changed."""
    folder = Path(folder)
    state = _state(folder)
    if folder not in _opened or _opened[folder][0] != state:
        _opened.pop(folder, None)
        _opened[folder] = (state, Pack(folder))
        if len(_opened) > MOST_OPEN:
            del _opened[next(iter(_opened))]  # the one that has been open the longest
    return _opened[folder][1]


def _state(folder: Path) -> _State:
    """What tells whether a file came, went or changed: names, sizes and moments of change."""
    found = []
    for name, path in islice(_files_in(folder), MOST_FILES + 1):
        try:
            stat = path.stat()
        except OSError:  # gone while we looked
            continue
        found.append((name, stat.st_size, stat.st_mtime_ns))
    return tuple(sorted(found))


def _files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file of a pack with its path there. What begins with a dot is none: a checkout has many of those."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if not any(part.startswith(".") for part in name.split("/")) and not path.is_dir():
            yield name, path


def bank_of(pack: "Pack", name: str, variant: Variant) -> Bank:
    """A bank of questions for one variant. Raises PackError."""
    file = f"questions/{name}.yaml"
    if not pack.forms or file not in pack.sources:
        raise PackError(pack.folder, (PackProblem(file, 1, "", "there is no such bank"),))
    maker = Maker(pack, pack.forms[0], variant)
    bank = maker.bank(file)
    if bank is None:
        raise PackError(pack.folder, in_order(maker.problems))
    return bank


def content_hash(files: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 over (path in the pack, content), in order of path, each with its length.

    Line ends are made plain first, so a checkout on Windows is the same content.
    """
    digest = hashlib.sha256()
    for path, content in sorted(files):
        content = content.replace(b"\r\n", b"\n")
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as some readers get it, and what it came to."""

    source: Source
    part: Any
    problems: Problems
    drafted: bool = False


class Pack:
    """One folder, read once. Its forms are made when they are asked for, and what was made is kept."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.sources: dict[str, Source] = {}
        self.contents: dict[str, bytes] = {}
        self.translations: dict[str, Translation] = {}
        self._problems: list[PackProblem] = []
        self._asks: dict[str, Asks] = {}
        self._read: dict[tuple[str, tuple[object, ...]], _Read] = {}
        self._made: dict[tuple[str, Variant], Made] = {}
        self._read_files()

    @property
    def problems(self) -> Problems:
        """What is wrong with the files themselves, whoever reads them."""
        return in_order(self._problems)

    @cached_property
    def content_hash(self) -> str:
        return content_hash(self.contents.items())

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The forms of the pack, by file."""
        return tuple(self._form(file) for file in sorted(self.sources) if FORM_FILE.fullmatch(file))

    def made(self, form: Form, variant: Variant) -> Made:
        """The form for one variant."""
        key = form.file, variant
        if key not in self._made:
            self._made[key] = Maker(self, form, variant).make()
        return self._made[key]

    @cached_property
    def loose(self) -> tuple[str, ...]:
        """The steps that no form takes."""
        listed = {file for form in self.forms for file in files_named(self.sources[form.file].data)}
        return tuple(file for file in self.sources if STEP_FILE.fullmatch(file) and file not in listed)

    def unused(self, modules: Iterable[Module], *, every: bool) -> Iterator[PackProblem]:
        """What stands in the pack and in none of its forms. What is used is not known unless every form is made."""
        for file in self.loose:
            where = MODULE_FILE if MODULE_FILE in self.sources else "a form"
            yield PackProblem(file, 1, "", f"is not among the steps of {where}")
        if not every:
            return
        used = {claim.id for module in modules for claim in module.claims}
        for file, source in self.sources.items():
            claims = mapping(source).get("claims") if CLAIMS.fullmatch(file) else None
            for i, claim in enumerate(claims if isinstance(claims, list) else ()):
                claim_id = claim.get("id") if isinstance(claim, dict) else None
                if isinstance(claim_id, str) and claim_id not in used:
                    message = f"nothing in the pack rests on '{claim_id}'"
                    loc = ("claims", i)
                    yield PackProblem(file, source.line(loc), field_of(loc), message, "warning")

    # -- files

    def _read_files(self) -> None:
        if not self.folder.is_dir():
            self._say(MODULE_FILE, (), f"there is no folder {self.folder}")
            return
        files = dict(islice(_files_in(self.folder), MOST_FILES + 1))
        if len(files) > MOST_FILES:
            self._say(MODULE_FILE, (), f"the pack holds more than {MOST_FILES} files")
            return
        for file, path in sorted(files.items()):
            if file != "README.md":
                self._read_file(path, file)
        here = set(files)
        if not any(FORM_FILE.fullmatch(file) for file in here):
            self._say(MODULE_FILE, (), "is missing from the pack")
        if GUIDANCE_FILE not in here:
            self._say(GUIDANCE_FILE, (), "is missing from the pack")
        if not any(CLAIMS.fullmatch(file) for file in here):
            self._say(CLAIMS_FILE, (), "is missing from the pack")
        self._check_forms()

    def _check_forms(self) -> None:
        """A form is known by its slug and version: each once, and the same for all its readers."""
        for i, form in enumerate(self.forms):
            said = {**mapping(self.sources.get(COMMON_FILE)), **mapping(self.sources[form.file])}
            for name in ("slug", "version"):
                value = said.get(name)
                if isinstance(value, dict) or (isinstance(value, str) and "$" in value):
                    self._say(form.file, (name,), "must be the same for all readers")
            if any(form.slug == other.slug for other in self.forms[:i]):
                self._say(form.file, ("slug",), f"'{form.slug}' is used by another form of this pack")

    def _read_file(self, path: Path, file: str) -> None:
        known = (STEP_FILE, FORM_FILE, CLAIMS, BANK, OTHER, CATALOGUE)
        if not any(pattern.fullmatch(file) for pattern in known):
            shown = file.encode(errors="replace").decode()
            self._say(shown, (), "is not a file of a pack (see course_content/packs.py); remove it")
            return
        if path.is_symlink() or not path.is_file():
            self._say(file, (), "must be an ordinary file, not a link to another")
            return
        biggest = BIGGEST_CATALOGUE if CATALOGUE.fullmatch(file) else BIGGEST_FILE
        if path.stat().st_size > biggest:
            self._say(file, (), f"is larger than {biggest // 1024} kB")
            return
        try:
            content = path.read_bytes()
        except OSError as error:
            self._say(file, (), f"cannot be read: {error.strerror}")
            return
        if catalogue := CATALOGUE.fullmatch(file):
            self.contents[file] = content
            self.translations[catalogue[1]], faults = translations.read(content)
            for fault in faults:
                self._say(file, (), fault.message, line=fault.line)
            return
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self._say(file, (), "is not UTF-8 text", line=line)
            return
        source, faults = (read_markdown if file.endswith(".md") else read_yaml)(file, text)
        for fault in faults:
            self._say(file, fault.loc, fault.message, line=fault.line)
        self.contents[file] = content
        self.sources[file] = source

    def _say(self, file: str, loc: Loc, message: str, *, line: int = 1) -> None:
        self._problems.append(PackProblem(file, line, field_of(loc), message))

    # -- forms

    def _form(self, file: str) -> Form:
        """What has to be known of a form before it is made. What cannot be read is reported when it is."""
        said: dict[str, Any] = {**mapping(self.sources.get(COMMON_FILE)), **mapping(self.sources[file])}

        def of(name: str, known: tuple[Any, ...]) -> list[Any]:
            values = said.get(name)
            return [v for v in values if v in known] if isinstance(values, list) else []

        nations = of("nations", variants.NATIONS) or [variants.NATIONS[0]]
        audiences = of("audiences", variants.AUDIENCES) or [variants.AUDIENCES[0]]
        languages = of("languages", variants.LANGUAGES) or ["en"]
        return Form(
            file,
            slug=_plain(said.get("slug")),
            version=_plain(said.get("version")),
            variants=tuple(
                Variant(nation, audience, language)
                for language in languages
                for nation in nations
                for audience in audiences
            ),
        )

    def files_of(self, form: Form) -> tuple[str, ...]:
        """Every file whose words a form uses, for whomever: its steps, their banks, and what all forms share."""
        steps = [file for file in files_named(self.sources[form.file].data) if file in self.sources]
        banks = [f"questions/{name}.yaml" for file in steps for name in banks_named(self.sources[file].data)]
        shared = [COMMON_FILE] if COMMON_FILE in self.sources else []
        return tuple(dict.fromkeys((form.file, *steps, *(b for b in banks if b in self.sources), *shared)))

    # -- parts

    def source(self, file: str, readers: Readers) -> tuple[Source, Problems, bool]:
        """A file as these readers get it, what is wrong in what differs, and whether a machine translated any."""
        resolved = variants.resolve(self.sources[file], readers)
        problems = (PackProblem(file, f.line, field_of(f.loc), f.message) for f in resolved.faults)
        return resolved.source, tuple(problems), resolved.drafted

    def read(self, file: str, model: type[_Part], readers: Readers, *, under: str = "") -> _Read:
        """A file's part for these readers, checked by itself. Read once for all who get the same."""
        key = file, readers.answers(self._asked_by(file) | (self._asked_by(under) if under else Asks()))
        if key not in self._read:
            self._read[key] = self._read_part(file, model, readers, under)
        return self._read[key]

    def _asked_by(self, file: str) -> Asks:
        if file not in self._asks:
            source = self.sources.get(file)
            self._asks[file] = variants.asks_of(source) if source else Asks()
        return self._asks[file]

    def _read_part(self, file: str, model: type[_Part], readers: Readers, under: str) -> _Read:
        source, problems, drafted = self.source(file, readers)
        findings = [f for text in source.texts() for f in pack_rules.text_findings(text)]
        if STEP_FILE.fullmatch(file) or FORM_FILE.fullmatch(file) or BANK.fullmatch(file):
            findings += pack_rules.reading_findings(source)
        problems = (*problems, *problems_of(file, source, findings))
        if source.data is None:
            return _Read(source, None, problems)
        data, common = source.data, None
        if under in self.sources and isinstance(data, dict):
            common, more, also_drafted = self.source(under, readers)
            drafted = drafted or also_drafted
            findings = [f for text in common.texts() for f in pack_rules.text_findings(text)]
            problems = (*problems, *more, *problems_of(under, common, findings))
            data = {**mapping(common), **data}
        try:
            part = model.model_validate(data)
        except ValidationError as invalid:
            for error in invalid.errors(include_url=False):
                own = error["loc"][0] in source.data if isinstance(source.data, dict) else True
                where, said = (file, source) if own or common is None else (under, common)
                problems = (*problems, *problems_of(where, said, [Finding(*explain(error, data))]))
            return _Read(source, None, problems)
        return _Read(source, part, (*problems, *problems_of(file, source, rules_of(part, source))), drafted)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else ""
