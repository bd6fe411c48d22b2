from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from course_content import catalogue, placement
from grading.access import activities_at
from grading.models import Activity
from lti_tool.models import Launch, ResourceLink, School, Trust
from tests import factories
from tests.course_content.small_pack import write_pack


@pytest.fixture(autouse=True)
def _small_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small pack is all that this server teaches."""
    write_pack(tmp_path / "packs" / "small")
    monkeypatch.setattr(catalogue, "BUILT_IN", tmp_path / "packs")
    catalogue.reload()


def launch_of(
    link: ResourceLink, custom: dict[str, str] | None = None, target: str = "/", *, later: int = 0
) -> Launch:
    """A launch of the link, so many minutes after the others."""
    user = factories.make_member(link.context)
    at = datetime(2026, 11, 22, 12, later, tzinfo=UTC)
    return factories.make_launch(user, link, custom=custom or {}, target=target, launched_at=at)


@pytest.fixture
def link(db: None) -> ResourceLink:
    return factories.make_link()


def test_a_module_makes_the_links_activity_with_the_modules_own_pass_mark(link: ResourceLink) -> None:
    made = placement.activity_of(launch_of(link, {"module": "small"}))
    assert (made.resource_link, made.module, made.title) == (link, "small", "A small module")
    assert (made.pass_mark, made.attempts_allowed, made.keeps) == (80, None, "best")


def test_the_author_may_set_pass_mark_attempts_and_rule(link: ResourceLink) -> None:
    custom = {"module": " small ", "pass_mark": "90", "attempts": "3", "keeps": "latest"}
    made = placement.activity_of(launch_of(link, custom))
    assert (made.pass_mark, made.attempts_allowed, made.keeps) == (90, 3, "latest")


def test_the_query_of_the_links_address_is_read_too_and_custom_parameters_win(link: ResourceLink) -> None:
    made = placement.activity_of(
        launch_of(link, {"pass_mark": "70"}, "/?module=small&pass_mark=60&attempts=unlimited")
    )
    assert (made.module, made.pass_mark, made.attempts_allowed) == ("small", 70, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("module", "smal"),
        ("pass_mark", "0"),
        ("pass_mark", "101"),
        ("pass_mark", "80%"),
        ("pass_mark", "8_0"),
        ("pass_mark", "٨٠"),
        ("pass_mark", "-1"),
        ("attempts", "0"),
        ("attempts", "1e2"),
        ("attempts", "many"),
        ("keeps", "average"),
    ],
)
def test_a_bad_value_is_named_and_makes_nothing(link: ResourceLink, name: str, value: str) -> None:
    with pytest.raises(placement.NotSetUp) as refused:
        placement.activity_of(launch_of(link, {"module": "small", name: value}))
    bad = refused.value.bad
    assert bad is not None
    assert (bad.name, bad.value, refused.value.reason) == (name, value, f"parameter_{name}")
    assert not Activity.objects.exists()


def test_a_link_without_parameters_is_not_set_up(link: ResourceLink) -> None:
    with pytest.raises(placement.NotSetUp) as refused:
        placement.activity_of(launch_of(link))
    assert refused.value.bad is None


def test_once_made_the_activity_stays_whatever_the_parameters_say(link: ResourceLink) -> None:
    made = placement.activity_of(launch_of(link, {"module": "small"}))
    assert placement.activity_of(launch_of(link)) == made
    assert placement.activity_of(launch_of(link, {"module": "small", "pass_mark": "lots"})) == made


# --- named by its id ----------------------------------------------------------------------------------------


@pytest.fixture
def placed(link: ResourceLink) -> Activity:
    """An activity that deep linking placed in the link's course; no link has been opened yet."""
    return factories.make_activity(link, resource_link=None, placed_in=link.context, module="small")


def another_link(link: ResourceLink) -> ResourceLink:
    """A link of another course, in the same deployment."""
    return factories.make_link(factories.make_course(link.deployment, title="The copy"))


def opened(link: ResourceLink, activity: Activity, **custom: str) -> Activity:
    """The activity that the link teaches, whose parameters name this one."""
    return placement.activity_of(launch_of(link, {"activity": str(activity.pk), **custom}))


