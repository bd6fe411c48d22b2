"""The register: lines that are added, and that no later change escapes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F

from grading import register
from grading.models import Certificate, CpdRecord, PersonalPart, RegisterChain
from lti_tool.models import Context
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 9, 1, 14, 30, 15, 123456, tzinfo=UTC)
LINES = 5


@transaction.atomic
def add(chain: str = "school:1", number: int = 1, now: datetime = NOW, **facts: Any) -> CpdRecord:
    return register.append(
        chain_name=chain,
        kind=CpdRecord.Kind.COMPLETION,
        facts={"title": "Responding", "percentage": 90, "outcomes": ["Zoë’s “first”"], **facts},
        personal={"name": f"Łucja Ó Brien {number}", "sub": f"user-{number}"},
        enrolment_number=number,
        now=now,
    )


@pytest.fixture
def chain(db: None) -> RegisterChain:
    for number in range(1, LINES + 1):
        add(number=number)
    return RegisterChain.objects.get()


def checked(chain: RegisterChain) -> register.ChainReport:
    return register.verify(RegisterChain.objects.get(pk=chain.pk))


def whole(chain: RegisterChain, lines: int = LINES, erased: int = 0) -> register.ChainReport:
    return register.ChainReport(chain.name, lines, erased)


def remove(line: CpdRecord) -> None:
    PersonalPart.objects.filter(record=line).delete()
    CpdRecord.objects.filter(pk=line.pk).delete()


# --- a chain grows ------------------------------------------------------------------------------------------


def test_it_works(chain: RegisterChain) -> None:
    assert checked(chain) == whole(chain)


def test_each_line_follows_from_the_one_before(chain: RegisterChain) -> None:
    lines = list(chain.lines.order_by("position"))

    assert [line.position for line in lines] == [1, 2, 3, 4, 5]
    assert [line.previous_hash for line in lines] == ["0" * 64, *[line.hash for line in lines[:-1]]]
    assert (chain.length, chain.head) == (LINES, lines[-1].hash)


def test_an_empty_chain_is_whole(db: None) -> None:
    chain = RegisterChain.objects.create(name="school:1")
    assert checked(chain) == whole(chain, lines=0)


def test_an_append_that_is_rolled_back_leaves_no_trace(chain: RegisterChain) -> None:
    with transaction.atomic():
        add()
        transaction.set_rollback(True)

    assert checked(chain) == whole(chain)
    add()
    assert checked(chain) == whole(chain, LINES + 1)


def test_the_line_says_nothing_personal(chain: RegisterChain) -> None:
    line = chain.lines.first()
    assert "Łucja" not in json.dumps(line.facts, ensure_ascii=False)
    assert line.personal.holder_name == "Łucja Ó Brien 1"


def test_equal_people_have_different_commitments(db: None) -> None:
    add(number=7), add(number=7)
    assert CpdRecord.objects.values("personal_hash").distinct().count() == 2


def test_two_schools_have_two_chains_and_no_school_has_its_registrations(db: None) -> None:
    """One VLE serves two schools and a course of neither."""
    deployment = factories.make_deployment(school=factories.make_school("Hillside School"))
    other = factories.make_school("Riverside School")
    of_deployment = factories.make_link(factories.make_course(deployment))
    of_course = factories.make_link(factories.make_course(deployment, school=other))
    of_nobody = factories.make_link(factories.make_course(factories.make_deployment(deployment.registration)))
    for link in (of_deployment, of_course, of_nobody, of_course):
        activity = getattr(link, "activity", None) or factories.make_activity(link)
        factories.take(factories.make_enrolment(activity), 90)

    assert dict(RegisterChain.objects.values_list("name", "length")) == {
        f"school:{deployment.school_id}": 1,
        f"school:{other.pk}": 2,
        f"registration:{deployment.registration_id}": 1,
    }
    assert [register.verify(chain).broken_at for chain in RegisterChain.objects.all()] == [None] * 3


def test_a_course_that_changes_schools_begins_in_the_other_chain(db: None) -> None:
    enrolment = factories.make_enrolment()
    school = factories.make_school()
    factories.take(enrolment, 90)
    Context.objects.update(school=school)
    factories.take(factories.make_enrolment(enrolment.activity), 90)

    assert dict(RegisterChain.objects.values_list("name", "length")) == {
        f"registration:{enrolment.lti_user.registration_id}": 1,
        f"school:{school.pk}": 1,
    }


@pytest.mark.django_db(transaction=True)
def test_lines_added_at_once_stand_one_after_the_other() -> None:
    """The first line of a chain too, which makes the chain."""
    added = factories.at_once(*[partial(add, number=number) for number in range(12)])

    chain = RegisterChain.objects.get()
    assert sorted(line.position for line in added) == list(range(1, 13))
    assert checked(chain) == whole(chain, 12)


@pytest.mark.django_db(transaction=True)
def test_a_check_while_lines_are_added_raises_no_alarm() -> None:
    """The chain's head was read a moment before a line came: that is no tampering."""
    add()
    read_before = RegisterChain.objects.get()
    add(number=2)

    assert register.verify(read_before) == whole(read_before, 2)


