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
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from course_content import (
    assessment_rules,
    pack_rules,
    question_rules,
    scenario_rules,
    translations,
    variants,
)
from course_content.pack_rules import Finding, Severity
from course_content.parts import holds_in
from course_content.questions import Unmarked
from course_content.schema import (
    Assessment,
    Bank,
    Change,
    Claim,
    Commitment,
    GuidanceEntry,
    Lesson,
    Module,
    ModuleFacts,
    ModuleFile,
    Quiz,
    Scenario,
    Section,
    Step,
)
from course_content.sources import Loc, Source, read_markdown, read_yaml
from course_content.translations import Translation
from course_content.variants import Asks, Readers, Variant

MODULE_FILE = "module.yaml"
FORMS_FOLDER = "forms"
COMMON_FILE = "common.yaml"
TERMS_FILE = "terms.yaml"
GUIDANCE_FILE = "guidance.yaml"
CHANGES_FILE = "changes.yaml"
CLAIMS_FILE = "claims.yaml"
QUIZ_FILE = "quiz.yaml"

BIGGEST_FILE = 256 * 1024
BIGGEST_CATALOGUE = 8 * 1024 * 1024
MOST_FILES = 400

_STEP_FILE = re.compile(
    r"lessons/([^/]+/)?[^/]+\.md|(scenarios|assessments|commitments|quizzes)/([^/]+/)?[^/]+\.yaml"
    r"|commitment\.yaml|quiz\.yaml"
)
_FORM_FILE = re.compile(r"module\.yaml|forms/[^/]+\.yaml")
_CLAIMS = re.compile(r"claims\.yaml|claims/[^/]+\.yaml")
_BANK = re.compile(r"questions/[^/]+\.yaml")
_CATALOGUE = re.compile(r"languages/([a-z]{2})\.po")
_OTHER = re.compile(r"(common|terms|guidance|changes)\.yaml")


@dataclass(frozen=True, slots=True)
class PackProblem:
    """One thing to mend. `file` is relative to the pack; `field` may be empty.

    `variant` is for whom it is wrong, where it is not so for everybody.
    """

    file: str
    line: int
    field: str
    message: str
    severity: Severity = "error"
    variant: str = ""

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        variant = f" ({self.variant})" if self.variant else ""
        return f"{self.file}:{self.line}: {field}{self.message}{variant}"

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


Problems = tuple[PackProblem, ...]


class PackError(ValueError):
    """The pack cannot be taught from. `problems` says why, warnings included."""

    def __init__(self, folder: Path, problems: Problems) -> None:
        super().__init__(f"{folder}:\n" + "\n".join(str(p) for p in problems))
        self.problems = problems


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


def located(folder: Path, problems: Problems) -> Problems:
    return tuple(replace(p, file=f"{folder}/{p.file}") for p in problems)


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
    loose = {p for form in pack.forms[:1] for p in _Maker(pack, form, form.usual).look_at(pack.loose)}
    every = {*pack.problems, *problems, *loose, *pack.unused(modules, every=len(modules) == len(made))}
    return PackReport(pack.folder, modules, in_order(every))


_State = tuple[tuple[str, int, int], ...]
_opened: dict[Path, tuple[_State, "Pack"]] = {}


def opened(folder: Path | str) -> "Pack":
    """The pack in a folder as it is on disk now. It is read again only when a file of it has changed."""
    folder = Path(folder)
    state = _state(folder)
    if folder not in _opened or _opened[folder][0] != state:
        _opened[folder] = (state, Pack(folder))
    return _opened[folder][1]


def _state(folder: Path) -> _State:
    """What tells whether a file came, went or changed: names, sizes and moments of change."""
    files = (path for path in folder.rglob("*") if path.is_file())
    stats = ((str(path.relative_to(folder)), path.stat()) for path in islice(files, MOST_FILES + 1))
    return tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))


def bank_of(pack: "Pack", name: str, variant: Variant) -> Bank:
    """A bank of questions for one variant. Raises PackError."""
    file = f"questions/{name}.yaml"
    if not pack.forms or file not in pack.sources:
        raise PackError(pack.folder, (PackProblem(file, 1, "", "there is no such bank"),))
    maker = _Maker(pack, pack.forms[0], variant)
    bank = maker.bank(file)
    if bank is None:
        raise PackError(pack.folder, in_order(maker.problems))
    return bank


