"""What an author sees of a pack: its forms and variants with their figures, every problem, and what differs.

A pack is read anew when one of its files has changed. A variant is made when somebody looks at it, and a page
that lists many makes only as many as its time allows: nothing here checks a whole pack at a request.
"""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from course_content import catalogue, packs
from course_content.making import Form, Made
from course_content.pack_problems import PackProblem
from course_content.packs import Pack
from course_content.schema import Assessment, Module
from course_content.variants import Variant

# How long a page may make variants before it shows those it has.
SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What there is in a variant, counted."""

    steps: int
    minutes: int
    lessons: int
    scenarios: int
    assessments: int
    exercises: int
    questions: int
    unverified: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Told:
    """A problem with the line that it is about, and for whom it is wrong; `variants` is empty for everybody."""

    problem: PackProblem
    line: str
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One variant of a form: made, or (None) not yet."""

    form: Form
    variant: Variant
    made: Made | None

    @property
    def path(self) -> str:
        return variant_path(self.form, self.variant)

    @property
    def module(self) -> Module | None:
        return self.made.module if self.made else None

    @property
    def errors(self) -> int:
        return sum(p.is_error for p in self.made.problems) if self.made else 0

    @property
    def warnings(self) -> int:
        return len(self.made.problems) - self.errors if self.made else 0

    def figures(self, today: date) -> Figures | None:
        return figures_of(self.module, today) if self.module else None


@dataclass
class OpenPack:
    """A pack as it was read, and the variants that somebody has looked at since. `key` names it in addresses."""

    key: str
    pack: Pack
    _made: dict[tuple[str, Variant], Made] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.pack.folder.resolve().name

    def form(self, stem: str) -> Form | None:
        return next((form for form in self.pack.forms if stem_of(form) == stem), None)

    def shown(self, form: Form, variant: Variant) -> Shown:
        """A variant, made if it was not."""
        made = self.pack.made(form, variant)
        self._made[form.file, variant] = made
        return Shown(form, variant, made)

    def shown_within(
        self, wanted: Iterable[tuple[Form, Variant]], seconds: float = SECONDS
    ) -> tuple[Shown, ...]:
        """Variants in their order. Once the time is up, those that are not made yet stay so."""
        until = time.monotonic() + seconds
        return tuple(
            self.shown(form, variant)
            if (form.file, variant) in self._made or time.monotonic() < until
            else Shown(form, variant, None)
            for form, variant in wanted
        )

    def told(self, shown: Sequence[Shown] = ()) -> tuple[Told, ...]:
        """Every problem of the files, and of these variants, each once; errors first."""
        found: dict[PackProblem, list[Variant]] = {p: [] for p in self.pack.problems}
        made = [one for one in shown if one.made is not None]
        for one in made:
            for problem in one.made.problems if one.made else ():
                found.setdefault(problem, []).append(one.variant)
        told = (
            Told(problem, self.line(problem), () if len(variants) in {0, len(made)} else tuple(variants))
            for problem, variants in found.items()
        )
        return tuple(
            sorted(
                told, key=lambda t: (not t.problem.is_error, t.problem.file, t.problem.line, t.problem.field)
            )
        )

    def line(self, problem: PackProblem) -> str:
        """What stands on the line of a problem."""
        lines = self.pack.contents.get(problem.file, b"").decode(errors="replace").splitlines()
        return lines[problem.line - 1].strip() if 0 < problem.line <= len(lines) else ""

    def loose(self) -> tuple[str, ...]:
        return self.pack.loose

    def file_of(self, form: Form, slug: str) -> str:
        """The file of a step, to mend it."""
        for file in self.pack.files_of(form)[1:]:
            data = self.pack.sources[file].data
            if isinstance(data, Mapping) and data.get("slug") == slug:
                return file
        return form.file


def figures_of(module: Module, today: date) -> Figures:
    return Figures(
        steps=len(module.steps),
        minutes=module.minutes,
        lessons=len(module.lessons),
        scenarios=len(module.scenarios),
        assessments=sum(isinstance(step, Assessment) for step in module.steps),
        exercises=sum(len(lesson.exercises) for lesson in module.lessons),
        questions=len(module.quiz.questions) if module.quiz else 0,
        unverified=len(module.unverified_claims),
        overdue=len(module.overdue_guidance(today)),
    )


# --- addresses, as seen from the pack's own page ----------------------------------------------------


def stem_of(form: Form) -> str:
    return PurePosixPath(form.file).stem


def form_path(form: Form) -> str:
    return f"{quote(stem_of(form))}/"


def variant_path(form: Form, variant: Variant) -> str:
    return f"{form_path(form)}{variant.nation}/{variant.audience}/{variant.language}/"


# --- packs, open ------------------------------------------------------------------------------------

_open: dict[str, OpenPack] = {}
_opening = threading.Lock()


def open_packs() -> tuple[OpenPack, ...]:
    """The built-in packs and those of CONTENT_PACK_DIRS, as their files are now."""
    keys: dict[str, Path] = {}
    for folder in catalogue.configured_folders():
        name = folder.resolve().name or "pack"
        numbered = (name if n == 1 else f"{name}-{n}" for n in count(1))
        keys[next(key for key in numbered if key not in keys)] = folder
    with _opening:
        for gone in _open.keys() - keys:
            del _open[gone]
        return tuple(_opened(key, folder) for key, folder in keys.items())


def open_pack(folder: Path) -> OpenPack:
    """One pack, as its files are now."""
    return OpenPack(folder.resolve().name, packs.opened(folder))


def _opened(key: str, folder: Path) -> OpenPack:
    pack = packs.opened(folder)
    if key not in _open or _open[key].pack is not pack:
        _open[key] = OpenPack(key, pack)
    return _open[key]
