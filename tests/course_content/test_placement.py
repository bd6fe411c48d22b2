from pathlib import Path

import pytest

from course_content import catalogue, placement
from grading.models import Activity
from lti_tool.models import Launch, ResourceLink
from tests import factories
from tests.course_content.small_pack import write_pack


@pytest.fixture(autouse=True)
def _small_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small pack is all that this server teaches."""
    write_pack(tmp_path / "packs" / "small")
    monkeypatch.setattr(catalogue, "BUILT_IN", tmp_path / "packs")
    catalogue.reload()


def launch_of(link: ResourceLink, custom: dict[str, str] | None = None, target: str = "/") -> Launch:
    user = factories.make_member(link.context)
    return factories.make_launch(user, link, custom=custom or {}, target=target)


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


def test_an_activity_is_found_by_its_id_at_any_link_of_its_deployment(link: ResourceLink) -> None:
    shared = factories.make_activity(link, resource_link=None)
    other = factories.make_link(factories.make_course(link.deployment))
    assert placement.activity_of(launch_of(other, {"activity": str(shared.pk)})) == shared


@pytest.mark.parametrize("named", ["", "nonsense"])
def test_an_activity_of_another_deployment_is_refused(link: ResourceLink, named: str) -> None:
    foreign = factories.make_activity(factories.make_link())
    with pytest.raises(placement.ForeignActivity):
        placement.activity_of(launch_of(link, {"activity": named or str(foreign.pk)}))