def in_order(problems: Iterable[PackProblem]) -> Problems:
    """Each problem once, by file and line."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line, p.field, p.message)))


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


# --- the files that are lists or words ------------------------------------------------------------


class _Guidance(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    guidance: tuple[GuidanceEntry, ...] = Field(min_length=1)


class _Claims(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    claims: tuple[Claim, ...] = Field(min_length=1)


class _Changes(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    changes: tuple[Change, ...] = Field(min_length=1)


class _Terms(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    terms: dict[str, str]


_Part = TypeVar("_Part", bound=BaseModel)

_STEPS: tuple[tuple[str, type[Step]], ...] = (
    ("lessons/", Lesson),
    ("scenarios/", Scenario),
    ("assessments/", Assessment),
    ("commitment", Commitment),
    ("quiz", Quiz),
)


def _kind_of_step(file: str) -> type[Step]:
    return next(kind for start, kind in _STEPS if file.startswith(start))


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a pack, as far as it is known before it is made: its file, and for whom it is."""

    file: str
    slug: str
    version: str
    variants: tuple[Variant, ...]

    @property
    def usual(self) -> Variant:
        """For whom it is unless somebody says otherwise."""
        return self.variants[0]


@dataclass(frozen=True, slots=True)
class Made:
    """A form as made for one variant: the module if there was no error, and every problem."""

    module: Module | None
    problems: Problems


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
        return tuple(self._form(file) for file in sorted(self.sources) if _FORM_FILE.fullmatch(file))

    def made(self, form: Form, variant: Variant) -> Made:
        """The form for one variant."""
        key = form.file, variant
        if key not in self._made:
            self._made[key] = _Maker(self, form, variant).make()
        return self._made[key]

    @cached_property
    def loose(self) -> tuple[str, ...]:
        """The steps that no form takes."""
        listed = {file for form in self.forms for file in _listed(self.sources[form.file].data)}
        return tuple(file for file in self.sources if _STEP_FILE.fullmatch(file) and file not in listed)

    def unused(self, modules: Iterable[Module], *, every: bool) -> Iterator[PackProblem]:
        """What stands in the pack and in none of its forms. What is used is not known unless every form is made."""
        for file in self.loose:
            where = MODULE_FILE if MODULE_FILE in self.sources else "a form"
            yield PackProblem(file, 1, "", f"is not among the steps of {where}")
        if not every:
            return
        used = {claim.id for module in modules for claim in module.claims}
        for file, source in self.sources.items():
            claims = source.data.get("claims") if _CLAIMS.fullmatch(file) else None
            for i, claim in enumerate(claims or ()):
                if claim["id"] not in used:
                    message = f"nothing in the pack rests on '{claim['id']}'"
                    loc = ("claims", i)
                    yield PackProblem(file, source.line(loc), _field(loc), message, "warning")

    # -- files

    def _read_files(self) -> None:
        if not self.folder.is_dir():
            self._say(MODULE_FILE, (), f"there is no folder {self.folder}")
            return
        paths = sorted(p for p in self.folder.rglob("*") if not p.is_dir())[: MOST_FILES + 1]
        if len(paths) > MOST_FILES:
            self._say(MODULE_FILE, (), f"the pack holds more than {MOST_FILES} files")
            return
        for path in paths:
            file = path.relative_to(self.folder).as_posix()
            if file == "README.md" or any(p.startswith(".") for p in file.split("/")):
                continue
            self._read_file(path, file)
        here = {path.relative_to(self.folder).as_posix() for path in paths}
        if not any(_FORM_FILE.fullmatch(file) for file in here):
            self._say(MODULE_FILE, (), "is missing from the pack")
        if GUIDANCE_FILE not in here:
            self._say(GUIDANCE_FILE, (), "is missing from the pack")
        if not any(_CLAIMS.fullmatch(file) for file in here):
            self._say(CLAIMS_FILE, (), "is missing from the pack")

    def _read_file(self, path: Path, file: str) -> None:
        known = (_STEP_FILE, _FORM_FILE, _CLAIMS, _BANK, _OTHER, _CATALOGUE)
        if not any(pattern.fullmatch(file) for pattern in known):
            self._say(file, (), "is not a file of a pack (see course_content/packs.py); remove it")
            return
        if path.is_symlink() or not path.is_file():
            self._say(file, (), "must be an ordinary file, not a link to another")
            return
        biggest = BIGGEST_CATALOGUE if _CATALOGUE.fullmatch(file) else BIGGEST_FILE
        if path.stat().st_size > biggest:
            self._say(file, (), f"is larger than {biggest // 1024} kB")
            return
        content = path.read_bytes()
        if catalogue := _CATALOGUE.fullmatch(file):
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
        self._problems.append(PackProblem(file, line, _field(loc), message))

    # -- forms

    def _form(self, file: str) -> Form:
        """What has to be known of a form before it is made. What cannot be read is reported when it is."""
        said: dict[str, Any] = {**_mapping(self.sources.get(COMMON_FILE)), **_mapping(self.sources[file])}

        def of(name: str, known: tuple[Any, ...]) -> list[Any]:
            values = said.get(name)
            return [v for v in values if v in known] if isinstance(values, list) else []

        nations = of("nations", variants.NATIONS) or [variants.NATIONS[0]]
        audiences = of("audiences", variants.AUDIENCES) or [variants.AUDIENCES[0]]
        languages = of("languages", variants.LANGUAGES) or ["en"]
        return Form(
            file,
            slug=str(said.get("slug", "")),
            version=str(said.get("version", "")),
            variants=tuple(
                Variant(nation, audience, language)
                for language in languages
                for nation in nations
                for audience in audiences
            ),
        )

    def files_of(self, form: Form) -> tuple[str, ...]:
        """Every file whose words a form uses, for whomever: its steps, their banks, and what all forms share."""
        steps = [file for file in _listed(self.sources[form.file].data) if file in self.sources]
        banks = [f"questions/{name}.yaml" for file in steps for name in _banks(self.sources[file].data)]
        shared = [COMMON_FILE] if COMMON_FILE in self.sources else []
        return tuple(dict.fromkeys((form.file, *steps, *(b for b in banks if b in self.sources), *shared)))

    # -- parts

    def source(self, file: str, readers: Readers) -> tuple[Source, Problems, bool]:
        """A file as these readers get it, what is wrong in what differs, and whether a machine translated any."""
        resolved = variants.resolve(self.sources[file], readers)
        problems = (PackProblem(file, f.line, _field(f.loc), f.message) for f in resolved.faults)
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
        if _STEP_FILE.fullmatch(file) or _FORM_FILE.fullmatch(file) or _BANK.fullmatch(file):
            findings += pack_rules.reading_findings(source)
        problems = (*problems, *_problems(file, source, findings))
        if source.data is None:
            return _Read(source, None, problems)
        data, common = source.data, None
        if under in self.sources and isinstance(data, dict):
            common, more, also_drafted = self.source(under, readers)
            drafted = drafted or also_drafted
            findings = [f for text in common.texts() for f in pack_rules.text_findings(text)]
            problems = (*problems, *more, *_problems(under, common, findings))
            data = {**_mapping(common), **data}
        try:
            part = model.model_validate(data)
        except ValidationError as invalid:
            for error in invalid.errors(include_url=False):
                own = error["loc"][0] in source.data if isinstance(source.data, dict) else True
                where, said = (file, source) if own or common is None else (under, common)
                problems = (*problems, *_problems(where, said, [Finding(*_explain(error, data))]))
            return _Read(source, None, problems)
        return _Read(source, part, (*problems, *_problems(file, source, _rules(part, source))), drafted)


