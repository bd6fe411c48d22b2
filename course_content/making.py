"""Making one form of a pack for one variant: its words, its register, its steps, and every problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from course_content import pack_rules, question_rules
from course_content.pack_files import (
    CHANGES_FILE,
    CLAIMS,
    COMMON_FILE,
    GUIDANCE_FILE,
    OTHER,
    STEP_FILE,
    TERMS_FILE,
    ChangeList,
    ClaimList,
    GuidanceList,
    TermList,
    kind_of_step,
)
from course_content.pack_problems import PackProblem, Problems, in_order, problems_of
from course_content.pack_rules import Finding
from course_content.parts import holds_in
from course_content.questions import Unmarked
from course_content.schema import (
    Bank,
    Change,
    Claim,
    GuidanceEntry,
    Lesson,
    Module,
    ModuleFacts,
    ModuleFile,
    Quiz,
    Section,
    Step,
)
from course_content.sources import Loc, Source
from course_content.translations import Translation, stays_as_it_is
from course_content.variants import Readers, Variant

if TYPE_CHECKING:
    from course_content.packs import Pack

_Part = TypeVar("_Part", bound=BaseModel)


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


class Maker:
    """Makes one form for one variant, gathering problems as it goes."""

    def __init__(self, pack: Pack, form: Form, variant: Variant) -> None:
        self.pack = pack
        self.form = form
        self.variant = variant
        self.problems: list[PackProblem] = []
        self.readers = Readers(variant)
        if variant.language != "en":
            self.readers.translation = pack.translations.get(variant.language, Translation({}))
        # The register is in English for everybody, terms and all.
        self.english = Readers(Variant(variant.nation, variant.audience))
        self.drafted = False
        self.claims: dict[str, Claim] = {}

    def make(self) -> Made:
        guidance = self._read_words()
        changes = self._read(CHANGES_FILE, ChangeList)
        self._check_changes(changes, guidance)
        head = self._read(self.form.file, ModuleFile, under=COMMON_FILE)
        if head is None:
            return self._nothing()
        files = self._files(head)
        steps = [step for file in files if (step := self._step(file)) is not None]
        self._check_order(head, files, steps)
        used = self._used(head, steps)
        if guidance is None or self._failed or not len(steps) == len(files) == len(head.files):
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

    def _read_words(self) -> GuidanceList | None:
        """The terms, the guidance and the claims: all that texts need."""
        for readers in (self.readers, self.english):
            terms = self._read_for(readers, TERMS_FILE, TermList)
            readers.terms = terms.terms if terms else {}
        guidance = self._read(GUIDANCE_FILE, GuidanceList)
        self._read_claims(guidance)
        self.readers.verified = {claim.id: claim.verified for claim in self.claims.values()}
        self.english.verified = self.readers.verified
        return guidance

    def _changes(self, changes: ChangeList | None) -> tuple[Change, ...]:
        """What has changed for these readers, the latest first."""
        theirs = [c for c in (changes.changes if changes else ()) if holds_in(c.nation, self.variant.nation)]
        return tuple(sorted(theirs, key=lambda change: change.on, reverse=True))

    def _nothing(self) -> Made:
        return Made(None, in_order(self.problems))

    @property
    def _failed(self) -> bool:
        files = (p for p in self.pack.problems if self._uses(p.file))
        return any(p.is_error for p in (*files, *self.problems))

    def _uses(self, file: str) -> bool:
        """Whether these readers get anything out of a file: a slip in another one is not theirs to suffer."""
        shared = OTHER.fullmatch(file) or CLAIMS.fullmatch(file)
        own = file in self.pack.files_of(self.form) or file == f"languages/{self.variant.language}.po"
        return bool(shared) or own

    def _read(self, file: str, model: type[_Part], *, under: str = "") -> _Part | None:
        readers = self.english if stays_as_it_is(file) else self.readers
        return self._read_for(readers, file, model, under=under)

    def _read_for(self, readers: Readers, file: str, model: type[_Part], *, under: str = "") -> _Part | None:
        if file not in self.pack.sources:
            return None
        read = self.pack.read(file, model, readers, under=under)
        self.problems += read.problems
        self.drafted = self.drafted or read.drafted
        part: _Part | None = read.part
        return part

    # -- the register

    def _read_claims(self, guidance: GuidanceList | None) -> None:
        entries = {g.id: g for g in guidance.guidance} if guidance else {}
        for file in self.pack.sources:
            claims = self._read(file, ClaimList) if CLAIMS.fullmatch(file) else None
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

    def _check_changes(self, changes: ChangeList | None, guidance: GuidanceList | None) -> None:
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
            elif file not in self.pack.sources or not STEP_FILE.fullmatch(file):
                if not (STEP_FILE.fullmatch(file) and (self.pack.folder / file).exists()):
                    self._say(self.form.file, loc, f"there is no file '{file}'")
            else:
                files.append(file)
        return files

    def _step(self, file: str) -> Step | None:
        step = self._read(file, kind_of_step(file))
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
            self.problems += problems_of(file, self._source(file), found)

    def _say(self, file: str, loc: Loc, message: str) -> None:
        self._report(file, [Finding(loc, message)])

    def _source(self, file: str) -> Source | None:
        """The file as these readers get it, for the lines of its values."""
        if file not in self.pack.sources:
            return None
        return self.pack.source(file, self.readers)[0]


def _with_slugs(section: Section, slugs: Mapping[str, str]) -> Section:
    return section.model_copy(update={"steps": tuple(slugs[file] for file in section.steps)})
