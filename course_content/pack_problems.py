"""What is wrong with a pack: where, for whom, and how it is told."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from course_content.pack_rules import Finding, Severity
from course_content.slips import field_of
from course_content.sources import Source


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


def located(folder: Path, problems: Problems) -> Problems:
    return tuple(replace(p, file=f"{folder}/{p.file}") for p in problems)


def in_order(problems: Iterable[PackProblem]) -> Problems:
    """Each problem once, by file and line."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line, p.field, p.message)))


def problems_of(file: str, source: Source | None, findings: Iterable[Finding]) -> Iterator[PackProblem]:
    for f in findings:
        line = f.line if f.line is not None else source.line(f.loc) if source else 1
        yield PackProblem(file, line, field_of(f.loc), f.message, f.severity)