def test_it_becomes_the_links_own_at_the_first_launch(link: ResourceLink, placed: Activity) -> None:
    assert opened(link, placed) == opened(link, placed) == placed
    placed.refresh_from_db()
    assert placed.resource_link == link
    assert Activity.objects.count() == 1


def test_the_id_in_the_address_does_too(link: ResourceLink, placed: Activity) -> None:
    assert placement.activity_of(launch_of(link, target=f"/lti/launch/?activity={placed.pk}")) == placed


def test_the_custom_parameter_goes_before_the_address(link: ResourceLink, placed: Activity) -> None:
    other = factories.make_activity(link, resource_link=None, placed_in=link.context)
    launch = launch_of(link, {"activity": str(placed.pk)}, f"/lti/launch/?activity={other.pk}")
    assert placement.activity_of(launch) == placed


def test_where_the_vle_named_no_course_it_becomes_the_first_links(link: ResourceLink) -> None:
    placed = factories.make_activity(link, resource_link=None)
    assert opened(link, placed) == placed


def test_but_no_copys(link: ResourceLink) -> None:
    """The VLE says that this link was copied from another: that one has a right to the original."""
    placed = factories.make_activity(link, resource_link=None)
    copy = opened(link, placed, link_history="link-0")
    assert (copy.copied_from, copy.resource_link) == (placed, link)


def test_a_copied_course_gets_a_copy(link: ResourceLink, placed: Activity) -> None:
    Activity.objects.update(
        title="Our day", pass_mark=90, attempts_allowed=3, keeps="latest", nation="wales", audience="school"
    )
    opened(link, placed)
    there = another_link(link)
    copy = opened(there, placed)
    assert (copy.copied_from, copy.resource_link, copy.placed_in) == (placed, there, there.context)
    assert (copy.module, copy.title, copy.pass_mark) == ("small", "Our day", 90)
    assert (copy.attempts_allowed, copy.keeps, copy.nation) == (3, "latest", "wales")
    assert (opened(there, placed), opened(link, placed)) == (copy, placed)


def test_a_copied_course_gets_a_copy_also_when_it_is_opened_first(
    link: ResourceLink, placed: Activity
) -> None:
    copy = opened(another_link(link), placed)
    assert copy.copied_from == placed
    assert opened(link, placed) == placed


def test_a_duplicate_in_the_same_course_gets_a_copy(link: ResourceLink, placed: Activity) -> None:
    opened(link, placed)
    copy = opened(factories.make_link(link.context), placed)
    assert (copy.copied_from, copy.placed_in) == (placed, link.context)


def test_a_copy_of_a_copy(link: ResourceLink, placed: Activity) -> None:
    """The id in the parameters is still the original's."""
    opened(link, placed)
    copies = [opened(another_link(link), placed) for _ in range(2)]
    assert [copy.copied_from for copy in copies] == [placed, placed]
    assert copies[0] != copies[1]


def test_a_copys_settings_are_its_own(link: ResourceLink, placed: Activity) -> None:
    opened(link, placed)
    there = another_link(link)
    Activity.objects.filter(pk=opened(there, placed).pk).update(pass_mark=50)
    assert (opened(there, placed).pass_mark, opened(link, placed).pass_mark) == (50, 80)


@pytest.mark.parametrize(("day", "kept"), [(21, False), (23, True)])
def test_a_copy_takes_no_due_date_that_has_passed(
    link: ResourceLink, placed: Activity, day: int, kept: bool
) -> None:
    due = datetime(2026, 11, day, tzinfo=UTC)
    Activity.objects.update(due_at=due)
    assert opened(another_link(link), placed).due_at == (due if kept else None)


def test_what_somebody_began_elsewhere_is_no_other_links(link: ResourceLink, placed: Activity) -> None:
    """A link that gave its activity up leaves it to those who did it there."""
    factories.make_enrolment(placed, link=link)
    there = factories.make_link(link.context)
    assert opened(there, placed).copied_from == placed


# --- chosen anew for the same link --------------------------------------------------------------------------


def test_another_choice_for_a_link_goes_before_the_first(link: ResourceLink, placed: Activity) -> None:
    """Moodle lets an author choose the content of an activity again; people's work stays where it was done."""
    opened(link, placed)
    enrolment = factories.make_enrolment(placed, link=link)
    anew = factories.make_activity(link, resource_link=None, placed_in=link.context)
    assert opened(link, anew) == opened(link, anew) == anew
    enrolment.refresh_from_db()
    placed.refresh_from_db()
    assert (enrolment.activity, enrolment.resource_link, placed.resource_link) == (placed, link, None)
    assert list(activities_at(link)) == [anew, placed]


