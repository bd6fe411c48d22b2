"""The gradebook's rules that pages, launches and services share."""

from dataclasses import dataclass

from deploy.demo_vle.models import Grade, LineItem
from deploy.demo_vle.school import ACTIVITY, LEARNERS, Member


@dataclass(frozen=True)
class Row:
    member: Member
    grade: Grade | None

    @property
    def points(self) -> float | None:
        return self.grade.points if self.grade else None

    @property
    def text(self) -> str:
        if self.grade is None or self.points is None:
            return "No grade yet"
        return f"{_short(self.points)} / {_short(self.grade.line_item.score_maximum)}"


@dataclass(frozen=True)
class Column:
    line_item: LineItem
    rows: list[Row]


def ensure_activity_line_item() -> None:
    """A graded activity has its column from the start, as in any VLE."""
    LineItem.objects.get_or_create(
        belongs_to_activity=True,
        resource_link_id=ACTIVITY.id,
        defaults={"label": ACTIVITY.title, "score_maximum": ACTIVITY.maximum},
    )


def single_line_item(resource_link_id: str) -> LineItem | None:
    """LTI-AGS 2.0, endpoint claim: `lineitem` is there when the link has exactly one."""
    found = list(LineItem.objects.filter(resource_link_id=resource_link_id)[:2])
    return found[0] if len(found) == 1 else None


def columns_for(viewer: Member) -> list[Column]:
    """What this person may see: the lead everybody, a member of staff only themselves."""
    shown = LEARNERS if viewer.is_lead else [viewer]
    columns = []
    for item in LineItem.objects.prefetch_related("grades"):
        grades = {grade.member_id: grade for grade in item.grades.all()}
        columns.append(Column(item, [Row(member, grades.get(member.id)) for member in shown]))
    return columns


def _short(number: float) -> str:
    """90, 8.5 or 33.33, as a gradebook writes them."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
