"""A lead's pages for one link: who has passed, and whether each grade reached the VLE."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from grading import outbox, standings
from grading.access import activities_at, led_place
from grading.forms import ActivitySettings
from grading.models import OutgoingScore
from grading.standings import Standing, Wanted
from lti_tool import local_details, rosters
from lti_tool.doors import Door, door
from lti_tool.models import Roster

# A list that is as long as this is worth searching.
FEW = 20


@door(Door.SIGNED_IN)
@require_safe
def overview(request: HttpRequest, link_pk: int) -> HttpResponse:
    """Everybody's standing in each activity taken at this link."""
    link, _ = led_place(request, link_pk)
    as_of, wanted = timezone.now(), _wanted(request)
    sent = request.GET.get("sent", "")
    shown = [
        standings.overview(link, activity, as_of=as_of, wanted=wanted) for activity in activities_at(link)
    ]
    return render(
        request,
        "grading/lead.html",
        {
            "link": link,
            "overviews": shown,
            "wanted": wanted,
            "standings": list(Standing),
            "is_long": wanted.is_narrowed or any(len(one.rows) > FEW for one in shown),
            "local": local_details.of_course(link.context_id, now=as_of),
            "roster": Roster.objects.filter(context=link.context_id).first(),
            "sent": int(sent) if sent.isdecimal() and len(sent) < 7 else None,
            "saved": "saved" in request.GET,
            "asked": request.GET.get("asked", ""),
        },
    )


def _wanted(request: HttpRequest) -> Wanted:
    show = request.GET.get("show", "")
    return Wanted(
        show=show if show in {*Standing, standings.LEFT} else "",
        name=request.GET.get("name", "").strip()[:100],
        page=request.GET.get("page", "1"),
    )


@door(Door.SIGNED_IN)
@require_POST
def refresh_list(request: HttpRequest, link_pk: int) -> HttpResponse:
    """Have the VLE asked anew who is in the course."""
    link, _ = led_place(request, link_pk)
    asked = rosters.ask(Roster.objects.filter(context=link.context_id), now=timezone.now())
    return redirect(f"{reverse('grading:lead', args=[link_pk])}?asked={int(asked)}")


@door(Door.SIGNED_IN)
@require_POST
def send_again(request: HttpRequest, link_pk: int) -> HttpResponse:
    """Put parked grades back on their way: one, or all of this link."""
    link, _ = led_place(request, link_pk)
    scores = OutgoingScore.objects.filter(enrolment__resource_link=link)
    if (chosen := request.POST.get("score", "")).isdecimal():
        scores = scores.filter(pk=chosen)
    count = outbox.send_again(scores, now=timezone.now())
    # In the address, not in a message's cookie: that is first-party only and would be lost in a VLE's frame.
    return redirect(f"{reverse('grading:lead', args=[link_pk])}?sent={count}")


@door(Door.SIGNED_IN)
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, link_pk: int) -> HttpResponse:
    """The activity's pass mark, attempts and rule. Results that stand are not marked again."""
    link, _ = led_place(request, link_pk)
    activity = get_object_or_404(activities_at(link), resource_link=link)
    form = ActivitySettings(request.POST or None, instance=activity)
    if form.is_valid():
        form.save()
        return redirect(f"{reverse('grading:lead', args=[link_pk])}?saved=1")
    return render(request, "grading/activity_settings.html", {"form": form, "link": link})
