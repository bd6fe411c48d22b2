"""Every page says who may enter it, and keeps to it. Pages that are added later are walked too."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from lti_tool.doors import Door, door_of
from lti_tool.middleware import DeclaredDoor
from lti_tool.models import LtiUser, Registration
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform
from tests.platforms.terms import CLAIM, INSTRUCTOR, LEARNER

pytestmark = pytest.mark.django_db
# Ids and names for every kind of path argument.
ARGUMENTS = {"int": "424242", "str": "AAAA-AAAA", "slug": "a-step", "path": "a/b", "uuid": "0" * 8}


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every route with its view, the admin site's as one: its own tests walk it."""
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        elif isinstance(entry, URLPattern):
            yield route, entry.callback


ROUTES = dict(patterns(get_resolver()))
SIGNED_IN = {route: view for route, view in ROUTES.items() if door_of(view) is Door.SIGNED_IN}


def address(route: str, **arguments: object) -> str:
    """A route with its arguments filled in: those given by name, others by their kind."""

    def fill(found: re.Match[str]) -> str:
        kind, name = found[1] or "str", found[2]
        return str(arguments.get(name, ARGUMENTS[kind]))

    return "/" + re.sub(r"<(?:(\w+):)?(\w+)>", fill, route)


def test_there_are_pages_to_walk() -> None:
    assert len(ROUTES) > 20
    assert len(SIGNED_IN) >= 5


@pytest.mark.parametrize("route", ROUTES)
def test_every_page_declares_its_door(route: str) -> None:
    assert isinstance(door_of(ROUTES[route]), Door)


def test_the_lti_pages_are_no_wider_than_they_must_be() -> None:
    doors = {route: door_of(view) for route, view in ROUTES.items() if route.startswith("lti/")}

    public = sorted(route for route, who in doors.items() if who is Door.PUBLIC)
    assert public == ["lti/canvas.json", "lti/jwks/"]
    invited = sorted(route for route, who in doors.items() if who is Door.INVITED)
    assert invited == ["lti/register/", "lti/register/by-hand/<str:family>/"]
    assert doors["lti/login/"] is doors["lti/launch/"] is doors["lti/continue/"] is Door.PLATFORM


def test_every_admin_page_is_an_operators() -> None:
    doors = {door_of(view) for route, view in ROUTES.items() if route.startswith("admin/")}

    assert doors == {Door.OPERATOR}


def test_a_view_without_a_door_lets_nobody_in() -> None:
    def undeclared(request: HttpRequest) -> HttpResponse:
        return HttpResponse("in")

    middleware = DeclaredDoor(undeclared)
    with pytest.raises(RuntimeError, match="does not declare who may enter"):
        middleware.process_view(RequestFactory().get("/"), undeclared, (), {})


@pytest.mark.parametrize("route", SIGNED_IN)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_enters_who_was_not_launched(route: str, method: str) -> None:
    response = getattr(Client(headers={"host": "tool.example"}), method)(address(route), secure=True)

    assert response.status_code == 403
    assert b"open the activity from your course" in response.content
    assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))


@pytest.mark.parametrize("route", SIGNED_IN)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_id_of_nothing_is_not_found(platform: FakePlatform, route: str, method: str) -> None:
    visitor = Visitor(platform)
    visitor.launch()

    response = getattr(visitor.client, method)(address(route), secure=True)

    # 405: the page has no such method.
    assert response.status_code in {404, 405}
    assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))


def ids_of_somebody(platform: FakePlatform) -> dict[str, int]:
    """What somebody else's work is known by, by argument name."""
    from grading.models import Attempt, Enrolment
    from lti_tool.models import Launch, ResourceLink

    somebody = Visitor(platform)
    location = somebody.launch(lambda claims: claims.update({f"{CLAIM}roles": [LEARNER, INSTRUCTOR]}))
    somebody.client.get(location["Location"], secure=True, follow=True)
    newest = {
        "launch_pk": Launch.objects.last(),
        "link_pk": ResourceLink.objects.last(),
        "enrolment_pk": Enrolment.objects.last(),
        "attempt_pk": Attempt.objects.last(),
    }
    return {name: row.pk for name, row in newest.items() if row is not None}


@pytest.mark.parametrize("method", ["get", "post"])
def test_somebody_elses_ids_are_not_found(platform: FakePlatform, method: str) -> None:
    """A colleague in the same course, a learner there; and somebody of another course."""
    ids = ids_of_somebody(platform)
    assert {"launch_pk", "link_pk"} <= ids.keys()
    colleague, stranger = Visitor(platform), Visitor(platform)
    colleague.launch(lambda claims: claims.update(sub="user-2"))
    elsewhere = {
        "sub": "user-3",
        f"{CLAIM}roles": [INSTRUCTOR],
        f"{CLAIM}context": {"id": "course-2"},
        f"{CLAIM}resource_link": {"id": "link-2"},
    }
    stranger.launch(lambda claims: claims.update(elsewhere))

    found = []
    for route in SIGNED_IN:
        if not any(name in route for name in ids):
            continue
        for who, visitor in (("colleague", colleague), ("stranger", stranger)):
            # A colleague may take the link of the course they share.
            if who == "colleague" and route.startswith("learn/link/"):
                continue
            status = getattr(visitor.client, method)(address(route, **ids), secure=True).status_code
            if status not in {404, 405}:
                found.append((who, route, status))

    assert found == []


@pytest.mark.parametrize("route", [route for route in SIGNED_IN if "launch_pk" in route])
def test_somebody_switched_off_finds_nothing(platform: FakePlatform, route: str) -> None:
    ids = ids_of_somebody(platform)
    visitor = Visitor(platform)
    visitor.launch()
    LtiUser.objects.update(is_active=False)

    asked = [
        getattr(visitor.client, method)(address(route, **ids), secure=True) for method in ("get", "post")
    ]

    # 405: the page has no such method.
    assert {404} <= {response.status_code for response in asked} <= {404, 405}


def test_a_vle_switched_off_locks_its_people_out(platform: FakePlatform) -> None:
    visitor = Visitor(platform)
    location = visitor.launch()["Location"]
    Registration.objects.update(is_active=False)

    assert visitor.client.get(location, secure=True).status_code == 404
