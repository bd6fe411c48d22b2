"""Choosing modules: as an author at each make of VLE does it, and what may go wrong on the way."""

import re
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from course_content import catalogue, picker
from course_content.placement import Placement, usual_settings
from grading.activities import Settings
from grading.models import Activity, Enrolment
from lti_tool.models import DeepLinkingRequest, Launch, LtiUser, Membership, ResourceLink, ToolKey
from tests import factories
from tests.course_content.small_pack import GUIDANCE, MODULE, write_pack
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform
from tests.platforms.people import AMINA, TEACHER
from tests.platforms.profiles import CANVAS, EVERY_VLE, GENERIC, MOODLE
from tests.platforms.terms import DEEP_LINKING

pytestmark = pytest.mark.django_db

EVERY = pytest.mark.parametrize("vle", EVERY_VLE, indirect=True, ids=str)


def pack(root: Path, slug: str, **said: str) -> None:
    module = MODULE.replace("slug: small", f"slug: {slug}\npass_mark: 80")
    for old, new in said.items():
        line = re.compile(rf"^{old}: .*$", re.MULTILINE)
        module = line.sub(f"{old}: {new}", module)
    write_pack(root / slug, **{"module.yaml": module})


@pytest.fixture(autouse=True)
def _three_packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this server teaches: three small modules."""
    root = tmp_path / "packs"
    pack(root, "alpha", title="Alpha for everybody", pass_mark="70")
    pack(root, "beta", title="Beta for leads", summary="Deciding together.")
    pack(root, "gamma", title="Gamma for Scotland", nations="[scotland]")
    monkeypatch.setattr(catalogue, "BUILT_IN", root)
    catalogue.reload()


def text(response: Any) -> str:
    """What a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def sign_in(user: LtiUser) -> Client:
    client = Client()
    signed = signing.TimestampSigner(salt="lti.user").sign(f"{user.registration_id}.{user.pk}")
    client.cookies[f"sr-user-{user.registration_id}"] = signed
    return client


def form_of(*slugs: str, **changes: str) -> dict[str, str]:
    """The settings page as it is filled in; `alpha_title="…"` changes a field of one module."""
    usual = {"pass_mark": "80", "attempts_allowed": "", "keeps": "best", "due_at": "", "graded": "yes"}
    filled = {
        f"{slug}-{name}": value
        for slug in slugs
        for name, value in {**usual, "title": f"Our {slug}", "opens": "frame"}.items()
    }
    return {**filled, **{name.replace("_", "-", 1): value for name, value in changes.items()}}


class Author:
    """Somebody who chooses content for a course, on the picker's pages."""

    def __init__(self, *, link: ResourceLink | None = None, custom: Any = None, **asked: Any) -> None:
        if link:
            self.user = factories.make_member(link.context, "Grace", lead=True)
            self.launch = factories.make_launch(self.user, link, custom=custom or {})
        else:
            self.request = factories.make_deep_linking_request(**asked)
            self.launch = self.request.launch
            self.user = self.launch.lti_user
        self.client = sign_in(self.user)

    def address(self, page: str = "picker", query: str = "") -> str:
        return reverse(f"learn:{page}", args=[self.launch.pk]) + (f"?{query}" if query else "")

    def get(self, page: str = "picker", query: str = "") -> Any:
        return self.client.get(self.address(page, query))

    def choose(self, *slugs: str, **changes: str) -> Any:
        """Fill in the settings of these modules, and send them."""
        query = "&".join(f"module={slug}" for slug in slugs)
        return self.client.post(self.address("picker-settings", query), form_of(*slugs, **changes))


@pytest.fixture
def author(tool_key: ToolKey) -> Author:
    return Author()


# --- at each make of VLE ------------------------------------------------------------------------------------


def choose_at(visitor: Visitor, page: Any, *slugs: str, **changes: str) -> Any:
    """From the first page of the picker, as the platform opened it, to its last."""
    first = page.request["PATH_INFO"]
    query = "&".join(f"module={slug}" for slug in slugs)
    settings = f"{first}settings/?{query}"
    offered = visitor.client.get(settings, secure=True).content.decode()
    filled = form_of(*slugs, **changes)
    sent = {name: value for name, value in filled.items() if f'name="{name}"' in offered}
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', offered)
    assert token is not None
    headers = {"referer": "https://tool.example/"}
    return visitor.client.post(
        settings, {**sent, "csrfmiddlewaretoken": token[1]}, secure=True, headers=headers
    )


