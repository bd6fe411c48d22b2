"""Absolute addresses that leave the VLE: in tokens, in claims, in service answers."""

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from deploy.demo_vle.school import COURSE


def _absolute(name: str, **kwargs: object) -> str:
    return settings.PUBLIC_URL + reverse(name, kwargs=kwargs)


def token() -> str:
    return _absolute("token")


def auth() -> str:
    return _absolute("auth")


def return_from_activity() -> str:
    return _absolute("return")


def memberships() -> str:
    return _absolute("memberships", course_id=COURSE.id)


def line_items() -> str:
    return _absolute("line-items", course_id=COURSE.id)


def line_item(item_id: int) -> str:
    return _absolute("line-item", course_id=COURSE.id, item_id=item_id)


def results(item_id: int, user_id: str) -> str:
    base = _absolute("results", course_id=COURSE.id, item_id=item_id)
    return f"{base}?{urlencode({'user_id': user_id})}"