def _rules(part: BaseModel, source: Source) -> Iterator[Finding]:
    """What must hold inside one file."""
    if isinstance(part, Scenario):
        yield from scenario_rules.scenario_findings(part)
    elif isinstance(part, Bank | Quiz):
        yield from question_rules.bank_findings(part)
    elif isinstance(part, Assessment):
        yield from assessment_rules.assessment_findings(part)
    elif isinstance(part, Commitment):
        yield from assessment_rules.commitment_findings(part)
    elif isinstance(part, Lesson):
        yield from question_rules.lesson_findings(part, source.body_line)


def _mapping(source: Source | None) -> dict[str, Any]:
    return source.data if source and isinstance(source.data, dict) else {}


def _listed(form: Any) -> Iterator[str]:
    """Every file that a form names, for whomever."""
    if isinstance(form, dict):
        for value in form.values():
            yield from _listed(value)
    elif isinstance(form, list):
        for value in form:
            yield from _listed(value)
    elif isinstance(form, str) and _STEP_FILE.fullmatch(form):
        yield form


def _banks(step: Any) -> Iterator[str]:
    """The banks that a quiz or a recall names."""
    if isinstance(step, dict):
        recall = step.get("recall")
        for banks in (step.get("banks"), recall.get("banks") if isinstance(recall, dict) else None):
            yield from (str(name) for name in banks or ())