@EVERY
def test_from_the_choice_to_the_activity(vle: FakePlatform) -> None:
    """An author chooses, the VLE takes it, a learner opens it: the activity is that course's own."""
    vle.register()
    teacher = Visitor(vle, person=TEACHER)
    page = teacher.open(message=DEEP_LINKING)
    assert "Choose the training for your course" in text(page)

    chosen = teacher.give_back(choose_at(teacher, page, "beta", beta_title="Leads’ day", beta_pass_mark="90"))

    assert (chosen.lost, chosen.error, chosen.message) == ((), "", "Chosen: Leads’ day")
    (link,) = chosen.links
    column = vle.columns[link.column]
    activity = Activity.objects.get()
    assert (link.title, column.maximum, column.resource_id) == ("Leads’ day", 100, str(activity.pk))

    Visitor(vle, person=AMINA).open(link)

    activity.refresh_from_db()
    enrolment = Enrolment.objects.get()
    assert enrolment.activity == activity
    assert (activity.module, activity.title, activity.pass_mark) == ("beta", "Leads’ day", 90)
    assert activity.resource_link == enrolment.resource_link
    assert activity.copied_from is None


@pytest.mark.parametrize(
    "vle", [make for make in EVERY_VLE if make.deep_linking.accept_multiple], indirect=True, ids=str
)
def test_several_at_once(vle: FakePlatform) -> None:
    vle.register()
    teacher = Visitor(vle, person=TEACHER)

    page = teacher.open(message=DEEP_LINKING)
    chosen = teacher.give_back(choose_at(teacher, page, "alpha", "beta"))

    assert [link.title for link in chosen.links] == ["Our alpha", "Our beta"]
    assert {activity.module for activity in Activity.objects.all()} == {"alpha", "beta"}


@EVERY
def test_a_cancelled_choice(vle: FakePlatform) -> None:
    vle.register()
    teacher = Visitor(vle, person=TEACHER)
    page = teacher.open(message=DEEP_LINKING)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert token is not None

    answer = teacher.client.post(
        f"{page.request['PATH_INFO']}cancel/",
        {"csrfmiddlewaretoken": token[1]},
        secure=True,
        headers={"referer": "https://tool.example/"},
    )

    assert teacher.give_back(answer).links == ()
    assert not Activity.objects.exists()


@EVERY
def test_a_copied_course_keeps_working_and_is_told_apart(vle: FakePlatform) -> None:
    vle.register()
    teacher = Visitor(vle, person=TEACHER)
    page = teacher.open(message=DEEP_LINKING)
    (link,) = teacher.give_back(choose_at(teacher, page, "beta", beta_pass_mark="90")).links
    Visitor(vle, person=AMINA).open(link)
    original = Activity.objects.get()
    copied = next(one for one in vle.copy_course("course-1", "course-2") if one.title == link.title)

    Visitor(vle, person=AMINA).open(copied)

    copy = Activity.objects.exclude(pk=original.pk).get()
    assert (copy.copied_from, copy.pass_mark, copy.title) == (original, 90, original.title)
    assert copy.resource_link is not None
    assert copy.resource_link.context.context_id == "course-2"
    assert set(Enrolment.objects.values_list("activity", flat=True)) == {original.pk, copy.pk}
    assert "Copied from" in text(Visitor(vle, person=TEACHER).open(copied))


@pytest.mark.parametrize("vle", [CANVAS], indirect=True, ids=str)
def test_one_only_where_the_vle_takes_one(vle: FakePlatform) -> None:
    vle.register()
    teacher = Visitor(vle, person=TEACHER)

    page = teacher.open(message=DEEP_LINKING)

    assert 'type="radio"' in page.content.decode()
    assert 'type="checkbox"' not in page.content.decode()
    assert len(teacher.give_back(choose_at(teacher, page, "alpha", "beta")).links) == 1


@pytest.mark.parametrize("vle", [MOODLE], indirect=True, ids=str)
def test_what_moodle_passes_over_is_not_asked(vle: FakePlatform) -> None:
    """Moodle 4.5.5, executed: window and dates of an item are ignored."""
    vle.register()
    teacher = Visitor(vle, person=TEACHER)
    page = teacher.open(message=DEEP_LINKING)

    settings = teacher.client.get(f"{page.request['PATH_INFO']}settings/?module=beta", secure=True)

    assert "in a new window" not in text(settings)
    assert "Your course does not take it over: set it there, too." in text(settings)