def test_and_back_again(link: ResourceLink, placed: Activity) -> None:
    anew = factories.make_activity(link, resource_link=None, placed_in=link.context)
    opened(link, placed)
    factories.make_enrolment(placed, link=link)
    assert (opened(link, anew), opened(link, placed)) == (anew, placed)
    assert Activity.objects.count() == 2


def test_a_choice_for_a_copied_link_goes_before_the_copy(link: ResourceLink, placed: Activity) -> None:
    opened(link, placed)
    there = another_link(link)
    copy = opened(there, placed)
    anew = factories.make_activity(there, resource_link=None, placed_in=there.context)
    assert opened(there, anew) == anew
    copy.refresh_from_db()
    assert copy.resource_link is None


def test_what_belongs_to_another_link_is_copied_also_then(link: ResourceLink, placed: Activity) -> None:
    there = another_link(link)
    theirs = factories.make_activity(there)
    opened(link, placed)
    assert opened(link, theirs).copied_from == theirs
    theirs.refresh_from_db()
    assert theirs.resource_link == there


def test_an_old_launch_loaded_again_brings_nothing_back(link: ResourceLink, placed: Activity) -> None:
    anew = factories.make_activity(link, resource_link=None, placed_in=link.context)
    old = launch_of(link, {"activity": str(placed.pk)})
    assert placement.activity_of(old) == placed
    new = launch_of(link, {"activity": str(anew.pk)}, later=1)
    assert placement.activity_of(new) == anew
    assert placement.activity_of(old) == anew


def test_the_same_module_chosen_again_changes_the_settings_alone(
    link: ResourceLink, placed: Activity
) -> None:
    """Moodle's "Select content" is also how an author changes a pass mark: nobody begins anew for that."""
    opened(link, placed)
    enrolment = factories.make_enrolment(placed, link=link)
    anew = factories.make_activity(
        link, resource_link=None, placed_in=link.context, module="small", pass_mark=65
    )
    assert opened(link, anew) == placed
    enrolment.refresh_from_db()
    placed.refresh_from_db()
    assert (enrolment.activity, placed.pass_mark, placed.resource_link) == (placed, 65, link)
    assert list(activities_at(link)) == [placed]

    # Once: what its lead sets afterwards stays.
    Activity.objects.filter(pk=placed.pk).update(pass_mark=70)
    assert (opened(link, anew).pass_mark, opened(link, placed).pass_mark) == (70, 70)


def test_a_copy_of_a_link_whose_module_was_chosen_again(link: ResourceLink, placed: Activity) -> None:
    opened(link, placed)
    anew = factories.make_activity(link, resource_link=None, placed_in=link.context, module="small")
    opened(link, anew)
    copy = opened(another_link(link), anew)
    assert (copy.copied_from, copy.pass_mark) == (anew, anew.pass_mark)
    assert opened(link, anew) == placed


def test_a_link_made_by_hand_that_another_module_is_chosen_for(link: ResourceLink) -> None:
    by_hand = placement.activity_of(launch_of(link, {"module": "small"}))
    anew = factories.make_activity(link, resource_link=None, placed_in=link.context)
    assert opened(link, anew) == anew
    by_hand.refresh_from_db()
    assert by_hand.resource_link is None


# --- copied without its parameters --------------------------------------------------------------------------


def test_a_copied_link_that_says_nothing_gets_a_copy_where_the_vle_tells(link: ResourceLink) -> None:
    original = factories.make_activity(link, pass_mark=90)
    there = another_link(link)
    history = f"unknown,{quote(link.resource_link_id)},older"
    copy = placement.activity_of(launch_of(there, {"link_history": history}))
    assert (copy.copied_from, copy.pass_mark, copy.resource_link) == (original, 90, there)


def test_not_from_another_deployment(link: ResourceLink) -> None:
    foreign = factories.make_activity(factories.make_link())
    assert foreign.resource_link is not None
    with pytest.raises(placement.NotSetUp):
        placement.activity_of(launch_of(link, {"link_history": foreign.resource_link.resource_link_id}))


