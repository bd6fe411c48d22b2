"""A school's own details where they matter to a learner, and to nobody of another school."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from course_content import assessments, catalogue, local, local_places, local_rules
from course_content.assessments import ANSWERS, BECAUSE, Assessment, Decision, Reason, Trigger, standing
from course_content.packs import check_pack
from grading.models import Enrolment, StepProgress
from lti_tool import local_details
from lti_tool.local_details import Contact, Details, Local
from lti_tool.models import Context, LocalDetails
from tests import factories
from tests.course_content import every_kind
from tests.course_content.small_pack import line_of
from tests.course_content.test_views import get, post, sign_in

OURS = Details(
    dsl=Contact("Jo Reed", "01632 960123"),
    dsl_where="Room 12",
    deputies=(Contact("Sam Poole", "ext 204"), Contact("Ada Lin", "01632 960124")),
    policy_url="https://hillside.example/policy",
    front_door=Contact("Area front door", "01632 960555"),
    lado=Contact("Area LADO", "01632 960777"),
    out_of_hours=Contact("Night team", "01632 960666"),
)
ASKED = [rule.id for rule in local_rules.RULES if rule.asks]


def enter(course: Context, details: Details = OURS, *, days_ago: int = 0) -> None:
    lead = factories.make_member(course, "Grace", lead=True)
    now = timezone.now()
    seen = local_details.of_course(course.pk, now=now).version
    local_details.save(course.pk, details, by=lead, seen=seen, now=now - timedelta(days=days_ago))


def main(response: Any) -> str:
    """What a page says between its header and its footer."""
    html = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


# --- the rules only tighten -------------------------------------------------------------------------------------


def known(*rules: str) -> Local:
    """What a school reads that has chosen these rules."""
    return Local(
        school="",
        own=Details(rules=rules),
        trust=Details(),
        trust_name="",
        confirmed_on=None,
        confirmed_by=None,
        version=1,
        as_of=timezone.localdate(),
    )


def assessment_of(triggers: tuple[Trigger, ...]) -> Assessment:
    """One whose reasons are `good` and `bad`."""
    reasons = (
        Reason(id="good", text="It holds", holds=True, feedback="Yes."),
        Reason(id="bad", text="It does not", holds=False, feedback="No."),
    )
    said: dict[str, Any] = dict.fromkeys(
        ("title", "intro", "case", "refer", "find_out", "in_school"), "Words."
    )
    return Assessment(slug="any", minutes=2, triggers=triggers, reasons=reasons, checks=("One.",), **said)


@st.composite
def any_assessment(draw: st.DrawFn) -> Assessment:
    """An assessment as any author might write it, with triggers of every school and of schools with a rule."""
    rules = draw(st.lists(st.sampled_from([None, *ASKED]), min_size=0, max_size=4))
    triggers = tuple(
        Trigger(
            id=f"t{number}",
            question="?",
            refer_to=("the police",),
            answer=draw(st.sampled_from(ANSWERS)),
            explanation="Because.",
            finding_out=draw(st.sampled_from([None, "More."])),
            local=rule,
        )
        for number, rule in enumerate([None, *rules])
    )
    return assessment_of(triggers)


RECORD = st.lists(
    st.sampled_from([f"t{number}:{answer}" for number in range(5) for answer in ANSWERS])
    | st.sampled_from([f"{BECAUSE}:good", f"{BECAUSE}:bad", f"{BECAUSE}:good,bad"]),
    max_size=14,
)


@given(assessment=any_assessment(), said=RECORD, fewer=st.sets(st.sampled_from(ASKED)), more=st.data())
def test_more_rules_never_open_the_way_in_school(
    assessment: Assessment, said: list[str], fewer: set[str], more: st.DataObject
) -> None:
    added = more.draw(st.sets(st.sampled_from(ASKED)))
    loose = standing(local.tightened(assessment, known(*fewer)), said)
    tight = standing(local.tightened(assessment, known(*fewer, *added)), said)

    if tight.decision is Decision.IN_SCHOOL:
        assert loose.decision is Decision.IN_SCHOOL
    # Nor does one that was sent on come back: a referral stays one, or waits for the questions that were added.
    if loose.decision is Decision.REFER:
        assert tight.decision in {Decision.REFER, None}
        assert not tight.reasons_asked


def every_way(assessment: Assessment, *rules: str) -> Iterator[tuple[tuple[str, ...], Decision | None]]:
    """Everything that can be said of an assessment in such a school, and what it comes to."""

    def ways(here: assessments.Standing) -> Iterator[assessments.Standing]:
        if here.asked is None:
            yield assessments.give_reasons(here, ["good"]) if here.reasons_asked else here
            return
        for words in ANSWERS:
            yield from ways(assessments.answer(here, words))

    for end in ways(standing(local.tightened(assessment, known(*rules)))):
        yield end.said, end.decision


def test_no_combination_of_rules_makes_in_school_reachable_where_it_was_not() -> None:
    """Every set of rules, every way of answering: what stays in school with them stayed there without."""
    triggers = tuple(
        Trigger(id=f"t{n}", question="?", refer_to=("us",), answer="no", explanation="So.", local=rule)
        for n, rule in enumerate([None, *ASKED])
    )
    whole = assessment_of(triggers)

    for size in range(len(ASKED) + 1):
        for rules in combinations(ASKED, size):
            asked = [t.local for t in local.tightened(whole, known(*rules)).triggers]
            assert asked == [None, *(rule for rule in ASKED if rule in rules)]
            for way, decision in every_way(whole, *rules):
                assert (decision is Decision.IN_SCHOOL) == all(
                    one.endswith(":no") for one in way if not one.startswith(BECAUSE)
                )
                if decision is Decision.IN_SCHOOL:
                    assert standing(local.tightened(whole, known()), way).decision is Decision.IN_SCHOOL


def test_every_rule_that_may_be_asked_can_stand_at_a_trigger_and_no_other() -> None:
    allowed = Trigger.model_json_schema()["properties"]["local"]["anyOf"][0]["enum"]
    assert sorted(allowed) == sorted(ASKED)


def test_an_id_of_no_rule_says_nothing() -> None:
    assert [
        rule.id for rule in local_rules.chosen(["two-decide", "no-need-to-refer", "under-13-referred"])
    ] == [
        "under-13-referred",
        "two-decide",
    ]


# --- what an author may write -----------------------------------------------------------------------------------


TWO, TRY = "assessments/01-two-pupils.yaml", "lessons/01-try.md"


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "field", "message"),
    [
        (
            TWO,
            "answer: no",
            "answer: no\n    local: no-need-to-refer",
            "no-need",
            "triggers[1].local",
            "must be",
        ),
        (
            TWO,
            "answer: no",
            "answer: no\n    local: two-decide",
            "two-decide",
            "triggers[1].local",
            "must be",
        ),
        (
            TWO,
            "intro: ",
            "intro: |\n  ::: local people\n  ",
            "::: local",
            "intro",
            "only a lesson has places",
        ),
        (
            TRY,
            "::: exercise steps",
            "::: local staff\n",
            "::: local staff",
            "body",
            "there are people, contacts",
        ),
        (TRY, "::: exercise steps", "  ::: local people\n", "::: local", "body", "at the edge of its line"),
        (
            TRY,
            "::: exercise steps",
            "::: do\n::: local policy\n:::\n",
            "::: local",
            "body",
            "inside a call-out",
        ),
    ],
)
def test_what_is_wrong_is_reported_with_its_line(
    tmp_path: Path, file: str, old: str, new: str, line: str, field: str, message: str
) -> None:
    folder = every_kind.broken(tmp_path / "pack", file, old, new)
    found = [p for p in check_pack(folder).problems if p.file == file and message in p.message]
    assert [(p.field, p.line) for p in found] == [(field, line_of(folder, file, line))]


def test_a_place_that_comes_twice_is_reported() -> None:
    body = "One.\n\n::: local people\n\nTwo.\n\n::: local rules\n\n::: local people\n"
    assert [(f.line, f.message) for f in local_places.place_findings(body, 10)] == [
        (18, "'::: local people' is there twice")
    ]


def test_every_school_asks_something(tmp_path: Path) -> None:
    folder = every_kind.copy(tmp_path / "pack")
    file = folder / TWO
    file.write_text(
        file.read_text().replace("    answer: no\n", "    answer: no\n    local: under-13-referred\n")
    )
    assert [p.message for p in check_pack(folder).problems] == [
        "needs at least one trigger that every school asks: one without 'local'"
    ]


def test_a_text_falls_into_pieces_at_its_places() -> None:
    text = "Before.\n\n::: local people\n::: local rules\n\nAfter: ::: local people\n"
    assert list(local_places.pieces(text)) == [
        ("Before.\n\n", "people"),
        ("\n", "rules"),
        ("\n\nAfter: ::: local people\n", ""),
    ]
    assert list(local_places.pieces("Nothing.")) == [("Nothing.", "")]


# --- on learners' pages -----------------------------------------------------------------------------------------


@pytest.fixture
def enrolment(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Enrolment:
    """Alice, in the pack with one of each kind, which asks for local details and for one rule's trigger."""
    folder = every_kind.copy(tmp_path / "packs" / "every-kind")
    back = folder / "lessons" / "02-look-back.md"
    places = "\n\n".join(f"::: local {kind}" for kind in local_places.KINDS)
    back.write_text(f"{back.read_text()}\n{places}\n\nLast words.\n")
    two = folder / TWO
    trigger = (
        "  - {id: young, question: Is a child under 13 involved?, refer_to: [social workers], answer: no,\n"
        "     explanation: Both are 15., local: under-13-referred}\nreasons:\n"
    )
    two.write_text(two.read_text().replace("reasons:\n", trigger))
    assert check_pack(folder).problems == ()
    monkeypatch.setattr(catalogue, "BUILT_IN", tmp_path / "packs")
    catalogue.reload()
    school = factories.make_school("Hillside School")
    link = factories.make_link(factories.make_course(factories.make_deployment(school=school)))
    activity = factories.make_activity(link, module="every-kind")
    return factories.make_enrolment(activity, factories.make_member(link.context, "Alice"))