def _problems(file: str, source: Source | None, findings: Iterable[Finding]) -> Iterator[PackProblem]:
    for f in findings:
        line = f.line if f.line is not None else source.line(f.loc) if source else 1
        yield PackProblem(file, line, _field(f.loc), f.message, f.severity)


class _Maker:
    """Makes one form for one variant, gathering problems as it goes."""

    def __init__(self, pack: Pack, form: Form, variant: Variant) -> None:
        self.pack = pack
        self.form = form
        self.variant = variant
        self.problems: list[PackProblem] = []
        self.readers = Readers(variant)
        if variant.language != "en":
            self.readers.translation = pack.translations.get(variant.language, Translation({}))
        self.drafted = False
        self.claims: dict[str, Claim] = {}

    def make(self) -> Made:
        guidance = self._read_words()
        changes = self._read(CHANGES_FILE, _Changes)
        self._check_changes(changes, guidance)
        head = self._read(self.form.file, ModuleFile, under=COMMON_FILE)
        if head is None:
            return self._nothing()
        files = self._files(head)
        steps = [step for file in files if (step := self._step(file)) is not None]
        self._check_order(head, files, steps)
        used = self._used(head, steps)
        if guidance is None or self._failed or len(steps) != len(files):
            return self._nothing()
        claims = tuple(claim for claim in self.claims.values() if claim.id in used)
        cited = {source for claim in claims for source in claim.sources}
        slugs = dict(zip(files, (step.slug for step in steps), strict=True))
        facts = {name: getattr(head, name) for name in ModuleFacts.model_fields}
        module = Module(
            **facts,
            nation=self.variant.nation,
            audience=self.variant.audience,
            language=self.variant.language,
            steps=tuple(steps),
            sections=tuple(_with_slugs(section, slugs) for section in head.sections),
            guidance=tuple(entry for entry in guidance.guidance if entry.id in cited),
            claims=claims,
            changes=self._changes(changes),
            machine_drafted=self.drafted,
            content_hash=self.pack.content_hash,
        )
        return Made(module, in_order(self.problems))

    def look_at(self, files: Iterable[str]) -> Problems:
        """What is wrong in steps that are in no form, as these readers would get them."""
        self._read_words()
        for file in files:
            self._step(file)
        return in_order(self.problems)

    def bank(self, file: str) -> Bank | None:
        self._read_words()
        return self._read(file, Bank)

    def _read_words(self) -> _Guidance | None:
        """The terms, the guidance and the claims: all that texts need."""
        terms = self._read(TERMS_FILE, _Terms)
        self.readers.terms = terms.terms if terms else {}
        guidance = self._read(GUIDANCE_FILE, _Guidance)
        self._read_claims(guidance)
        self.readers.verified = {claim.id: claim.verified for claim in self.claims.values()}
        return guidance

    def _changes(self, changes: _Changes | None) -> tuple[Change, ...]:
        """What has changed for these readers, the latest first."""
        theirs = [c for c in (changes.changes if changes else ()) if holds_in(c.nation, self.variant.nation)]
        return tuple(sorted(theirs, key=lambda change: change.on, reverse=True))

    def _nothing(self) -> Made:
        return Made(None, in_order(self.problems))

    @property
    def _failed(self) -> bool:
        return any(p.is_error for p in (*self.pack.problems, *self.problems))

    def _read(self, file: str, model: type[_Part], *, under: str = "") -> _Part | None:
        if file not in self.pack.sources:
            return None
        read = self.pack.read(file, model, self.readers, under=under)
        self.problems += read.problems
        self.drafted = self.drafted or read.drafted
        part: _Part | None = read.part
        return part

    # -- the register

    def _read_claims(self, guidance: _Guidance | None) -> None:
        entries = {g.id: g for g in guidance.guidance} if guidance else {}
        for file in self.pack.sources:
            claims = self._read(file, _Claims) if _CLAIMS.fullmatch(file) else None
            for i, claim in enumerate(claims.claims if claims else ()):
                if claim.id in self.claims:
                    self._say(file, ("claims", i, "id"), f"'{claim.id}' is used twice")
                self.claims[claim.id] = claim
                if guidance is not None:
                    self._check_sources(file, i, claim, entries)
        for i, entry in enumerate(guidance.guidance if guidance else ()):
            if entry.review_by <= entry.checked_on:
                self._say(GUIDANCE_FILE, ("guidance", i, "review_by"), "must be later than 'checked_on'")
            if entry.replaces is not None and entry.replaces not in entries:
                self._say(
                    GUIDANCE_FILE, ("guidance", i, "replaces"), f"there is no guidance '{entry.replaces}'"
                )
        if guidance is not None:
            ids = [g.id for g in guidance.guidance]
            for finding in pack_rules.repeated(ids, ("guidance",)):
                self._say(GUIDANCE_FILE, finding.loc, finding.message)

    def _check_sources(self, file: str, i: int, claim: Claim, entries: Mapping[str, GuidanceEntry]) -> None:
        for j, source in enumerate(claim.sources):
            loc = ("claims", i, "sources", j)
            entry = entries.get(source)
            if entry is None:
                self._say(file, loc, f"there is no guidance '{source}' in guidance.yaml")
            elif (
                claim.nation != "anywhere"
                and holds_in(claim.nation, self.variant.nation)
                and not holds_in(entry.nation, self.variant.nation)
            ):
                message = f"'{source}' holds in {entry.nation}, not in {self.variant.nation}"
                self._say(file, loc, message)

    def _check_changes(self, changes: _Changes | None, guidance: _Guidance | None) -> None:
        entries = {g.id for g in guidance.guidance} if guidance else set()
        forms = {form.slug for form in self.pack.forms}
        for i, change in enumerate(changes.changes if changes else ()):
            for name, entry in (("guidance", change.guidance), ("replaces", change.replaces)):
                if guidance is not None and entry is not None and entry not in entries:
                    self._say(CHANGES_FILE, ("changes", i, name), f"there is no guidance '{entry}'")
            for j, reteach in enumerate(change.reteach):
                if reteach.form is not None and reteach.form not in forms:
                    loc = ("changes", i, "reteach", j, "form")
                    self._say(CHANGES_FILE, loc, f"there is no form '{reteach.form}'")

    # -- steps

    def _files(self, head: ModuleFile) -> list[str]:
        """The files of the steps that are there, in order, each once."""
        places: list[tuple[Loc, str]] = [(("steps", i), file) for i, file in enumerate(head.steps)]
        for i, section in enumerate(head.sections):
            places += [(("sections", i, "steps", j), file) for j, file in enumerate(section.steps)]
        if bool(head.steps) == bool(head.sections):
            self._say(self.form.file, ("steps",), "needs either 'steps' or 'sections'")
        files: list[str] = []
        for loc, file in places:
            if file in files:
                self._say(self.form.file, loc, f"'{file}' is listed twice")
            elif file not in self.pack.sources or not _STEP_FILE.fullmatch(file):
                if not (_STEP_FILE.fullmatch(file) and (self.pack.folder / file).exists()):
                    self._say(self.form.file, loc, f"there is no file '{file}'")
            else:
                files.append(file)
        return files

    def _step(self, file: str) -> Step | None:
        step = self._read(file, _kind_of_step(file))
        if step is None:
            return None
        named = pack_rules.claims_named(step)
        self._report(file, pack_rules.claim_findings(named, self.claims, *self._who))
        if isinstance(step, Quiz):
            step = step.model_copy(update={"questions": (*step.questions, *self._banked(file, step.banks))})
            self._report(file, question_rules.quiz_findings(step))
        elif isinstance(step, Lesson):
            if any(isinstance(e, Unmarked) and e.before for e in step.exercises):
                self._report(file, question_rules.before_findings(step, self._lessons))
            if step.recall is not None:
                step = step.model_copy(update={"recalled": self._banked(file, step.recall.banks)})
        return step

    @cached_property
    def _lessons(self) -> list[Lesson]:
        """Every lesson of the pack, as these readers get it."""
        files = [file for file in self.pack.sources if file.startswith("lessons/")]
        parts = (self.pack.read(file, Lesson, self.readers).part for file in files)
        return [part for part in parts if part is not None]

    def _banked(self, file: str, banks: Iterable[str]) -> tuple[Any, ...]:
        questions: list[Any] = []
        for name in banks:
            bank_file = f"questions/{name}.yaml"
            if bank_file not in self.pack.sources:
                self._say(file, ("banks",), f"there is no bank '{bank_file}'")
                continue
            bank = self._read(bank_file, Bank)
            if bank is None:
                continue
            named = pack_rules.claims_named(bank)
            self._report(bank_file, pack_rules.claim_findings(named, self.claims, *self._who))
            questions += bank.questions
        for twice in pack_rules.repeated([q.id for q in questions], ("banks",)):
            self._say(file, ("banks",), twice.message)
        return tuple(questions)

    @property
    def _who(self) -> tuple[Any, Any]:
        return self.variant.nation, self.variant.audience

    def _check_order(self, head: ModuleFile, files: list[str], steps: list[Step]) -> None:
        for i, step in enumerate(steps):
            if any(step.slug == other.slug for other in steps[:i]):
                self._say(files[i], ("slug",), f"'{step.slug}' is used by another step too")
        if len(steps) == len(files) == len(head.files):
            minutes = sum(step.minutes for step in steps if not (isinstance(step, Lesson) and step.rest))
            if minutes != head.minutes:
                message = f"says {head.minutes}, but the steps add up to {minutes}"
                self._say(self.form.file, ("minutes",), message)

    def _used(self, head: ModuleFile, steps: Iterable[Step]) -> set[str]:
        """Ids of the claims that the form rests on. Says where it rests on what is not so for these readers."""
        named: list[tuple[Loc, tuple[str, ...]]] = [
            (("helplines", i, "claims"), h.claims) for i, h in enumerate(head.helplines)
        ]
        self._report(self.form.file, pack_rules.claim_findings(named, self.claims, *self._who))
        used = {c for _, ids in named for c in ids}
        for step in steps:
            used |= {c for _, ids in pack_rules.claims_named(step) for c in ids}
        if head.status != "draft":
            unverified = [c.id for c in self.claims.values() if not c.verified and c.id in used]
            if unverified:
                message = f"cannot be reviewed while claims are unverified: {', '.join(unverified)}"
                self._say(self.form.file, ("status",), message)
        return used

    # -- saying it

    def _report(self, file: str, findings: Iterable[Finding]) -> None:
        found = list(findings)
        if found:
            self.problems += _problems(file, self._source(file), found)

    def _say(self, file: str, loc: Loc, message: str) -> None:
        self._report(file, [Finding(loc, message)])

    def _source(self, file: str) -> Source | None:
        """The file as these readers get it, for the lines of its values."""
        if file not in self.pack.sources:
            return None
        return self.pack.source(file, self.readers)[0]