@pytest.mark.parametrize("vle", [GENERIC], indirect=True, ids=str)
def test_a_place_that_takes_no_activities(vle: FakePlatform) -> None:
    vle.register()
    vle.deep_linking_settings = {"accept_types": ["file"]}
    teacher = Visitor(vle, person=TEACHER)

    page = teacher.open(message=DEEP_LINKING)

    assert "takes files, pictures or links, but no activities" in text(page)
    assert "Back to the course" in text(page)


# --- finding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"alpha", "beta", "gamma"}),
        ("q=LEADS", {"beta"}),
        ("q=together deciding", {"beta"}),
        ("q=whom", set()),
        ("nation=scotland", {"gamma"}),
        ("audience=school", {"alpha", "beta", "gamma"}),
        ("nation=scotland&q=leads", set()),
    ],
)
def test_search_and_filters(author: Author, query: str, found: set[str]) -> None:
    page = author.get(query=query).content.decode()

    assert set(re.findall(r'name="module" value="(\w+)"', page)) == found


def test_what_was_chosen_stays_in_sight(author: Author) -> None:
    page = author.get(query="q=leads&module=alpha")

    checked = re.findall(r'value="(\w+)" id="pick-\w+" checked', page.content.decode())
    assert checked == ["alpha"]
    assert "Chosen before" in text(page)


def test_what_is_no_module_is_passed_over(author: Author) -> None:
    assert author.get(query="module=nothing&nation=atlantis&q=%00").status_code == 200
    assert author.get("picker-preview", "preview=nothing").status_code == 404


def test_a_preview_keeps_the_choice(author: Author) -> None:
    page = author.get("picker-preview", "q=for&module=alpha&preview=beta")

    assert "The first lesson" in text(page)
    assert "Know who to tell" in text(page)
    back = author.address(query="q=for&amp;module=alpha")
    assert f'href="{back}"' in page.content.decode()
    assert not Activity.objects.exists()


def test_status_is_shown_honestly(author: Author, tmp_path: Path) -> None:
    root = tmp_path / "packs"
    pack(root, "delta", status="reviewed by J. Doe on 2026-10-01")
    guidance = GUIDANCE.replace("2026-11-22", "2019-01-01").replace("2027-03-01", "2020-01-01")
    (root / "delta" / "guidance.yaml").write_text(guidance)
    catalogue.reload()

    said = text(author.get(query="q=delta"))

    assert "Reviewed by J. Doe on 2026-10-01" in said
    assert "One piece of the guidance behind it is due to be checked again." in said
    assert "Awaiting review by a safeguarding professional" in text(author.get(query="q=alpha"))


def test_an_empty_catalogue_says_so(author: Author, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setattr(catalogue, "BUILT_IN", tmp_path / "none")
    catalogue.reload()

    page = author.get()

    assert "There is no training to choose yet" in text(page)
    assert author.address("picker-cancel") in page.content.decode()


# --- settings -----------------------------------------------------------------------------------------------


def test_nothing_chosen_is_said(author: Author) -> None:
    assert "Choose a module before you go on." in text(author.get("picker-settings"))


def test_the_usual_settings_are_filled_in(author: Author) -> None:
    page = author.get("picker-settings", "module=alpha&module=beta").content.decode()

    values = dict(re.findall(r'name="(\w+-(?:title|pass_mark))" value="([^"]*)"', page))
    assert values == {
        "alpha-title": "Alpha for everybody",
        "alpha-pass_mark": "70",
        "beta-title": "Beta for leads",
        "beta-pass_mark": "80",
    }


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", "", "This field is required."),
        ("title", "\u202e \u200b", "Give the activity a title."),
        ("title", "x" * 201, "at most 200 characters"),
        ("pass_mark", "101", "less than or equal to 100"),
        ("pass_mark", "80%", "Enter a whole number."),
        ("attempts_allowed", "0", "greater than or equal to 1"),
        ("keeps", "average", "Select a valid choice."),
        ("due_at", "soon", "Give a day and a time"),
        ("due_at", "2020-01-01T10:00", "Give a time that is still to come."),
        ("due_at", "2027-03-28T01:30", "couldn’t be interpreted in time zone Europe/London"),
        ("graded", "maybe", "That answer is not one of the options."),
        ("opens", "nowhere", "That answer is not one of the options."),
    ],
)
def test_a_slip_is_told_at_its_field_and_nothing_is_lost(
    author: Author, field: str, value: str, said: str
) -> None:
    page = author.choose("alpha", "beta", **{f"beta_{field}": value, "alpha_title": "Our own words"})

    html = page.content.decode()
    assert page.status_code == 200
    assert said in text(page)
    assert f'href="#id_beta-{field}"' in html
    assert f'id="id_beta-{field}_error"' in html
    assert 'value="Our own words"' in html
    assert not Activity.objects.exists()