def course_of(enrolment: Enrolment) -> Context:
    return enrolment.resource_link.context


def lesson(enrolment: Enrolment) -> Any:
    return get(sign_in(enrolment.lti_user), "learn:lesson", enrolment.pk, "look-back")


def assess(enrolment: Enrolment, *answers: str, reasons: str = "contained") -> Any:
    client = sign_in(enrolment.lti_user)
    post(client, "learn:assessment-begin", enrolment.pk, "two-pupils")
    for answer in [{"choice": words} for words in answers] + [{"reasons": [reasons]}]:
        seen = len(StepProgress.objects.get(enrolment=enrolment, step="two-pupils").choices)
        post(client, "learn:assessment-say", enrolment.pk, "two-pupils", seen=seen, **answer)
    return get(client, "learn:assessment", enrolment.pk, "two-pupils")


def test_a_lesson_shows_them_where_its_text_has_places(enrolment: Enrolment) -> None:
    rules = ("two-decide", "under-13-referred")
    enter(course_of(enrolment), Details(**{**_fields(OURS), "rules": rules}))
    page = lesson(enrolment)
    said = main(page)
    day = timezone.localdate()
    for words in (
        "Whom to tell First Jo Reed 01632 960123 Room 12",
        "If you cannot reach them Sam Poole ext 204 Ada Lin 01632 960124",
        "To refer a case Area front door 01632 960555",
        "Out of hours Night team 01632 960666",
        "A worry about an adult who works with children Area LADO 01632 960777",
        "Read the safeguarding policy (opens in a new tab) (hillside.example)",
        "Every case with a child under 13 is referred. Two people decide every case together",
        f"Checked on {day.day} {day:%B %Y}",
        "Hillside School",
        "Last words.",
    ):
        assert words in said
    assert ":::" not in said
    html = page.content.decode()
    assert '<a class="call" href="tel:01632960123">01632 960123</a>' in html
    assert '<a href="https://hillside.example/policy" target="_blank" rel="noopener">' in html
    ids = re.findall(r'id="(local-[^"]*)"', html)
    assert sorted(ids) == ["local-contacts", "local-people", "local-policy", "local-rules"]
    assert sorted(re.findall(r'aria-labelledby="(local-[^"]*)"', html)) == sorted(ids)