# --- a line reads back as it was hashed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "now",
    [
        NOW,
        NOW.replace(microsecond=0),
        NOW.replace(microsecond=1),
        NOW.replace(microsecond=999999),
        NOW.replace(microsecond=120000),
        datetime(2026, 7, 1, 12, 0, tzinfo=ZoneInfo("Europe/London")),
        datetime(2026, 10, 25, 1, 30, fold=1, tzinfo=ZoneInfo("Europe/London")),
        datetime(2026, 10, 25, 1, 30, fold=0, tzinfo=ZoneInfo("Europe/London")),
        datetime(2026, 1, 1, 0, 0, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(2026, 1, 1, 0, 0, 0, 7, tzinfo=timezone(-timedelta(hours=11))),
    ],
)
def test_the_moment_hashes_the_same_when_it_is_read_back(now: datetime) -> None:
    add(now=now)
    chain = RegisterChain.objects.get()
    assert checked(chain) == whole(chain, 1)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "é",
        "e\u0301",
        "𝒵",
        "a\tb\nc",
        '"\\/',
        0,
        -1,
        2**53,
        True,
        None,
        [],
        {},
        {"b": 1, "a": [1, "2"]},
        "‮x",
    ],
)
def test_a_fact_hashes_the_same_when_it_is_read_back(value: Any) -> None:
    add(value=value)
    chain = RegisterChain.objects.get()
    assert checked(chain) == whole(chain, 1)


@pytest.mark.parametrize("value", [1.5, 1e16, float("nan")])
def test_a_fact_that_databases_spell_differently_is_refused(value: float) -> None:
    """PostgreSQL gives 1e16 back as a whole number, and the line would look tampered with."""
    with pytest.raises(TypeError):
        add(value=value)
    assert CpdRecord.objects.count() == 0


# --- tampering ----------------------------------------------------------------------------------------------


def _other_chain(line: CpdRecord) -> None:
    CpdRecord.objects.filter(pk=line.pk).update(chain=RegisterChain.objects.create(name="school:2"))


CHANGES: dict[str, Callable[[CpdRecord], object]] = {
    "a fact": lambda line: _change(line, facts={**line.facts, "percentage": 100}),
    "a fact removed": lambda line: _change(line, facts={"title": line.facts["title"]}),
    "a fact added": lambda line: _change(line, facts={**line.facts, "more": 1}),
    "a number as text": lambda line: _change(line, facts={**line.facts, "percentage": "90"}),
    "kind": lambda line: _change(line, kind="revocation"),
    "position": lambda line: _change(line, position=99),
    "enrolment": lambda line: _change(line, enrolment_number=99),
    "moment": lambda line: _change(line, recorded_at=line.recorded_at + timedelta(microseconds=1)),
    "personal hash": lambda line: _change(line, personal_hash="f" * 64),
    "previous hash": lambda line: _change(line, previous_hash="f" * 64),
    "hash": lambda line: _change(line, hash="f" * 64),
    "name": lambda line: _change(line.personal, facts={**line.personal.facts, "name": "Somebody Else"}),
    "person": lambda line: _change(line.personal, facts={**line.personal.facts, "sub": "user-99"}),
    "salt": lambda line: _change(line.personal, salt="0" * 32),
    "personal part removed": lambda line: PersonalPart.objects.filter(record=line).delete(),
    "moved to another chain": _other_chain,
}


