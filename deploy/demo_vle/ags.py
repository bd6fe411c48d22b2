"""Line items of the Assignment and Grade Services (LTI-AGS 2.0, 3.2)."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from deploy.demo_vle import urls_of
from deploy.demo_vle.models import LineItem
from deploy.demo_vle.school import ACTIVITY
from deploy.demo_vle.scopes import LINE_ITEM, LINE_ITEM_READONLY
from deploy.demo_vle.service_api import (
    ServiceError,
    by_method,
    json_object,
    number_of,
    require_accept,
    require_content_type,
    require_scope,
    text_of,
)

ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
CONTAINER_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
FILTERS = ("resource_link_id", "resource_id", "tag")


def list_items(request: HttpRequest) -> HttpResponse:
    require_scope(request, LINE_ITEM, LINE_ITEM_READONLY)
    require_accept(request, CONTAINER_TYPE)
    wanted = {name: request.GET[name] for name in FILTERS if name in request.GET}
    items = LineItem.objects.filter(**wanted)
    return JsonResponse([as_json(item) for item in items], safe=False, content_type=CONTAINER_TYPE)


def create_item(request: HttpRequest) -> HttpResponse:
    require_scope(request, LINE_ITEM)
    require_content_type(request, ITEM_TYPE)
    item = LineItem()
    _fill(item, json_object(request))
    item.save()
    answer = as_json(item)
    return JsonResponse(answer, status=201, content_type=ITEM_TYPE, headers={"Location": answer["id"]})


def read_item(request: HttpRequest, item_id: int) -> HttpResponse:
    require_scope(request, LINE_ITEM, LINE_ITEM_READONLY)
    require_accept(request, ITEM_TYPE)
    return JsonResponse(as_json(find_item(item_id)), content_type=ITEM_TYPE)


def replace_item(request: HttpRequest, item_id: int) -> HttpResponse:
    """LTI-AGS 2.0, 3.2: a PUT replaces, as in Moodle, so a field left out is emptied."""
    require_scope(request, LINE_ITEM)
    require_content_type(request, ITEM_TYPE)
    item = find_item(item_id)
    _fill(item, json_object(request))
    item.save()
    return JsonResponse(as_json(item), content_type=ITEM_TYPE)


def delete_item(request: HttpRequest, item_id: int) -> HttpResponse:
    require_scope(request, LINE_ITEM)
    item = find_item(item_id)
    if item.belongs_to_activity:
        raise ServiceError(403, "This column belongs to the activity; only a teacher removes it.")
    item.delete()
    return HttpResponse(status=204)


def find_item(item_id: int) -> LineItem:
    item = LineItem.objects.filter(pk=item_id).first()
    if item is None:
        raise ServiceError(404, "There is no such line item.")
    return item


def as_json(item: LineItem) -> dict[str, Any]:
    shown = {
        "id": urls_of.line_item(item.pk),
        "label": item.label,
        "scoreMaximum": item.score_maximum,
        "resourceLinkId": item.resource_link_id,
        "resourceId": item.resource_id,
        "tag": item.tag,
        "startDateTime": item.start_date_time,
        "endDateTime": item.end_date_time,
    }
    return {name: value for name, value in shown.items() if value != ""}


def _fill(item: LineItem, body: dict[str, Any]) -> None:
    item.label = text_of(body, "label", most=255, required=True)
    maximum = number_of(body, "scoreMaximum")
    if maximum is None or maximum <= 0:
        raise ServiceError(400, "scoreMaximum must be a number above 0.")
    item.score_maximum = maximum
    item.resource_id = text_of(body, "resourceId", most=255)
    item.tag = text_of(body, "tag", most=255)
    item.start_date_time = _date_time(body, "startDateTime")
    item.end_date_time = _date_time(body, "endDateTime")
    if item.belongs_to_activity:
        return  # the activity's own column stays with its link, whatever is sent
    item.resource_link_id = text_of(body, "resourceLinkId", most=255)
    if item.resource_link_id not in ("", ACTIVITY.id):
        raise ServiceError(400, "resourceLinkId names no link of this course.")


def _date_time(body: dict[str, Any], name: str) -> str:
    value = text_of(body, name, most=64)
    try:
        if value:
            datetime.fromisoformat(value)
    except ValueError:
        raise ServiceError(400, f"{name} must be an ISO 8601 date and time.") from None
    return value


line_items = by_method(GET=list_items, POST=create_item)
line_item = by_method(GET=read_item, PUT=replace_item, DELETE=delete_item)
