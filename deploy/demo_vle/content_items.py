"""What a tool chose for a course: content items (LTI-DL 2.0, 4), read strictly."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from deploy.demo_vle.authoring import add_column
from deploy.demo_vle.fields import (
    FieldError,
    custom_of,
    date_time_of,
    list_of,
    number_of,
    object_of,
    submission_review_of,
    text_of,
    url_of,
)
from deploy.demo_vle.models import Activity, Course, Tool, origin_of

LONGEST_TEXT = 20_000
HIGHEST_MAXIMUM = 100  # Moodle's, unless its administrator raises it


@dataclass(frozen=True)
class ChosenColumn:
    """`lineItem`: the column that comes with the activity."""

    label: str
    score_maximum: float
    resource_id: str
    tag: str
    submission_review: dict[str, Any] | None


@dataclass(frozen=True)
class ChosenLink:
    """An item of type ltiResourceLink. Empty text is what the tool left to the VLE."""

    title: str
    description: str
    url: str
    custom: dict[str, str]
    icon_url: str
    opens_in_window: bool
    available_start: str
    available_end: str
    submission_start: str
    submission_end: str


Choice = tuple[ChosenLink, ChosenColumn | None]


def read_items(body: Mapping[str, Any], claim: str) -> list[Choice]:
    """All of them or none. Raises FieldError, which says which item it is."""
    choices = []
    for number, item in enumerate(list_of(body, claim), 1):
        try:
            if not isinstance(item, dict):
                raise FieldError("an item must be an object.")
            # Moodle makes a broken activity of any other type.
            if item.get("type") != "ltiResourceLink":
                raise FieldError("type must be ltiResourceLink, which alone was accepted.")
            choices.append((_link(item), _column(item)))
        except FieldError as error:
            raise FieldError(f"Item {number}: {error.message}") from None
    return choices


def create_activity(course: Course, tool: Tool, choice: Choice) -> Activity:
    link, column = choice
    fields = asdict(link) | {"title": link.title or tool.name}
    if link.icon_url and origin_of(link.icon_url) not in tool.origins:
        fields["icon_url"] = ""  # our pages load pictures from the tool and from nobody else
    activity = Activity.objects.create(course=course, tool=tool, **fields)
    if column is not None:
        add_column(activity, **(asdict(column) | {"label": column.label or activity.title}))
    return activity


def _link(item: dict[str, Any]) -> ChosenLink:
    available = object_of(item, "available") or {}
    submission = object_of(item, "submission") or {}
    return ChosenLink(
        title=text_of(item, "title", most=255),
        description=text_of(item, "text", most=LONGEST_TEXT),
        url=url_of(item, "url"),
        custom=custom_of(item),
        icon_url=url_of(object_of(item, "icon") or {}, "url"),
        # LTI-DL 2.0, 4.3.2: both may be given; then the frame, which is our own way, is as good.
        opens_in_window=object_of(item, "window") is not None and object_of(item, "iframe") is None,
        available_start=date_time_of(available, "startDateTime", with_zone=True),
        available_end=date_time_of(available, "endDateTime", with_zone=True),
        submission_start=date_time_of(submission, "startDateTime", with_zone=True),
        submission_end=date_time_of(submission, "endDateTime", with_zone=True),
    )


def _column(item: dict[str, Any]) -> ChosenColumn | None:
    body = object_of(item, "lineItem")
    if body is None:
        return None
    maximum = number_of(body, "scoreMaximum")
    # In Moodle anything else becomes an activity without a numeric grade, and nobody is told.
    if maximum is None or not maximum.is_integer() or not 1 <= maximum <= HIGHEST_MAXIMUM:
        raise FieldError(f"scoreMaximum must be an integer between 1 and {HIGHEST_MAXIMUM}.")
    return ChosenColumn(
        label=text_of(body, "label", most=255),
        score_maximum=maximum,
        resource_id=text_of(body, "resourceId", most=255),
        tag=text_of(body, "tag", most=255),
        submission_review=submission_review_of(body),
    )
