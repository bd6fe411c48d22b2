"""Reading a pack folder into a Module, or saying everything that is wrong with it.

    module.yaml      what it is, and the files of its steps in order
    guidance.yaml    the guidance it rests on: a list under `guidance:`
    claims.yaml      what it says is so, and by which guidance: a list under `claims:`
    lessons/*.md     Markdown under YAML front matter
    scenarios/*.yaml
    assessments/*.yaml
    commitment.yaml  (optional)
    quiz.yaml        (optional)
    README.md        (optional, for authors; not part of the content)

Problems are collected, not raised one by one, and each names the file and line to mend.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from course_content import assessment_rules, pack_rules, question_rules, scenario_rules
from course_content.pack_rules import Finding, Severity
from course_content.schema import (
    Assessment,
    Claim,
    Commitment,
    GuidanceEntry,
    Lesson,
    Module,
    ModuleFile,
    Quiz,
    Scenario,
    Step,
)
from course_content.sources import Loc, Source, read_markdown, read_yaml

MODULE_FILE = "module.yaml"
GUIDANCE_FILE = "guidance.yaml"
CLAIMS_FILE = "claims.yaml"
QUIZ_FILE = "quiz.yaml"
COMMITMENT_FILE = "commitment.yaml"

BIGGEST_FILE = 256 * 1024
MOST_FILES = 200

_STEP_FILE = re.compile(r"lessons/[^/]+\.md|(scenarios|assessments)/[^/]+\.yaml|commitment\.yaml|quiz\.yaml")


@dataclass(frozen=True, slots=True)
class PackProblem:
    """One thing to mend. `file` is relative to the pack; `field` may be empty."""

    file: str
    line: int
    field: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        return f"{self.file}:{self.line}: {field}{self.message}"

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


class PackError(ValueError):
    """The pack cannot be taught from. `problems` says why, warnings included."""

    def __init__(self, folder: Path, problems: tuple[PackProblem, ...]) -> None:
        super().__init__(f"{folder}:\n" + "\n".join(str(p) for p in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class PackReport:
    """What reading a folder gave: a module if there was no error, and every problem by file."""

    folder: Path
    module: Module | None
    problems: tuple[PackProblem, ...]

    @property
    def errors(self) -> tuple[PackProblem, ...]:
        return tuple(p for p in self.problems if p.is_error)

    @property
    def warnings(self) -> tuple[PackProblem, ...]:
        return tuple(p for p in self.problems if not p.is_error)

    def located(self) -> tuple[PackProblem, ...]:
        """The problems with the folder in front of the file, to tell packs apart."""
        return tuple(replace(p, file=f"{self.folder}/{p.file}") for p in self.problems)


def read_pack(folder: Path | str) -> Module:
    """Read the pack in `folder`. Raises PackError with all its problems if any is an error."""
    report = check_pack(folder)
    if report.module is None:
        raise PackError(report.folder, report.problems)
    return report.module


def check_pack(folder: Path | str) -> PackReport:
    """Read the pack in `folder` and report on it. Never raises on account of the content."""
    folder = Path(folder)
    reader = _Reader(folder)
    module = reader.read()
    # One value can break a rule in two ways that read alike (a twice-used id, say): report once.
    problems = sorted(dict.fromkeys(reader.problems), key=lambda p: (p.file, p.line, p.field))
    failed = any(p.is_error for p in problems)
    return PackReport(folder, None if failed else module, tuple(problems))


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


# --- the lists of guidance.yaml and claims.yaml ---------------------------------------------------


class _Guidance(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    guidance: tuple[GuidanceEntry, ...] = Field(min_length=1)


class _Claims(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    claims: tuple[Claim, ...] = Field(min_length=1)


_Part = TypeVar("_Part", bound=BaseModel)


class _Reader:
    """Reads one folder once, gathering problems as it goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[PackProblem] = []
        self.sources: dict[str, Source] = {}
        self.contents: dict[str, bytes] = {}

    def read(self) -> Module | None:
        self._read_files()
        head = self._part(MODULE_FILE, ModuleFile)
        guidance = self._part(GUIDANCE_FILE, _Guidance)
        claims = self._part(CLAIMS_FILE, _Claims)
        steps = {file: self._step(file) for file in self.sources if _STEP_FILE.fullmatch(file)}
        self._check_texts()
        if guidance and claims:
            self._check_register(guidance, claims)
        known = {c.id for c in claims.claims} if claims else None
        self._check_steps({file: step for file, step in steps.items() if step}, known)
        if head is None:
            return None
        ordered = self._in_order(head, steps)
        if claims:
            self._check_head_claims(head, ordered, claims)
        if guidance is None or claims is None or any(p.is_error for p in self.problems):
            return None
        return Module(
            **{name: getattr(head, name) for name in ModuleFile.model_fields if name != "steps"},
            steps=tuple(ordered),
            guidance=guidance.guidance,
            claims=claims.claims,
            content_hash=content_hash(self.contents.items()),
        )

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
        for file in (MODULE_FILE, GUIDANCE_FILE, CLAIMS_FILE):
            if not (self.folder / file).exists():
                self._say(file, (), "is missing from the pack")

    def _read_file(self, path: Path, file: str) -> None:
        if file not in (MODULE_FILE, GUIDANCE_FILE, CLAIMS_FILE) and not _STEP_FILE.fullmatch(file):
            self._say(file, (), "is not a file of a pack (see course_content/packs.py); remove it")
            return
        if path.is_symlink() or not path.is_file():
            self._say(file, (), "must be an ordinary file, not a link to another")
            return
        if path.stat().st_size > BIGGEST_FILE:
            self._say(file, (), f"is larger than {BIGGEST_FILE // 1024} kB")
            return
        content = path.read_bytes()
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

    # -- parts

    def _part(self, file: str, model: type[_Part]) -> _Part | None:
        source = self.sources.get(file)
        if source is None or source.data is None:
            return None
        try:
            return model.model_validate(source.data)
        except ValidationError as invalid:
            for error in invalid.errors(include_url=False):
                self._say(file, *_explain(error, source))
            return None

    def _step(self, file: str) -> Step | None:
        if file == QUIZ_FILE:
            return self._part(file, Quiz)
        if file == COMMITMENT_FILE:
            return self._part(file, Commitment)
        if file.startswith("lessons/"):
            return self._part(file, Lesson)
        if file.startswith("assessments/"):
            return self._part(file, Assessment)
        return self._part(file, Scenario)

    def _in_order(self, head: ModuleFile, steps: dict[str, Step | None]) -> list[Step]:
        """The steps as module.yaml lists them; says what it lists wrongly or leaves out."""
        ordered: list[Step] = []
        for i, file in enumerate(head.steps):
            if file in head.steps[:i]:
                self._say(MODULE_FILE, ("steps", i), f"'{file}' is listed twice")
            elif file not in steps:
                if not (_STEP_FILE.fullmatch(file) and (self.folder / file).exists()):
                    self._say(MODULE_FILE, ("steps", i), f"there is no file '{file}'")
            elif (step := steps[file]) is not None:
                if any(step.slug == other.slug for other in ordered):
                    self._say(file, ("slug",), f"'{step.slug}' is used by another step too")
                ordered.append(step)
        for file in steps:
            if file not in head.steps:
                self._say(file, (), "is not among the steps of module.yaml")
        minutes = sum(step.minutes for step in ordered)
        if len(ordered) == len(head.steps) and minutes != head.minutes:
            message = f"says {head.minutes}, but the steps add up to {minutes}"
            self._say(MODULE_FILE, ("minutes",), message)
        return ordered

    # -- checks across files

    def _check_texts(self) -> None:
        for file, source in self.sources.items():
            for text in source.texts():
                self._report(file, pack_rules.text_findings(text))
            if _STEP_FILE.fullmatch(file) or file == MODULE_FILE:
                self._report(file, pack_rules.reading_findings(source))

    def _check_register(self, guidance: _Guidance, claims: _Claims) -> None:
        entries = {g.id: g for g in guidance.guidance}
        self._report(GUIDANCE_FILE, pack_rules.repeated([g.id for g in guidance.guidance], ("guidance",)))
        self._report(CLAIMS_FILE, pack_rules.repeated([c.id for c in claims.claims], ("claims",)))
        for i, claim in enumerate(claims.claims):
            for j, source in enumerate(claim.sources):
                if source not in entries:
                    message = f"there is no guidance '{source}' in guidance.yaml"
                    self._say(CLAIMS_FILE, ("claims", i, "sources", j), message)
        for i, entry in enumerate(guidance.guidance):
            if entry.review_by <= entry.checked_on:
                message = "must be later than 'checked_on'"
                self._say(GUIDANCE_FILE, ("guidance", i, "review_by"), message)

    def _check_steps(self, steps: dict[str, Step], known: set[str] | None) -> None:
        lessons = [step for step in steps.values() if isinstance(step, Lesson)]
        for file, step in steps.items():
            if isinstance(step, Scenario):
                self._report(file, scenario_rules.scenario_findings(step))
            elif isinstance(step, Quiz):
                self._report(file, question_rules.quiz_findings(step))
            elif isinstance(step, Assessment):
                self._report(file, assessment_rules.assessment_findings(step))
            elif isinstance(step, Commitment):
                self._report(file, assessment_rules.commitment_findings(step))
            else:
                self._report(file, question_rules.lesson_findings(step, self.sources[file].body_line))
                self._report(file, question_rules.before_findings(step, lessons))
            if known is not None:
                self._report(file, pack_rules.claim_findings(pack_rules.claims_named(step), known))

    def _check_head_claims(self, head: ModuleFile, steps: list[Step], claims: _Claims) -> None:
        known = {c.id for c in claims.claims}
        named: list[tuple[Loc, tuple[str, ...]]] = [
            (("helplines", i, "claims"), h.claims) for i, h in enumerate(head.helplines)
        ]
        self._report(MODULE_FILE, pack_rules.claim_findings(named, known))
        used = {c for _, ids in named for c in ids}
        for step in steps:
            used |= {c for _, ids in pack_rules.claims_named(step) for c in ids}
        for i, claim in enumerate(claims.claims):
            if claim.id not in used:
                message = f"nothing in the pack rests on '{claim.id}'"
                self._say(CLAIMS_FILE, ("claims", i), message, severity="warning")
        if head.status != "draft":
            unverified = [c.id for c in claims.claims if not c.verified and c.id in used]
            if unverified:
                message = f"cannot be reviewed while claims are unverified: {', '.join(unverified)}"
                self._say(MODULE_FILE, ("status",), message)

    # -- saying it

    def _report(self, file: str, findings: Iterator[Finding]) -> None:
        for f in findings:
            self._say(file, f.loc, f.message, severity=f.severity, line=f.line)

    def _say(
        self,
        file: str,
        loc: Loc,
        message: str,
        *,
        severity: Severity = "error",
        line: int | None = None,
    ) -> None:
        source = self.sources.get(file)
        if line is None:
            line = source.line(loc) if source else 1
        self.problems.append(PackProblem(file, line, _field(loc), message, severity))


# --- pydantic's errors in an author's words -------------------------------------------------------


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


def _explain(error: ErrorDetails, source: Source) -> tuple[Loc, str]:
    """Where in the author's file, and what to do about it, in plain words."""
    loc = _without_tags(error["loc"], source.data)
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