def test_the_settings_become_the_activitys(author: Author) -> None:
    due = timezone.localtime(timezone.now() + timedelta(days=30)).replace(second=0, microsecond=0)
    author.choose(
        "alpha",
        alpha_title="  Our \t own\u202e words ",
        alpha_pass_mark="95",
        alpha_attempts_allowed="3",
        alpha_keeps="latest",
        alpha_due_at=due.strftime("%Y-%m-%dT%H:%M"),
    )

    made = Activity.objects.get()
    assert (made.title, made.pass_mark, made.attempts_allowed) == ("Our own words", 95, 3)
    assert (made.keeps, made.due_at, made.nation, made.audience) == ("latest", due, "england", "school")
    assert (made.deployment, made.placed_in) == (author.launch.deployment, author.request.context)
    assert made.resource_link is None


def test_only_what_the_vle_takes_is_asked(tool_key: ToolKey) -> None:
    reticent = Author(accept_line_item=False, accept_targets=["iframe"])

    html = reticent.get("picker-settings", "module=alpha").content.decode()

    assert "alpha-graded" not in html
    assert "alpha-opens" not in html


# --- the answer ---------------------------------------------------------------------------------------------


def items_of(response: Any) -> list[dict[str, Any]]:
    signed = re.search(r'name="JWT" value="([^"]+)"', response.content.decode())
    assert signed is not None
    claims = jwt.decode(signed[1], options={"verify_signature": False})
    items: list[dict[str, Any]] = claims["https://purl.imsglobal.org/spec/lti-dl/claim/content_items"]
    return items


def test_the_form_goes_to_the_vle_and_nowhere_else(author: Author) -> None:
    answer = author.choose("alpha")

    assert 'action="https://vle.example/return?course=2"' in answer.content.decode()
    directives = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert directives["form-action"] == "'self' https://vle.example"
    assert directives["frame-ancestors"] == "https://vle.example"
    assert "no-store" in answer["Cache-Control"]
    assert "data-at-once" in answer.content.decode()


def test_author_decides_about_grade_and_window(author: Author) -> None:
    items = items_of(author.choose("alpha", "beta", alpha_graded="no", alpha_opens="window"))

    assert [("lineItem" in item, "window" in item, "iframe" in item) for item in items] == [
        (False, True, False),
        (True, False, True),
    ]


def test_a_form_sent_again_makes_nothing_twice_and_says_so(author: Author) -> None:
    first, again = author.choose("alpha"), author.choose("alpha")

    assert Activity.objects.count() == 1
    assert items_of(first) == items_of(again)
    assert "You have sent a choice already" in text(again)
    assert "data-at-once" not in again.content.decode()
    assert "You have sent a choice from here before." in text(author.get())


def test_a_choice_made_anew_changes_what_nobody_has_opened(author: Author) -> None:
    author.choose("alpha", alpha_pass_mark="60")
    author.choose("alpha", alpha_pass_mark="75")

    assert Activity.objects.get().pass_mark == 75


def test_and_leaves_what_somebody_has(author: Author) -> None:
    author.choose("alpha", alpha_pass_mark="60")
    assert author.request.context is not None
    Activity.objects.update(resource_link=factories.make_link(author.request.context))
    author.choose("alpha", alpha_pass_mark="75")

    assert Activity.objects.get().pass_mark == 60


@pytest.mark.django_db(transaction=True)
def test_two_forms_at_once_make_one_activity(tool_key: ToolKey) -> None:
    author = Author()
    request = DeepLinkingRequest.objects.select_related(
        "launch__registration", "launch__deployment", "context"
    ).get()
    module = catalogue.get_module("alpha")
    chosen = [picker.Chosen(Placement(module, usual_settings(module)))]

    given = factories.at_once(*[partial(picker.place, request, chosen, now=timezone.now())] * 4)

    assert [type(one) for one in given] == [picker.Given] * 4
    assert sorted(one.again for one in given) == [False, True, True, True]
    assert Activity.objects.count() == 1
    assert author.request.pk == request.pk


