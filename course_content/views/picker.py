"""Choosing modules: for a course by deep linking, or for a link that does not say yet what it opens."""

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from course_content import catalogue, picker
from course_content.access import place_of
from course_content.forms import PlacementForm
from course_content.picker import Given, Place, Wanted
from course_content.refusals import explaining
from lti_tool.doors import Door, door
from lti_tool.middleware import let_post_to


def picking(view: Callable[[HttpRequest, Place], HttpResponse]) -> Callable[..., HttpResponse]:
    """Load what modules are chosen for. A link that has its activity already is opened instead."""

    @wraps(view)
    @explaining
    def wrapped(request: HttpRequest, launch_pk: int) -> HttpResponse:
        place = place_of(request, launch_pk)
        return view(request, place) if place else redirect("learn:landing", launch_pk)

    return wrapped


@door(Door.SIGNED_IN)
@require_GET
@picking
def choose(request: HttpRequest, place: Place) -> HttpResponse:
    """What there is to choose from."""
    return _shelf(request, place, Wanted.read(request.GET, several=place.takes_several))


def _shelf(request: HttpRequest, place: Place, wanted: Wanted, *, none_chosen: bool = False) -> HttpResponse:
    if not place.takes_activities:
        return render(request, "course_content/picker_elsewhere.html", {"place": place})
    shelf = picker.shelf(wanted, today=timezone.localdate())
    missing = none_chosen and shelf.total
    problems = [("modules", _("Choose a module before you go on."))] if missing else []
    context = {"place": place, "wanted": wanted, "shelf": shelf, "problems": problems}
    return render(request, "course_content/picker.html", context)


@door(Door.SIGNED_IN)
@require_GET
@picking
def preview(request: HttpRequest, place: Place) -> HttpResponse:
    """One module, before it is chosen. The way back keeps the choice so far."""
    wanted = Wanted.read(request.GET, several=place.takes_several)
    try:
        module = wanted.as_wanted(catalogue.get_module(request.GET.get("preview", "")))
    except catalogue.ModuleNotFound:
        raise Http404 from None
    context = {
        "place": place,
        "wanted": wanted,
        "module": module,
        "sample": picker.sample(module),
        "overdue": module.overdue_guidance(timezone.localdate()),
    }
    return render(request, "course_content/picker_preview.html", context)


@door(Door.SIGNED_IN)
@require_http_methods(["GET", "POST"])
@picking
def settings(request: HttpRequest, place: Place) -> HttpResponse:
    """The settings of each chosen module; then the answer to the VLE, or the page of the link."""
    wanted = Wanted.read(request.GET, several=place.takes_several)
    if not wanted.chosen or not place.takes_activities:
        return _shelf(request, place, wanted, none_chosen=True)
    posted = request.POST if request.method == "POST" else None
    modules = [catalogue.get_module(slug) for slug in wanted.chosen]
    forms = [PlacementForm(posted, module=module, place=place, wanted=wanted) for module in modules]
    if all(form.is_valid() for form in forms):
        return _finish(request, place, [form.chosen for form in forms])
    context = {
        "place": place,
        "wanted": wanted,
        "forms": forms,
        "problems": [problem for form in forms for problem in form.problems],
    }
    return render(request, "course_content/picker_settings.html", context)


def _finish(request: HttpRequest, place: Place, chosen: list[picker.Chosen]) -> HttpResponse:
    if place.request is not None:
        return _go_back(request, picker.place(place.request, chosen, now=timezone.now()))
    picker.set_up(place.launch, chosen[0].placement)
    return redirect("learn:landing", place.launch.pk)


@door(Door.SIGNED_IN)
@require_POST
@picking
def cancel(request: HttpRequest, place: Place) -> HttpResponse:
    """Nothing is chosen."""
    if place.request is None:
        raise Http404
    return _go_back(request, picker.cancel(place.request))


def _go_back(request: HttpRequest, given: Given) -> HttpResponse:
    """The page whose form takes the answer to the VLE."""
    response = render(
        request,
        "lti_tool/choice_made.html",
        {"answer": given.answer, "titles": given.titles, "again": given.again},
    )
    let_post_to(response, [given.answer.origin])
    return response