def _change(row: CpdRecord | PersonalPart, **fields: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(**fields)


@pytest.mark.parametrize("position", range(1, LINES + 1))
@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_any_line_is_found(chain: RegisterChain, change: str, position: int) -> None:
    CHANGES[change](chain.lines.get(position=position))

    assert checked(chain).broken_at == position


@pytest.mark.parametrize("position", range(1, LINES))
def test_a_changed_line_with_a_hash_to_match_breaks_the_next(chain: RegisterChain, position: int) -> None:
    line = chain.lines.get(position=position)
    line.facts["percentage"] = 100
    line.hash = register.hash_line(line)
    line.save()

    report = checked(chain)
    assert (report.broken_at, report.why) == (position + 1, "it does not follow from the line before")


def test_the_last_line_with_a_hash_to_match_differs_from_the_head(chain: RegisterChain) -> None:
    line = chain.lines.get(position=LINES)
    line.facts["percentage"] = 100
    line.hash = register.hash_line(line)
    line.save()

    assert checked(chain).broken_at == LINES + 1


@pytest.mark.parametrize("position", range(1, LINES + 1))
def test_a_removed_line_is_found(chain: RegisterChain, position: int) -> None:
    remove(chain.lines.get(position=position))

    report = checked(chain)
    assert report.broken_at == position
    assert report.why == ("a line is missing" if position < LINES else "lines are missing at the end")


def test_the_last_lines_removed_are_found(chain: RegisterChain) -> None:
    for line in chain.lines.filter(position__gt=2):
        remove(line)

    assert checked(chain).broken_at == 3


def test_all_lines_removed_are_found(chain: RegisterChain) -> None:
    for line in chain.lines.all():
        remove(line)

    assert checked(chain).broken_at == 1


@pytest.mark.parametrize("position", range(1, LINES))
def test_a_swapped_pair_is_found(chain: RegisterChain, position: int) -> None:
    lines = chain.lines
    lines.filter(position=position).update(position=99)
    lines.filter(position=position + 1).update(position=position)
    lines.filter(position=99).update(position=position + 1)

    assert checked(chain).broken_at == position


def test_swapped_personal_parts_are_found(chain: RegisterChain) -> None:
    """Amina's completion given to Ben: each part is genuine, neither belongs."""
    first, second = PersonalPart.objects.filter(record__position__in=[2, 3]).order_by("record__position")
    theirs = second.salt, second.facts
    _change(second, salt=first.salt, facts=first.facts)
    _change(first, salt=theirs[0], facts=theirs[1])

    assert checked(chain).broken_at == 2


def test_a_forged_line_behind_the_head_is_found(chain: RegisterChain) -> None:
    """A line that follows correctly, put in without going through the head."""
    last = chain.lines.get(position=LINES)
    part = last.personal
    forged = CpdRecord(
        chain=chain,
        position=LINES + 1,
        kind=last.kind,
        facts=last.facts,
        personal_hash=last.personal_hash,
        previous_hash=last.hash,
        enrolment_number=1,
        recorded_at=NOW,
    )
    forged.hash = register.hash_line(forged)
    forged.save()
    PersonalPart.objects.create(record=forged, salt=part.salt, facts=part.facts)

    report = checked(chain)
    assert (report.broken_at, report.why) == (LINES + 1, "lines were added behind the end")


@pytest.mark.parametrize("fields", [{"length": F("length") - 1}, {"head": "f" * 64}, {"name": "school:2"}])
def test_a_changed_head_is_found(chain: RegisterChain, fields: dict[str, Any]) -> None:
    RegisterChain.objects.update(**fields)

    assert checked(chain).broken_at is not None


def test_a_certificate_that_says_otherwise_than_its_line_is_found() -> None:
    """The public page reads the certificate's dates and number: they are evidence too."""
    factories.take(factories.make_enrolment(), 90)
    chain = RegisterChain.objects.get()
    certificate = Certificate.objects.get()
    assert checked(chain) == whole(chain, 1)

    for changed in (
        {"code": "0000-0000-0000"},
        {"renew_by": certificate.renew_by + timedelta(days=365)},
        {"renew_by": None},
        {"issued_at": certificate.issued_at - timedelta(days=1)},
    ):
        Certificate.objects.update(**changed)
        report = checked(chain)
        assert (report.broken_at, report.why) == (1, "its certificate was changed")
        certificate.save()
    assert checked(chain) == whole(chain, 1)


# --- erasure ------------------------------------------------------------------------------------------------


def test_an_erased_personal_part_still_verifies_and_is_counted(chain: RegisterChain) -> None:
    PersonalPart.objects.filter(record__position__in=[2, 4]).update(facts={}, salt="")

    assert checked(chain) == whole(chain, erased=2)
    assert chain.lines.get(position=2).personal.holder_name == ""


def test_an_erased_part_hides_no_tampering(chain: RegisterChain) -> None:
    PersonalPart.objects.filter(record__position=2).update(facts={})
    _change(chain.lines.get(position=2), personal_hash="f" * 64)

    assert checked(chain).broken_at == 2


# --- the command --------------------------------------------------------------------------------------------


def test_the_command_says_that_all_is_whole(chain: RegisterChain) -> None:
    add("school:2")
    PersonalPart.objects.filter(record__chain__name="school:2").update(facts={})
    out = StringIO()

    call_command("verify_register", stdout=out)

    assert out.getvalue() == "school:1: 5 lines, whole\nschool:2: 1 lines, whole, personal part erased in 1\n"


def test_the_command_names_the_first_broken_line_and_fails(chain: RegisterChain) -> None:
    add("school:2")
    _change(chain.lines.get(position=3), enrolment_number=99)
    out, err = StringIO(), StringIO()

    with pytest.raises(CommandError, match=r"^1 of the chains do not verify.$") as failed:
        call_command("verify_register", stdout=out, stderr=err)

    assert failed.value.returncode == 1
    assert out.getvalue() == "school:2: 1 lines, whole\n"
    assert err.getvalue() == "school:1: broken at line 3: its facts were changed\n"


def test_the_command_checks_the_chains_that_are_named(chain: RegisterChain) -> None:
    add("school:2")
    _change(chain.lines.get(position=3), enrolment_number=99)
    out = StringIO()

    call_command("verify_register", "school:2", stdout=out)

    assert out.getvalue() == "school:2: 1 lines, whole\n"


def test_the_command_does_not_call_a_chain_that_is_not_there_whole(chain: RegisterChain) -> None:
    """A mistyped name, or a chain that somebody removed altogether."""
    with pytest.raises(CommandError, match=r"^There is no chain school:9.$"):
        call_command("verify_register", "school:9", "school:1", stdout=StringIO())