def _with_slugs(section: Section, slugs: Mapping[str, str]) -> Section:
    return section.model_copy(update={"steps": tuple(slugs[file] for file in section.steps)})


# --- saying it in an author's words ---------------------------------------------------------------


def _field(loc: Loc) -> str:
    """("questions", 3, "answer") as questions[4].answer: authors count from one."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field here; check the spelling",
    "string_type": "must be text; if it looks like a number or a date, put it in quotes",
    "string_too_short": "must not be empty",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a group of named fields",
    "model_type": "must be a group of named fields",
    "model_attributes_type": "must be a group of named fields",
    "union_tag_not_found": "needs a 'kind', such as single (course_content/questions.py has all)",
}


def _explain(error: ErrorDetails, data: Any) -> tuple[Loc, str]:
    """Where in the author's file, and what to do about it, in plain words."""
    loc = _without_tags(error["loc"], data)
    kind = error["type"]
    context: dict[str, Any] = error.get("ctx") or {}
    if kind in _WORDS:
        return loc, _WORDS[kind]
    if kind.startswith("int_"):
        return loc, "must be a whole number"
    if kind.startswith("date_"):
        return loc, "must be a date such as 2026-11-22"
    if kind == "literal_error":
        return loc, f"must be one of {context['expected']}"
    if kind == "union_tag_invalid":
        return (*loc, "kind"), f"must be one of {context['expected_tags']}"
    if kind == "string_pattern_mismatch":
        return loc, _pattern(str(loc[-1]))
    if kind == "too_short":
        return loc, f"needs at least {context['min_length']}"
    if kind == "value_error":
        return loc, str(context["error"])
    return loc, error["msg"][:1].lower() + error["msg"][1:]


def _pattern(field: str) -> str:
    if field == "version":
        return 'must be numbers with dots, such as "1.2"'
    if field == "status":
        return "must be 'draft' or 'reviewed by NAME on YYYY-MM-DD'"
    return "may hold only small letters, numbers and single hyphens"


def _without_tags(loc: Loc, data: Any) -> Loc:
    """`loc` without the parts pydantic adds for a union, which are not in the author's file."""
    kept: list[str | int] = []
    for i, part in enumerate(loc):
        last = i == len(loc) - 1
        in_list = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if in_list or (isinstance(data, dict) and part in data):
            data = data[part]
        elif not (last and isinstance(data, dict)):
            continue
        kept.append(part)
    return tuple(kept)