def _fields(details: Details) -> dict[str, Any]:
    return {name: getattr(details, name) for name in Details.__dataclass_fields__}


def test_where_nothing_is_entered_a_lesson_says_what_to_do(enrolment: Enrolment) -> None:
    said = main(lesson(enrolment))
    for words in (
        "The names have not been entered here yet. Find out today who it is, and how to reach them.",
        "The numbers have not been entered here yet. Find out today where they are written down.",
        "There is no link to it here yet. Find out today where it is kept.",
        "There are none besides what this training says.",
    ):
        assert words in said
    assert "Checked on" not in said


def test_what_is_stale_is_shown_with_its_age(enrolment: Enrolment) -> None:
    enter(course_of(enrolment), days_ago=200)
    said = main(lesson(enrolment))
    assert "Jo Reed" in said
    assert "That is long ago: ask today whether it still holds." in said


def test_what_a_school_enters_is_never_markup(enrolment: Enrolment) -> None:
    """However it got into the row."""
    enter(course_of(enrolment))
    LocalDetails.objects.update(dsl_name="<script>alert(1)</script>", dsl_where="<img src=x>")
    html = lesson(enrolment).content.decode()
    assert "<script>alert" not in html
    assert "<img src=x>" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_modules_page_says_whom_to_tell(enrolment: Enrolment) -> None:
    client = sign_in(enrolment.lti_user)
    assert "The names have not been entered here yet." in main(get(client, "learn:module", enrolment.pk))
    enter(course_of(enrolment))
    said = main(get(client, "learn:module", enrolment.pk))
    assert "Whom to tell First Jo Reed 01632 960123 Room 12" in said
    assert "Area front door" in said


