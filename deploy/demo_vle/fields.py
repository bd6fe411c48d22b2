"""Reading JSON that others sent, strictly: each fault is an error that names the field."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

PROGRESS = ("Initialized", "Started", "InProgress", "Submitted", "Completed")  # LTI-AGS 2.0, 3.4.7
PLAIN_HOST = re.compile(r"[A-Za-z0-9.:_\[\]-]+")


class FieldError(Exception):
    """What is wrong with a field, in words for whoever sent it."""

    status = 400
    headers: Mapping[str, str] | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def text_of(body: Mapping[str, Any], name: str, *, most: int, required: bool = False) -> str:
    value = body.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value.strip()):
        raise FieldError(f"{name} must be text.")
    if len(value) > most:
        raise FieldError(f"{name} may be at most {most} characters long.")
    # JSON can spell both of these, but no database column of text holds them.
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise FieldError(f"{name} holds a character that cannot be stored.")
    return value


def number_of(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError(f"{name} must be a number.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FieldError(f"{name} is out of range.")
    return number


def url_of(body: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    value = text_of(body, name, most=2000, required=required)
    if value and not is_http_url(value):
        raise FieldError(f"{name} must be an http or https address.")
    return value


def is_http_url(value: object) -> bool:
    """Whether a browser can be sent there: absolute, with a plain host and perhaps a port.

    Hosts go into our pages' Content-Security-Policy, so nothing else may stand in their place.
    """
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("http", "https")
            and PLAIN_HOST.fullmatch(parts.netloc) is not None
            and bool(parts.hostname)
            and parts.port != 0
        )
    except ValueError:
        return False


def date_time_of(body: Mapping[str, Any], name: str, *, with_zone: bool = False) -> str:
    value = text_of(body, name, most=64)
    try:
        if value and datetime.fromisoformat(value).tzinfo is None and with_zone:
            raise ValueError("no zone")
    except ValueError:
        raise FieldError(f"{name} must be an ISO 8601 date and time.") from None
    return value


def object_of(body: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise FieldError(f"{name} must be an object.")
    return value


def list_of(body: Mapping[str, Any], name: str, *, most: int = 100) -> list[Any]:
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most:
        raise FieldError(f"{name} must be a list of at most {most}.")
    return value


def custom_of(body: Mapping[str, Any], name: str = "custom") -> dict[str, str]:
    """LTI 1.3 core, 5.4.6: names and values are text.

    Moodle keeps one parameter a line, and there a value with a line break becomes two of them.
    """
    custom = object_of(body, name) or {}
    for key, value in custom.items():
        if not key or not isinstance(value, str):
            raise FieldError(f"{name}: every parameter must have a name, and text as its value.")
        text_of(custom, key, most=4000)
        if "\n" in value or "\r" in value or "\n" in key or "=" in key:
            raise FieldError(f"{name}: {key!r} holds a line break, or its name an equals sign.")
    return custom


def submission_review_of(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """LTI-SR 1.0: `submissionReview` of a line item."""
    review = object_of(body, "submissionReview")
    if review is None:
        return None
    statuses = list_of(review, "reviewableStatus")
    if "reviewableStatus" not in review or any(status not in (*PROGRESS, "None") for status in statuses):
        raise FieldError(f"reviewableStatus must be a list of {', '.join(PROGRESS)} or None.")
    return {
        "reviewableStatus": statuses,
        "label": text_of(review, "label", most=255),
        "url": url_of(review, "url"),
        "custom": custom_of(review),
    }
