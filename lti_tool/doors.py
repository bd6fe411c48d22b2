"""Who may enter a page. Every view declares its door; one without is shut (`middleware.DeclaredDoor`)."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


class Door(StrEnum):
    """The doors, each with the sentence that says who comes in."""

    PUBLIC = "Anybody."
    PLATFORM = "A VLE's signed message, checked by the view itself."
    INVITED = "Whoever holds an invitation link, checked by the view itself."
    SIGNED_IN = "Somebody launched from a VLE; what they may see is decided by the page's loader."
    OPERATOR = "Staff of the deployer, signed in to the admin site."


def door(who: Door) -> Callable[[View], View]:
    """Declare who may enter a view."""

    def declare(view: View) -> View:
        view.door = who  # type: ignore[attr-defined]
        return view

    return declare


def door_of(view: Callable[..., Any]) -> Door | None:
    """The door a view declares; the admin site's own views are its operators'."""
    declared: Door | None = getattr(view, "door", None)
    # The admin site marks what it wraps with the site or the model's admin; its password page it does not.
    marked = hasattr(view, "admin_site") or hasattr(view, "model_admin")
    admins = getattr(view, "__module__", "").startswith(
        ("django.contrib.admin.", "django.contrib.auth.admin")
    )
    if declared is None and (marked or admins):
        return Door.OPERATOR
    return declared
