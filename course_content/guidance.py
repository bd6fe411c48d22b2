"""The guidance register of a module: what it rests on, in which edition, and what has changed since."""

from dataclasses import dataclass
from datetime import date

from course_content.parts import Claim, GuidanceEntry
from course_content.schema import Change, Module, Reteach


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of guidance as a reader of the module meets it."""

    guidance: GuidanceEntry
    # How many statements rest on it, and those that nobody has checked yet.
    claims: int
    unverified: tuple[Claim, ...]
    is_overdue: bool
    is_past: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """An edition that took another's place, and how it reaches those who were taught the one before."""

    change: Change
    reteach: Reteach | None


@dataclass(frozen=True, slots=True)
class Register:
    entries: tuple[Entry, ...]
    changes: tuple[Changed, ...]

    @property
    def overdue(self) -> int:
        return sum(entry.is_overdue for entry in self.entries)

    @property
    def unverified(self) -> int:
        return sum(not entry.guidance.verified for entry in self.entries)


def register_of(module: Module, today: date) -> Register:
    """The register of a module for its readers, as it stands today."""
    return Register(
        entries=tuple(_entry(module, guidance, today) for guidance in module.guidance),
        changes=tuple(Changed(change, change.reteaching(module.audience)) for change in module.changes),
    )


def _entry(module: Module, guidance: GuidanceEntry, today: date) -> Entry:
    claims = [claim for claim in module.claims if guidance.id in claim.sources]
    return Entry(
        guidance,
        claims=len(claims),
        unverified=tuple(claim for claim in claims if not claim.verified),
        is_overdue=guidance.review_by < today,
        is_past=guidance.in_force_to is not None and guidance.in_force_to < today,
    )
