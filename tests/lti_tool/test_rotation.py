"""A new key takes over from an old one, and nobody notices: VLEs keep key sets, and processes their key."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from deploy.celery import app
from lti_tool import ags, keys, pylti, tasks
from lti_tool.line_items import Column
from lti_tool.models import LineItem, Registration, ToolKey
from tests import settings as deployed
from tests.factories import at_once
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def wait(time: timedelta) -> None:
    """Time goes by: for a row that is the same as having been made earlier."""
    ToolKey.objects.update(created_at=F("created_at") - time, signs_from=F("signs_from") - time)


def kids() -> list[str]:
    return [key["kid"] for key in keys.public_keys()["keys"]]


class Vle:
    """One that keeps our published set for `keeps`, and never looks again for a key that it does not know."""

    def __init__(self, keeps: timedelta) -> None:
        self.keeps = keeps
        self.age = keeps
        self.published: list[dict[str, Any]] = []

    def look(self) -> None:
        """Fetch the set anew, when the copy is too old."""
        if self.age >= self.keeps:
            fetched = Client(headers={"host": "tool.example"}).get("/lti/jwks/", secure=True)
            self.published = fetched.json()["keys"]
            self._known = {key["kid"]: jwt.PyJWK(key).key for key in self.published}
            self.age = timedelta(0)

    def verifies(self, token: str) -> bool:
        self.look()
        known = self._known.get(jwt.get_unverified_header(token)["kid"])
        unchecked = {"verify_aud": False}
        return known is not None and bool(jwt.decode(token, known, algorithms=["RS256"], options=unchecked))


def sign() -> str:
    key = keys.signing_key()
    return jwt.encode({"iss": "tool"}, key.private_key, algorithm="RS256", headers={"kid": key.kid})


def test_every_signature_is_verified_across_three_rotations(settings: Settings, tool_key: ToolKey) -> None:
    """VLEs that keep our keys for no time, an hour and a day (asked at different hours of it), and a process that
    looks at the key anew as late as it may.
    """
    settings.KEY_ROTATION_DAYS = 5
    vles = [Vle(timedelta(0)), Vle(HOUR), *(Vle(DAY) for _ in range(6))]
    for number, vle in enumerate(vles):
        vle.look()
        vle.age = number * 4 * HOUR
    known_to_sign: set[str] = set()

    for hour in range(20 * 24):
        if hour % 24 == 3:
            tasks.look_after_keys()
        late = sign()  # by a process that has not looked at the key for almost an hour, and so for a minute
        keys.forget_loaded_key()
        for token in (late, sign()):
            known_to_sign.add(jwt.get_unverified_header(token)["kid"])
            assert [vle.verifies(token) for vle in vles] == [True] * len(vles), f"after {hour} hours"
        for passed in (timedelta(seconds=59), HOUR - timedelta(seconds=59)):
            wait(passed)
            for vle in vles:
                vle.age += passed

    assert len(known_to_sign) == 4
    assert tool_key.kid in known_to_sign
    # The one that signs, and with their private parts none that was superseded more than a week ago.
    assert ToolKey.objects.count() == 2
    assert not ToolKey.objects.filter(pk=tool_key.pk).exists()


def test_a_new_key_is_published_at_once_and_signs_a_day_later(tool_key: ToolKey) -> None:
    newer = keys.rotate(timezone.now())
    assert kids() == [newer.kid, tool_key.kid]

    for passed, signs in ((timedelta(0), tool_key), (DAY, tool_key), (HOUR, newer)):
        wait(passed)
        keys.forget_loaded_key()
        assert keys.signing_key().kid == signs.kid
    assert kids() == [newer.kid, tool_key.kid]


def test_a_process_looks_again_which_key_signs(tool_key: ToolKey, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = keys.rotate(timezone.now())
    assert keys.signing_key().kid == tool_key.kid
    wait(2 * DAY)
    assert keys.signing_key().kid == tool_key.kid  # its copy is a moment old

    monkeypatch.setattr(keys, "REREAD_SECONDS", -1)  # and now too old

    assert keys.signing_key().kid == newer.kid


def test_a_superseded_key_is_withdrawn_after_a_week_private_part_and_all(tool_key: ToolKey) -> None:
    newer = keys.rotate(timezone.now())
    wait(DAY + HOUR + 7 * DAY - MINUTE)
    tasks.look_after_keys()
    assert kids() == [newer.kid, tool_key.kid]

    wait(2 * MINUTE)
    tasks.look_after_keys()

    assert kids() == [newer.kid]
    assert list(ToolKey.objects.values_list("kid", flat=True)) == [newer.kid]


@pytest.mark.parametrize(("days", "made"), [(90, 1), (0, 0), (92, 0)])
def test_the_schedule_rotates_when_the_newest_key_is_old(
    settings: Settings, tool_key: ToolKey, days: int, made: int
) -> None:
    settings.KEY_ROTATION_DAYS = days
    wait(91 * DAY)

    tasks.look_after_keys()
    tasks.look_after_keys()

    assert len(kids()) == 1 + made


def test_a_key_that_waits_for_its_turn_is_not_followed_by_another(tool_key: ToolKey) -> None:
    wait(100 * DAY)
    call_command("rotate_keys")

    tasks.look_after_keys()

    assert len(kids()) == 2


def test_beat_calls_what_the_workers_know() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in deployed.CELERY_BEAT_SCHEDULE.values()}

    assert {tasks.look_after_keys.name, tasks.sweep_tallies.name} <= scheduled & app.tasks.keys()


@pytest.mark.django_db(transaction=True)
def test_of_many_that_rotate_at_once_one_does(tool_key: ToolKey) -> None:
    wait(91 * DAY)

    found = at_once(*[tasks.look_after_keys] * 4)

    assert found == [None] * 4
    assert len(kids()) == 2


@pytest.mark.django_db(transaction=True)
def test_a_key_is_withdrawn_once_and_its_successor_stays(tool_key: ToolKey) -> None:
    newer = keys.rotate(timezone.now())
    wait(20 * DAY)

    assert at_once(*[tasks.look_after_keys] * 4) == [None] * 4

    assert kids() == [newer.kid]


# --- by command ---------------------------------------------------------------------------------------------


def said(capsys: Any) -> str:
    return str(capsys.readouterr().out)


def test_by_command_a_new_key_is_published(tool_key: ToolKey, capsys: object) -> None:
    call_command("rotate_keys")

    newer = ToolKey.objects.latest("pk")
    assert (
        said(capsys)
        == f"{newer.kid} is published, and signs from {newer.signs_from:%Y-%m-%d %H:%M:%S} UTC.\n"
    )
    assert newer.signs_from - newer.created_at > DAY


def test_in_a_hurry_it_signs_in_two_minutes_and_the_old_one_goes(tool_key: ToolKey, capsys: object) -> None:
    waiting = keys.rotate(timezone.now())  # has signed nothing, and may have got out with the other

    call_command("rotate_keys", "--now")

    newer = ToolKey.objects.latest("pk")
    revoke = f"rotate_keys --revoke {tool_key.kid}"
    assert revoke in said(capsys)
    assert kids() == [newer.kid, tool_key.kid]
    assert waiting.kid not in kids()
    with pytest.raises(CommandError, match=rf"{tool_key.kid} signs until .* UTC. Run this again then."):
        call_command(*revoke.split())

    wait(2 * MINUTE)
    assert keys.signing_key().kid == newer.kid
    with pytest.raises(CommandError, match="signs until"):  # another process may not have looked yet
        call_command(*revoke.split())

    wait(MINUTE)
    call_command(*revoke.split())
    assert kids() == [newer.kid]
    assert list(ToolKey.objects.values_list("kid", flat=True)) == [newer.kid]


def test_the_only_key_is_not_revoked(tool_key: ToolKey) -> None:
    with pytest.raises(
        CommandError, match=r"is the key that signs\. Make another first: manage\.py rotate_keys --now"
    ):
        call_command("rotate_keys", "--revoke", tool_key.kid)

    assert kids() == [tool_key.kid]


def test_a_key_that_has_not_signed_yet_is_revoked_at_once(tool_key: ToolKey) -> None:
    waiting = keys.rotate(timezone.now())

    call_command("rotate_keys", "--revoke", waiting.kid)

    assert kids() == [tool_key.kid]


def test_a_key_that_is_not_there_is_answered_with_those_that_are(tool_key: ToolKey) -> None:
    with pytest.raises(
        CommandError, match=f"There is no key nonsense. Those that are published:\n  {tool_key.kid}"
    ):
        call_command("rotate_keys", "--revoke", "nonsense")


# --- as a VLE sees it ---------------------------------------------------------------------------------------


def test_launches_scores_and_choices_of_content_go_through_a_rotation(
    line_item: LineItem, platform: FakePlatform, registration: Registration, settings: Settings
) -> None:
    """The platform keeps our keys for a day, and gives tokens for a moment only: every score is signed for."""
    settings.KEY_ROTATION_DAYS = 5
    vle = Vle(DAY)
    platform.tool_keys = lambda: vle.published  # type: ignore[method-assign]
    platform.token_lifetime = 30

    hours = range(0, 8 * 24, 2)
    for hour in hours:
        if hour % 24 == 0:
            tasks.look_after_keys()
            assert Visitor(platform).launch().status_code == 302
        vle.look()
        score = ags.Score(f"user-{hour}", 80, "Passed.", timezone.now())
        ags.send(line_item, registration, score, Column("All-staff awareness", "activity-1"))
        chosen = pylti.deep_linking_answer(registration, deployment_id="1", items=[], data="", message="")
        assert vle.verifies(chosen)
        wait(2 * HOUR)
        vle.age += 2 * HOUR
        keys.forget_loaded_key()

    assert [platform.score_of(f"user-{hour}") is not None for hour in hours] == [True] * len(hours)
    # Not one token was asked for twice.
    assert platform.count("POST", "/token") == len(hours)
    assert len(kids()) == 2
    assert keys.signing_key().kid == kids()[0]