def test_a_story_ends_with_whom_to_tell(enrolment: Enrolment) -> None:
    enter(course_of(enrolment))
    client = sign_in(enrolment.lti_user)
    post(client, "learn:scenario-begin", enrolment.pk, "threads")
    assert "Jo Reed" not in main(get(client, "learn:scenario", enrolment.pk, "threads"))
    for seen, choice in enumerate(["ask-age", "ask-threat", "wait", "go-on", "in-school"]):
        post(client, "learn:scenario-decide", enrolment.pk, "threads", seen=seen, choice=choice)
    said = main(get(client, "learn:scenario", enrolment.pk, "threads"))
    assert "That case was made up: call nobody about it. This is for a real one. First Jo Reed" in said
    assert "To refer a case Area front door" in said


def test_an_assessment_that_refers_says_where_to_call(enrolment: Enrolment) -> None:
    enter(course_of(enrolment))
    said = main(assess(enrolment, "yes", "no", "no"))
    assert "Whom to tell That case was made up" in said
    assert "To refer a case Area front door 01632 960555" in said
    post(sign_in(enrolment.lti_user), "learn:assessment-again", enrolment.pk, "two-pupils")
    said = main(assess(enrolment, "no", "no", "no"))
    assert "It may be handled here, without a referral" in said
    assert "Jo Reed" in said
    assert "Area front door" not in said


def test_a_rules_trigger_is_asked_only_where_the_school_chose_it(enrolment: Enrolment) -> None:
    enter(course_of(enrolment))
    said = main(assess(enrolment, "no", "no", "no"))
    assert "It may be handled here, without a referral" in said
    assert "under 13" not in said

    enter(course_of(enrolment), Details(dsl=OURS.dsl, rules=("under-13-referred", "two-decide")))
    # What was said before this rule was there decides nothing any more.
    said = main(get(sign_in(enrolment.lti_user), "learn:assessment", enrolment.pk, "two-pupils"))
    assert "Question 4 of 4" in said
    assert "Is a child under 13 involved?" in said
    said = main(assess(enrolment, "yes"))
    assert "Refer it now To: social workers" in said
    assert "Stricter rules here They hold besides" in said
    assert "Two people decide every case together" in said


def test_a_preview_says_that_a_place_is_a_place(enrolment: Enrolment) -> None:
    folder = catalogue.BUILT_IN / "every-kind"
    first = folder / TRY
    first.write_text(f"{first.read_text()}\n::: local people\n")
    catalogue.reload()
    asked = factories.make_deep_linking_request(course_of(enrolment))
    client = sign_in(asked.launch.lti_user)
    page = client.get(reverse("learn:picker-preview", args=[asked.launch.pk]), {"preview": "every-kind"})
    said = main(page)
    assert "Here staff read the details that you enter for your school." in said
    assert "::: local" not in said


# --- nobody else's ----------------------------------------------------------------------------------------------


