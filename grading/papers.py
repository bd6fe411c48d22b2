"""The value types that cross the line between what is taught and what is recorded.

`course_content` draws a Paper and marks it; `grading` keeps both exactly as they were handed down. So an
attempt can be marked, shown and defended years later, whatever has become of the pack since.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PaperQuestion:
    """One question as it was put: its body is the whole question, options in the order shown.

    Only `course_content.marking` reads the body; to `grading` it is a sealed envelope.
    """

    id: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Paper:
    """The quiz one person was given: drawn once at the start of an attempt and frozen there."""

    module: str
    version: str
    questions: tuple[PaperQuestion, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "module": self.module,
            "version": self.version,
            "questions": [{"id": q.id, "body": dict(q.body)} for q in self.questions],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Paper":
        return cls(
            module=data["module"],
            version=data["version"],
            questions=tuple(PaperQuestion(q["id"], q["body"]) for q in data["questions"]),
        )


@dataclass(frozen=True, slots=True)
class QuestionMark:
    """What one answer earned: `points` from 0 to 1; a critical question missed fails the paper."""

    question_id: str
    points: float
    critical: bool = False

    @property
    def right(self) -> bool:
        return self.points == 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked paper. Every question counts one point."""

    questions: tuple[QuestionMark, ...]

    @property
    def points(self) -> float:
        return round(sum(q.points for q in self.questions), 4)

    @property
    def maximum(self) -> int:
        return len(self.questions)

    @property
    def percentage(self) -> int:
        """Whole per cent, rounded down, so that 79.9 never passes at 80."""
        return int(self.points * 100 / self.maximum + 1e-9) if self.questions else 0

    @property
    def missed_critical(self) -> tuple[str, ...]:
        return tuple(q.question_id for q in self.questions if q.critical and not q.right)

    def passes(self, pass_mark: int) -> bool:
        """Whether this mark passes at `pass_mark` per cent with every critical question right."""
        return self.percentage >= pass_mark and not self.missed_critical


@dataclass(frozen=True, slots=True)
class ModuleSummary:
    """What the record keeps of a module: copied at the time, never looked up again."""

    slug: str
    version: str
    content_hash: str
    title: str
    minutes: int
    outcomes: tuple[str, ...]
    guidance_edition: str
    nation: str
    audience: str
    language: str
    review_status: str
