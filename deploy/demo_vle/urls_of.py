"""Absolute addresses that leave the VLE: in tokens, in claims, in service answers."""

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from deploy.demo_vle.models import Activity, Course, LineItem, Tool


def _absolute(name: str, **kwargs: object) -> str:
    return settings.PUBLIC_URL + reverse(name, kwargs=kwargs)


def token() -> str:
    return _absolute("token")


def auth() -> str:
    return _absolute("auth")


def jwks() -> str:
    return _absolute("jwks")


def openid_configuration() -> str:
    return _absolute("openid-configuration")


def registration() -> str:
    return _absolute("registration")


def return_from_activity(activity: Activity) -> str:
    return _absolute("return", course_id=activity.course_id, activity_id=activity.pk)


def deep_linking_return(course: Course, tool: Tool) -> str:
    return _absolute("deep-linking-return", course_id=course.pk, tool_id=tool.pk)


def memberships(course: Course) -> str:
    return _absolute("memberships", course_id=course.pk)


def line_items(course: Course) -> str:
    return _absolute("line-items", course_id=course.pk)


def line_item(item: LineItem) -> str:
    return _absolute("line-item", course_id=item.course_id, item_id=item.pk)


def results(item: LineItem, user_id: str) -> str:
    base = _absolute("results", course_id=item.course_id, item_id=item.pk)
    return f"{base}?{urlencode({'user_id': user_id})}"
