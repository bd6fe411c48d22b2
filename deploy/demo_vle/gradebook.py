"""The gradebook's rules that pages, launches and services share."""

from dataclasses import dataclass

from deploy.demo_vle.models import Activity, Grade, LineItem
from deploy.demo_vle.school import Member
from deploy.demo_vle.standing import Standing, learners_of


@dataclass(frozen=True)
class Row:
    line_item: LineItem
    member: Member
    grade: Grade | None

    @property
    def points(self) -> float | None:
        return self.grade.points if self.grade else None

    @property
    def text(self) -> str:
        if self.points is None:
            return "No grade yet"
        return f"{_short(self.points)} / {_short(self.line_item.score_maximum)}"

    @property
    def is_reviewable(self) -> bool:
        return self.line_item.is_reviewable(self.grade.activity_progress if self.grade else "")


@dataclass(frozen=True)
class Column:
    line_item: LineItem
    rows: list[Row]


def single_line_item(activity: Activity) -> LineItem | None:
    """LTI-AGS 2.0, endpoint claim: `lineitem` is there when the link has exactly one."""
    found = list(activity.line_items.all()[:2])
    return found[0] if len(found) == 1 else None


def columns_for(viewer: Standing) -> list[Column]:
    """What this person may see: who teaches everybody, a member of staff only themselves."""
    shown = learners_of(viewer.course) if viewer.teaches else [viewer.member]
    columns = []
    items = LineItem.objects.filter(course=viewer.course).select_related("activity", "tool")
    for item in items.prefetch_related("grades"):
        grades = {grade.member_id: grade for grade in item.grades.all()}
        columns.append(Column(item, [Row(item, member, grades.get(member.id)) for member in shown]))
    return columns


def _short(number: float) -> str:
    """90, 8.5 or 33.33, as a gradebook writes them."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
