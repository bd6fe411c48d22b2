"""Line items of the Assignment and Grade Services (LTI-AGS 2.0, 3.2)."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from deploy.demo_vle import urls_of
from deploy.demo_vle.fields import FieldError, date_time_of, number_of, submission_review_of, text_of
from deploy.demo_vle.models import Course, LineItem, Tool
from deploy.demo_vle.scopes import LINE_ITEM, LINE_ITEM_READONLY
from deploy.demo_vle.service_api import (
    ServiceError,
    by_method,
    json_object,
    require_accept,
    require_content_type,
    require_scope,
)

ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
CONTAINER_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"


def list_items(request: HttpRequest, course: Course) -> HttpResponse:
    tool = require_scope(request, LINE_ITEM, LINE_ITEM_READONLY)
    require_accept(request, CONTAINER_TYPE)
    items = _own(tool, course)
    for name in ("resource_id", "tag"):
        if name in request.GET:
            items = items.filter(**{name: request.GET[name]})
    if "resource_link_id" in request.GET:
        link_id = request.GET["resource_link_id"]
        items = items.filter(activity=int(link_id)) if _is_id(link_id) else items.none()
    return JsonResponse([as_json(item) for item in items], safe=False, content_type=CONTAINER_TYPE)


def create_item(request: HttpRequest, course: Course) -> HttpResponse:
    tool = require_scope(request, LINE_ITEM)
    require_content_type(request, ITEM_TYPE)
    item = LineItem(course=course, tool=tool)
    _fill(item, json_object(request))
    item.save()
    answer = as_json(item)
    return JsonResponse(answer, status=201, content_type=ITEM_TYPE, headers={"Location": answer["id"]})


def read_item(request: HttpRequest, course: Course, item_id: int) -> HttpResponse:
    tool = require_scope(request, LINE_ITEM, LINE_ITEM_READONLY)
    require_accept(request, ITEM_TYPE)
    return JsonResponse(as_json(find_item(tool, course, item_id)), content_type=ITEM_TYPE)


def replace_item(request: HttpRequest, course: Course, item_id: int) -> HttpResponse:
    """LTI-AGS 2.0, 3.2: a PUT replaces, as in Moodle, so a field left out is emptied."""
    tool = require_scope(request, LINE_ITEM)
    require_content_type(request, ITEM_TYPE)
    item = find_item(tool, course, item_id)
    _fill(item, json_object(request))
    item.save()
    return JsonResponse(as_json(item), content_type=ITEM_TYPE)


def delete_item(request: HttpRequest, course: Course, item_id: int) -> HttpResponse:
    item = find_item(require_scope(request, LINE_ITEM), course, item_id)
    if item.belongs_to_activity:
        raise ServiceError(403, "This column belongs to the activity; only a teacher removes it.")
    item.delete()
    return HttpResponse(status=204)


def find_item(tool: Tool, course: Course, item_id: int) -> LineItem:
    """LTI-AGS 2.0, 3.2: a tool's columns are its own; those of others are not there for it."""
    item = _own(tool, course).filter(pk=item_id).first()
    if item is None:
        raise ServiceError(404, "There is no such line item.")
    return item


def as_json(item: LineItem) -> dict[str, Any]:
    shown = {
        "id": urls_of.line_item(item),
        "label": item.label,
        "scoreMaximum": item.score_maximum,
        "resourceLinkId": str(item.activity_id or ""),
        "resourceId": item.resource_id,
        "tag": item.tag,
        "startDateTime": item.start_date_time,
        "endDateTime": item.end_date_time,
        "submissionReview": {name: value for name, value in (item.submission_review or {}).items() if value},
    }
    return {name: value for name, value in shown.items() if value not in ("", {})}


def _own(tool: Tool, course: Course) -> QuerySet[LineItem]:
    return LineItem.objects.filter(course=course, tool=tool)


def _fill(item: LineItem, body: dict[str, Any]) -> None:
    item.label = text_of(body, "label", most=255, required=True)
    maximum = number_of(body, "scoreMaximum")
    if maximum is None or maximum <= 0:
        raise FieldError("scoreMaximum must be a number above 0.")
    item.score_maximum = maximum
    item.resource_id = text_of(body, "resourceId", most=255)
    item.tag = text_of(body, "tag", most=255)
    item.start_date_time = date_time_of(body, "startDateTime")
    item.end_date_time = date_time_of(body, "endDateTime")
    item.submission_review = submission_review_of(body)
    if item.belongs_to_activity:
        return  # the activity's own column stays with its link, whatever is sent
    link_id = text_of(body, "resourceLinkId", most=255)
    links = item.course.activities.filter(tool=item.tool)
    item.activity = links.filter(pk=int(link_id)).first() if _is_id(link_id) else None
    if link_id and item.activity is None:
        raise FieldError("resourceLinkId names no link of this course.")


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal()


line_items = by_method(GET=list_items, POST=create_item)
line_item = by_method(GET=read_item, PUT=replace_item, DELETE=delete_item)
