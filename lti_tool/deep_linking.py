"""Deep Linking 2.0: answering a VLE with the activities that an author chose for a course."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from lti_tool import platform_quirks, pylti, registrations
from lti_tool.gradebook import stamp
from lti_tool.line_items import MOST_LABEL, SCORE_MAXIMUM
from lti_tool.models import DeepLinkingRequest, Registration
from lti_tool.tool_configuration import picture_url

logger = logging.getLogger("lti_tool.deep_linking")

LTI_RESOURCE_LINK = "ltiResourceLink"
# How long after its launch a request is answered: by then another may sit at the browser that is signed in.
ANSWERABLE = timedelta(hours=4)
# The custom parameter in which a VLE says which links a link was copied from, where it can.
LINK_HISTORY = "link_history"
# Roomy enough for a page of the training; VLEs that make room by themselves pass over it.
FRAME = {"width": 1000, "height": 800}
ICON_PIXELS, THUMBNAIL_PIXELS = 64, 128


@dataclass(frozen=True, slots=True)
class Item:
    """An activity as it is to stand in the course."""

    activity: str
    title: str
    text: str
    # What it teaches, for whoever sorts a gradebook's columns.
    tag: str
    graded: bool
    due_at: datetime | None = None
    # None: as the VLE likes.
    in_new_window: bool | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A signed answer, and where the browser posts it."""

    return_url: str
    jwt: str = field(repr=False)

    @property
    def origin(self) -> str:
        return registrations.origin(self.return_url)


def takes_activities(request: DeepLinkingRequest) -> bool:
    """Whether the place that the author came from takes links to activities, and not only files or pictures."""
    return LTI_RESOURCE_LINK in request.accept_types


def offers_window(request: DeepLinkingRequest) -> bool:
    """Whether an author may choose between the course's page and a new window."""
    quirks = platform_quirks.of(request.launch.registration)
    return quirks.minds_window and {"iframe", "window"} <= set(request.accept_targets)


def minds_due_date(request: DeepLinkingRequest) -> bool:
    """Whether the VLE takes over a due date."""
    return platform_quirks.of(request.launch.registration).minds_due_date


def answer(request: DeepLinkingRequest, items: Sequence[Item], *, message: str = "") -> Answer:
    """Sign an answer to the request; without items it is a cancelled choice. Each has a nonce of its own.

    `message` is what the VLE may show to the author.
    """
    launch = request.launch
    jwt = pylti.deep_linking_answer(
        launch.registration,
        deployment_id=launch.deployment.deployment_id,
        items=[content_item(launch.registration, item, request.accept_line_item) for item in items],
        data=request.data,
        message=message,
    )
    logger.info(
        "deep_linking.answered registration=%s deployment=%s items=%d",
        launch.registration_id,
        launch.deployment.deployment_id,
        len(items),
    )
    return Answer(request.return_url, jwt)


def content_item(
    registration: Registration, item: Item, accept_line_item: bool | None = None
) -> dict[str, Any]:
    """The link to an activity as a content item (Deep Linking 2.0 §4.1.4), the way this VLE wants it.

    The activity's id stands in the custom parameters and in the address: Canvas loses the former at times.
    """
    quirks = platform_quirks.of(registration)
    url = f"{registrations.tool_urls()['launch_url']}?{urlencode({'activity': item.activity})}"
    # A value with a newline would begin another parameter in Moodle; none of these can have one.
    custom = {"activity": item.activity}
    history = {LINK_HISTORY: "$ResourceLink.id.history"} if quirks.tells_link_history else {}
    link: dict[str, Any] = {
        "type": LTI_RESOURCE_LINK,
        "title": item.title,
        "text": item.text,
        "url": url,
        "icon": _picture("icon.png", ICON_PIXELS),
        "thumbnail": _picture("thumbnail.png", THUMBNAIL_PIXELS),
        "custom": {**custom, **history},
    }
    if item.graded and accept_line_item is not False:
        link["lineItem"] = {
            "scoreMaximum": SCORE_MAXIMUM,
            "label": item.title[:MOST_LABEL],
            "resourceId": item.activity,
            "tag": item.tag,
        }
        if quirks.reviews_submissions:
            link["lineItem"]["submissionReview"] = {
                "reviewableStatus": ["Completed"],
                "url": url,
                "custom": custom,
            }
    if item.due_at is not None:
        # Not `available`: that closes the activity, and training done late is better than none.
        link["submission"] = {"endDateTime": stamp(item.due_at)}
    if item.in_new_window is True:
        link["window"] = {"targetName": "_blank"}
    elif item.in_new_window is False:
        link["iframe"] = FRAME
    return quirks.content_item(link)


def _picture(name: str, pixels: int) -> dict[str, Any]:
    return {"url": picture_url(name), "width": pixels, "height": pixels}