# --- for a link that says nothing yet -----------------------------------------------------------------------


@pytest.fixture
def link() -> ResourceLink:
    return factories.make_link()


def landing(author: Author) -> str:
    return reverse("learn:landing", args=[author.launch.pk])


def test_a_lead_chooses_and_arrives_at_their_page(link: ResourceLink) -> None:
    author = Author(link=link)
    assert author.client.get(landing(author)).headers["Location"] == author.address()
    page = author.get()
    assert "Which training does this activity open?" in text(page)
    assert 'type="radio"' in page.content.decode()
    assert "Cancel" not in text(page)

    response = author.choose("beta", beta_pass_mark="65")

    assert response.headers["Location"] == landing(author)
    made = Activity.objects.get()
    assert (made.resource_link, made.module, made.pass_mark) == (link, "beta", 65)
    assert author.client.get(landing(author)).headers["Location"] == reverse("grading:lead", args=[link.pk])


def test_a_chosen_link_is_opened_not_chosen_again(link: ResourceLink) -> None:
    author = Author(link=link)
    author.choose("beta")

    again = author.choose("alpha")

    assert again.headers["Location"] == author.get().headers["Location"] == landing(author)
    assert Activity.objects.get().module == "beta"


def test_a_slip_in_the_links_parameters_is_shown_and_may_be_chosen_away(link: ResourceLink) -> None:
    author = Author(link=link, custom={"module": "beta", "pass_mark": "80%"})

    said = text(author.client.get(landing(author), follow=True))
    assert "The custom parameter “pass_mark” cannot be used" in said
    assert "a whole number from 1 to 100" in said

    author.choose("beta")
    assert Activity.objects.get().resource_link == link


def test_a_link_is_for_its_lead_to_choose(link: ResourceLink) -> None:
    learner = Author(link=link)
    Membership.objects.update(is_lead=False, is_learner=True)

    page = learner.client.get(landing(learner))
    assert page.status_code == 404
    assert "tell the author of your course" in text(page)
    for name in ("picker", "picker-preview", "picker-settings"):
        assert learner.get(name, "module=alpha&preview=alpha").status_code == 404
    assert learner.choose("alpha").status_code == 404
    assert not Activity.objects.exists()


def test_a_link_has_nothing_to_cancel(link: ResourceLink) -> None:
    author = Author(link=link)

    assert author.client.post(author.address("picker-cancel")).status_code == 404


def test_nobody_chooses_for_another(author: Author) -> None:
    other = sign_in(
        factories.make_member(author.request.context or factories.make_course(), "Bob", lead=True)
    )

    for name in ("picker", "picker-preview", "picker-settings"):
        assert other.get(author.address(name, "module=alpha&preview=alpha")).status_code == 404
    assert other.post(author.address("picker-settings", "module=alpha"), form_of("alpha")).status_code == 404
    assert other.post(author.address("picker-cancel")).status_code == 404
    assert not Activity.objects.exists()


@pytest.mark.parametrize(("hours", "answers"), [(3.9, 200), (4.1, 410)])
def test_a_request_is_answered_for_some_hours(author: Author, hours: float, answers: int) -> None:
    Launch.objects.update(launched_at=timezone.now() - timedelta(hours=hours))

    for page in (author.get(), author.choose("alpha"), author.client.post(author.address("picker-cancel"))):
        assert page.status_code == answers
        assert ("Open it again from your course" in text(page)) == (answers == 410)
    assert Activity.objects.count() == (answers == 200)


def test_usual_settings_are_the_modules_own() -> None:
    assert usual_settings(catalogue.get_module("gamma")) == Settings(
        title="Gamma for Scotland", nation="scotland", audience="school", pass_mark=80
    )


def test_the_address_of_a_preview_leads_back(author: Author) -> None:
    """What is chosen on the preview's page comes on top of what was chosen before."""
    page = author.get("picker-preview", "module=alpha&preview=beta").content.decode()

    kept = re.findall(r'<input type="hidden" name="module" value="(\w+)">', page)
    action = re.search(r'<form class="actions at-hand" method="get" action="([^"]+)"', page)
    assert kept == ["alpha", "beta"]
    assert action is not None
    assert urlsplit(action[1]).path == author.address()