@pytest.fixture
def charlie(enrolment: Enrolment) -> Enrolment:
    """In the same VLE and deployment, at another school; he takes the same training."""
    valley = factories.make_school("Valley School")
    course = factories.make_course(course_of(enrolment).deployment, school=valley)
    activity = factories.make_activity(factories.make_link(course), module="every-kind")
    return factories.make_enrolment(activity, factories.make_member(course, "Charlie"))


def help_page(client: Client, back: str) -> Any:
    return client.get(reverse("help-now"), {"back": back})


def test_another_school_sees_nothing_of_ours(enrolment: Enrolment, charlie: Enrolment) -> None:
    enter(course_of(enrolment))
    client = sign_in(charlie.lti_user)
    for page in (
        lesson(charlie),
        assess(charlie, "yes", "no", "no"),
        get(client, "learn:module", charlie.pk),
        help_page(client, reverse("learn:module", args=[charlie.pk])),
    ):
        html = page.content.decode()
        assert page.status_code == 200
        assert not re.search("Jo Reed|Sam Poole|01632|hillside.example", html)


def test_no_cache_keeps_a_page_that_may_name_them(enrolment: Enrolment) -> None:
    enter(course_of(enrolment))
    for page in (lesson(enrolment), get(sign_in(enrolment.lti_user), "learn:module", enrolment.pk)):
        assert page.status_code == 200
        assert {"private", "no-store"} <= set(page["Cache-Control"].split(", "))


# --- in a real incident -----------------------------------------------------------------------------------------


def test_help_names_whom_to_tell_when_reached_from_a_learners_page(enrolment: Enrolment) -> None:
    enter(course_of(enrolment))
    client = sign_in(enrolment.lti_user)
    attempt = factories.start(enrolment)
    for back in (
        reverse("learn:module", args=[enrolment.pk]),
        reverse("learn:lesson", args=[enrolment.pk, "look-back"]) + "?again=1",
        reverse("learn:question", args=[attempt.pk, 1]),
    ):
        page = help_page(client, back)
        said = main(page)
        assert "Jo Reed 01632 960123 Room 12 Deputy: Sam Poole ext 204" in said
        assert "To refer a case: Area front door 01632 960555" in said
        assert "Out of hours: Night team 01632 960666" in said
        assert "no-store" in page.headers["Cache-Control"]
        assert page.headers["Content-Security-Policy"].count("https://vle.example") == 1


def test_help_names_it_to_a_lead_who_comes_from_their_own_page(enrolment: Enrolment) -> None:
    enter(course_of(enrolment))
    grace = factories.make_member(course_of(enrolment), "Noor", lead=True)
    back = reverse("grading:lead", args=[enrolment.resource_link_id])
    assert "Jo Reed" in main(help_page(sign_in(grace), back))
    assert "Jo Reed" not in main(help_page(sign_in(enrolment.lti_user), back))


def test_help_shows_a_school_only_to_its_own(enrolment: Enrolment, charlie: Enrolment) -> None:
    enter(course_of(enrolment))
    bob = factories.make_member(course_of(enrolment), "Bob")
    back = reverse("learn:module", args=[enrolment.pk])
    stranger = factories.make_member(factories.make_course(), "Dora", lead=True)
    for client in (Client(), sign_in(bob), sign_in(charlie.lti_user), sign_in(stranger)):
        page = help_page(client, back)
        assert page.status_code == 200
        assert "Tell your" in main(page)
        assert not re.search("Jo Reed|01632", main(page))
        assert "frame-ancestors https: http:" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "back",
    [
        "",
        "/",
        "/nothing/here/",
        "/learn/99999999999999999999/",
        "//evil.example/learn/1/",
        "/help-now/",
        "/learn/\x00/",
    ],
)
def test_help_works_wherever_one_comes_from(enrolment: Enrolment, back: str) -> None:
    enter(course_of(enrolment))
    page = help_page(sign_in(enrolment.lti_user), back)
    assert page.status_code == 200
    assert "Jo Reed" not in main(page)


def test_help_says_how_old_the_numbers_are_and_nothing_where_there_are_none(enrolment: Enrolment) -> None:
    back = reverse("learn:module", args=[enrolment.pk])
    client = sign_in(enrolment.lti_user)
    assert "not been entered" not in main(help_page(client, back))
    enter(course_of(enrolment), days_ago=400)
    assert "That is long ago: ask today whether it still holds." in main(help_page(client, back))