# --- whose it may be ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_activity_of_another_tenant_is_refused(link: ResourceLink, named: str) -> None:
    foreign = factories.make_activity(factories.make_link())
    with pytest.raises(placement.ForeignActivity):
        placement.activity_of(launch_of(link, {"activity": named or str(foreign.pk)}))
    assert Activity.objects.count() == 1


def test_another_deployment_of_the_same_registration_is_another_tenant(link: ResourceLink) -> None:
    """Two schools share one Canvas and one client id."""
    other = factories.make_deployment(link.deployment.registration)
    foreign = factories.make_activity(factories.make_link(factories.make_course(other)))
    with pytest.raises(placement.ForeignActivity):
        opened(link, foreign)


def test_the_same_trust_may_copy(link: ResourceLink) -> None:
    trust = Trust.objects.create(name="Hill Trust")
    schools = [School.objects.create(name=name, trust=trust) for name in ("North", "South")]
    link.deployment.school = schools[0]
    link.deployment.save()
    course = factories.make_course(factories.make_deployment(), school=schools[1])
    theirs = factories.make_activity(factories.make_link(course))
    copy = opened(link, theirs)
    assert (copy.copied_from, copy.deployment, copy.resource_link) == (theirs, link.deployment, link)


def test_an_activity_that_no_link_has_is_copied_all_the_same(link: ResourceLink) -> None:
    """It is of another deployment: theirs it stays."""
    trust = Trust.objects.create(name="Hill Trust")
    link.deployment.school = School.objects.create(name="North", trust=trust)
    link.deployment.save()
    there = factories.make_deployment(school=School.objects.create(name="South", trust=trust))
    theirs = factories.make_activity(
        factories.make_link(factories.make_course(there)), resource_link=None, placed_in=None
    )
    assert opened(link, theirs).copied_from == theirs


@pytest.mark.parametrize("trusts", [("Hill Trust", "Dale Trust"), (None, None), ("Hill Trust", None)])
def test_other_schools_may_not(link: ResourceLink, trusts: tuple[str | None, str | None]) -> None:
    there = factories.make_deployment()
    for deployment, trust in zip((link.deployment, there), trusts, strict=True):
        owner = Trust.objects.create(name=trust) if trust else None
        deployment.school = School.objects.create(name=deployment.deployment_id, trust=owner)
        deployment.save()
    with pytest.raises(placement.ForeignActivity):
        opened(link, factories.make_activity(factories.make_link(factories.make_course(there))))


# --- at once ------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_many_first_launches_of_one_link(link: ResourceLink, placed: Activity) -> None:
    launches = [launch_of(link, {"activity": str(placed.pk)}) for _ in range(6)]
    found = factories.at_once(*[partial(placement.activity_of, launch) for launch in launches])
    assert found == [placed] * 6
    assert Activity.objects.get().resource_link == link


@pytest.mark.django_db(transaction=True)
def test_two_links_that_name_one_activity(link: ResourceLink, placed: Activity) -> None:
    links = [link, factories.make_link(link.context)]
    launches = [launch_of(place, {"activity": str(placed.pk)}) for place in links * 3]
    found = factories.at_once(*[partial(placement.activity_of, launch) for launch in launches])
    assert [type(one) for one in found] == [Activity] * 6
    assert found[:2] * 3 == found
    assert {one.resource_link for one in found} == set(links)
    assert sorted(str(one.copied_from) for one in found[:2]) == sorted([str(placed), "None"])


@pytest.mark.django_db(transaction=True)
def test_a_link_chosen_anew_by_many_at_once(link: ResourceLink, placed: Activity) -> None:
    opened(link, placed)
    anew = factories.make_activity(link, resource_link=None, placed_in=link.context)
    launches = [launch_of(link, {"activity": str(anew.pk)}, later=1) for _ in range(6)]
    found = factories.at_once(*[partial(placement.activity_of, launch) for launch in launches])
    assert found == [anew] * 6
    assert Activity.objects.get(resource_link=link) == anew


def test_a_known_link_costs_one_query(link: ResourceLink, placed: Activity) -> None:
    opened(link, placed)
    launch = Launch.objects.select_related("resource_link").get(
        pk=launch_of(link, {"activity": str(placed.pk)}).pk
    )
    with CaptureQueriesContext(connection) as queries:
        placement.activity_of(launch)
    assert len(queries) == 1
