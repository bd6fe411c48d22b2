"""The real pack held to what was promised: its forms, what they rest on, and how they read, for everybody.

Its stories, its questions, its nations and what it must never advise are in `test_content_*` beside this file.
"""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
import yaml

from course_content.hosts import is_allowed_url
from course_content.local_places import pieces
from course_content.markdown import render
from course_content.parts import holds_in
from course_content.reading_age import HIGHEST_GRADE, grade
from course_content.schema import Assessment, Commitment, Lesson, Part, Quiz, Scenario
from course_content.variants import NATIONS, Variant
from tests.course_content import responding
from tests.course_content.responding import PACK, Said

# Content-facts §3.
MINUTES = {
    "half-day": 195,
    "all-staff-awareness": 20,
    "dsl-deep-dive": 180,
    "governors": 30,
    "annual-refresher": 20,
    "police-social-care-health": 90,
    "parents-briefing": 25,
    "what-changed-2026": 10,
}
PARTS = {
    "welcome": 10,
    "what-is-happening": 20,
    "law": 25,
    "first-minutes": 25,
    "initial-review": 30,
    "images": 25,
    "record": 25,
    "together": 25,
    "check": 10,
}
BREAK = 15
# Staff read prose such as this at some 200 words a minute, and should have time to think.
WORDS_A_MINUTE = 200

each_form = pytest.mark.parametrize("form", responding.FORMS)


def test_it_has_no_problem_of_any_kind() -> None:
    assert [str(problem) for problem in responding.report().problems] == []


def test_every_form_is_made_for_everybody_it_is_for() -> None:
    assert set(responding.FORMS) == set(MINUTES)
    made = [(m.slug, Variant(m.nation, m.audience, m.language)) for m in responding.report().modules]
    assert made == [(form.slug, variant) for form in responding.pack().forms for variant in form.variants]
    assert len(responding.modules()) == 140


@each_form
def test_every_nation_has_it_and_its_minutes_are_those_of_its_steps(form: str) -> None:
    found = responding.variants_of(form)
    assert {module.nation for module in found} == set(NATIONS)
    for module in found:
        assert module.minutes == MINUTES[form]
        rest = [step for step in module.steps if isinstance(step, Lesson) and step.rest]
        assert module.minutes == sum(step.minutes for step in module.steps) - sum(s.minutes for s in rest)


def test_who_each_form_is_for() -> None:
    audiences = {
        form: {module.audience for module in responding.variants_of(form)} for form in responding.FORMS
    }
    staff, partners = {"school", "college", "early-years", "youth-work"}, {"police", "social-care", "health"}
    assert audiences == {
        "half-day": staff | partners,
        "all-staff-awareness": staff,
        "dsl-deep-dive": staff - {"youth-work"},
        "governors": {"governor"},
        "annual-refresher": staff,
        "police-social-care-health": partners,
        "parents-briefing": {"parent"},
        "what-changed-2026": staff | {"governor"},
    }


def test_the_half_day_has_its_nine_parts_and_a_break() -> None:
    for module in responding.variants_of("half-day"):
        minutes = {}
        for section in module.sections:
            steps = [step for slug in section.steps if (step := module.step(slug))]
            assert len(steps) == len(section.steps)
            minutes[section.slug] = sum(step.minutes for step in steps)
        pause = minutes.pop("pause")
        assert (minutes, pause) == (PARTS, BREAK)
        slugs = [section.slug for section in module.sections]
        assert slugs == [*list(PARTS)[:5], "pause", *list(PARTS)[5:]]
        assert all(section.outcomes for section in module.sections if section.slug != "pause")


def test_the_half_day_lets_learners_do_what_the_syllabus_says() -> None:
    for module in responding.variants_of("half-day"):
        kinds = Counter(e.kind for lesson in module.lessons for e in lesson.exercises)
        assert set(kinds) >= {
            "confidence",
            "position",
            "sorting",
            "matching",
            "ordering",
            "spotting",
            "reasoned",
            "single",
        }
        assert len(module.scenarios) == 4
        assert [step.kind for step in module.steps].count("assessment") == 2


def test_the_deep_dive_has_all_twelve_stories_and_the_short_module_its_three() -> None:
    for module in responding.variants_of("dsl-deep-dive"):
        assert len({scenario.slug for scenario in module.scenarios}) == 12
    for module in responding.variants_of("all-staff-awareness"):
        assert (len(module.lessons), len(module.scenarios)) == (4, 3)
        assert module.quiz is not None
        assert module.quiz.draw == 10
    for form in ("governors", "parents-briefing", "what-changed-2026"):
        assert all(not module.scenarios for module in responding.variants_of(form))


def test_the_short_module_is_tried_out_and_ends_in_one_change() -> None:
    for module in responding.variants_of("all-staff-awareness"):
        exercises = {e.id: e.kind for lesson in module.lessons for e in lesson.exercises}
        assert exercises == {
            "sure-before": "confidence",
            "not-real": "reasoned",
            "tap-the-error": "spotting",
            "whose-task": "sorting",
            "sure-after": "confidence",
        }


@each_form
def test_it_ends_in_a_change_and_a_quiz_and_the_parents_form_in_neither(form: str) -> None:
    for module in responding.variants_of(form):
        ends = {Commitment, Quiz} & {type(step) for step in module.steps[-3:]}
        assert ends == (set() if form == "parents-briefing" else {Commitment, Quiz})
        assert module.pass_mark == 80


@each_form
def test_it_says_that_it_is_a_draft_while_claims_are_unverified(form: str) -> None:
    for module in responding.variants_of(form):
        assert module.unverified_claims
        assert module.is_draft
        assert any("being checked" in lesson.body for lesson in module.lessons)


@each_form
def test_it_opens_with_care(form: str) -> None:
    for module in responding.variants_of(form):
        assert "no pictures" in module.content_note
        assert "You can stop at any point" in module.wellbeing
        assert all(s.skippable for s in module.steps if isinstance(s, Scenario | Assessment))
        assert all(isinstance(s, Part) and s.model_config["frozen"] for s in module.steps)


def test_the_reporting_duty_is_only_spoken_of_as_still_to_come() -> None:
    for module in responding.modules():
        claim = module.claim("reporting-duty")
        assert (claim is None) or (module.nation == "england" and not claim.verified)
    england = next(m for m in responding.variants_of("all-staff-awareness") if m.nation == "england")
    assert "no date for its start" in " ".join(england.lessons[3].body.split())
    assert england.claim("reporting-duty") is not None


# --- what has changed -----------------------------------------------------------------------------


def test_every_change_says_for_everybody_what_they_take() -> None:
    everybody = {module.audience for module in responding.modules()}
    changes = {change.id: change for module in responding.modules() for change in module.changes}
    listed = yaml.safe_load((PACK / "changes.yaml").read_text("utf-8"))["changes"]
    assert set(changes) == {change["id"] for change in listed}
    for change in changes.values():
        told = [audience for reteach in change.reteach for audience in reteach.audiences]
        assert Counter(told) == Counter(everybody)
        assert all(reteach.why for reteach in change.reteach if reteach.by == "none")


def test_the_form_to_take_is_there_for_those_who_are_to_take_it() -> None:
    there = {(m.slug, m.nation, m.audience) for m in responding.modules()}
    for module in responding.modules():
        for change in module.changes:
            reteach = change.reteaching(module.audience)
            assert reteach is not None
            if reteach.by == "none":
                continue
            assert reteach.form is not None
            assert (reteach.form, module.nation, module.audience) in there, change.id
            if reteach.by == "bridge":
                assert MINUTES[reteach.form] <= 15


def test_a_change_is_told_where_it_holds_and_the_newer_edition_is_in_the_register() -> None:
    guidance = {
        entry["id"]: entry
        for entry in yaml.safe_load((PACK / "guidance.yaml").read_text("utf-8"))["guidance"]
    }
    for module in responding.modules():
        for change in module.changes:
            assert holds_in(change.nation, module.nation)
            newer = guidance[change.guidance]
            if change.replaces:
                assert change.replaces in guidance
                assert newer["id"] != change.replaces


def test_every_edition_that_replaced_another_says_so_among_the_changes_or_the_register() -> None:
    guidance = yaml.safe_load((PACK / "guidance.yaml").read_text("utf-8"))["guidance"]
    changes = yaml.safe_load((PACK / "changes.yaml").read_text("utf-8"))["changes"]
    replaced = {(entry["id"], entry["replaces"]) for entry in guidance if "replaces" in entry}
    assert {(c["guidance"], c["replaces"]) for c in changes if "replaces" in c} <= replaced


# --- how it reads ---------------------------------------------------------------------------------


def everything() -> Iterator[Said]:
    yield from responding.everything_said()


def prose(module_slug: str) -> Iterator[tuple[str, str, int]]:
    for module in responding.variants_of(module_slug):
        for lesson in module.lessons:
            yield f"{lesson.slug} ({module.nation}, {module.audience})", lesson.body, lesson.minutes


@each_form
def test_lessons_can_be_read_in_the_minutes_they_claim(form: str) -> None:
    slow = [
        (name, words, minutes)
        for name, body, minutes in prose(form)
        if (words := len([w for w in body.split() if w != ":::"])) > WORDS_A_MINUTE * minutes
    ]
    assert slow == []


@each_form
def test_no_lesson_reads_harder_than_at_thirteen(form: str) -> None:
    hard = [
        (name, found)
        for name, body, _ in prose(form)
        if (found := grade(body)) is not None and found > HIGHEST_GRADE + 1
    ]
    assert hard == []


def test_every_text_renders_without_leftover_markup() -> None:
    """Nothing of a pack's own marks is left in what people see, in any variant."""
    seen: set[str] = set()
    for said in everything():
        if said.text in seen:
            continue
        seen.add(said.text)
        assert not re.search(r"\$|\[\?|\{|\}", said.text), (said.place, said.text)
        if not said.markdown:
            assert not re.search(r"\*\*|:::|^#|\]\(", said.text), (said.place, said.text)
            continue
        for part in parts_as_shown(said.text):
            html = render(part)
            assert not re.search(r":::|\*\*|\[\?|^#|<script|<img", html), (said.place, html)
            for url in re.findall(r'href="([^"]*)"', html):
                assert is_allowed_url(url), (said.place, url)


def parts_as_shown(text: str) -> Iterator[str]:
    """A text as its page shows it: cut at its exercises and at the places for a school's own details."""
    for piece in re.split(r"^::: exercise [a-z0-9-]+[ ]*$", text, flags=re.MULTILINE):
        yield from (part for part, _ in pieces(piece))


def test_no_link_leads_off_the_known_bodies() -> None:
    """Nor does any bare address stand in a text, where somebody might copy it."""
    for said in everything():
        assert not re.search(r"https?://|www\.", said.text), said
    for module in responding.modules():
        urls = [h.url for h in module.helplines if h.url] + [g.url for g in module.guidance if g.url]
        assert urls
        assert all(is_allowed_url(url) for url in urls)


# --- what the content must not hold ---------------------------------------------------------------


def test_no_app_or_platform_is_named() -> None:
    names = re.compile(
        r"\b(snap ?chat|whats ?app|instagram|insta|tik ?tok|air ?drop|telegram|discord|facebook|omegle|kik"
        r"|youtube|twitter|reddit|roblox|fortnite|minecraft|onlyfans|messenger|wechat|tinder|grindr|twitch|pinterest"
        r"|tumblr|google|i ?message|face ?time|chat ?gpt|gemini|grok|copilot|android|iphone|ipad|signal app)\b",
        re.IGNORECASE,
    )
    assert [said for said in everything() if names.search(said.text)] == []


def test_no_numbered_paragraph_of_the_guidance_is_named() -> None:
    number = re.compile(r"\b(paragraphs?|paras?\.?|pages?|pp?\.) ?\d|§ ?\d", re.IGNORECASE)
    assert [said for said in everything() if number.search(said.text)] == []


def test_it_never_teaches_that_nothing_will_show() -> None:
    """In what is right and in what the course says, it stands denied; wrong options may promise it."""
    promise = re.compile(
        r"\b(will|can|would|does) (not|never) (show|appear|come up|turn up)|won.t show", re.IGNORECASE
    )
    denied = re.compile(r"\b(never|nobody|no one|not|cannot)\b|n.t\b", re.IGNORECASE)
    found = [
        (said.place, sentence)
        for said in everything()
        if said.voice in ("ours", "right")
        for sentence in re.split(r"(?<=[.!?])\s", said.text)
        if (hit := promise.search(sentence)) and not denied.search(sentence[: hit.start()])
    ]
    assert found == []


def test_statements_that_it_will_not_show_are_false() -> None:
    stated = [
        exercise
        for module in responding.modules()
        for exercise in (
            *(module.quiz.questions if module.quiz else ()),
            *(e for lesson in module.lessons for e in lesson.exercises),
        )
        if exercise.kind == "reasoned" and re.search(r"(never|not) show", exercise.prompt)
    ]
    assert stated
    assert not any(exercise.is_true for exercise in stated if exercise.kind == "reasoned")


# --- helplines ------------------------------------------------------------------------------------

NUMBERS = {
    "Emergency": "999",
    "Police,": "101",
    "Childline": "0800 1111",
    "NSPCC": "0808 800 5000",
    "POSH,": "0344 381 4772",
    "Stop": "0808 1000 900",
}
_NUMBER = re.compile(r"\b0\d{2,4}[ -]\d{3,4}(?:[ -]\d{3,4})?\b|\b(?:999|101|111|112|911|116 ?\d{3})\b")


@each_form
def test_the_helplines_are_the_known_ones(form: str) -> None:
    for module in responding.variants_of(form):
        phones = {h.name.split(" ")[0]: h.phone for h in module.helplines if h.phone}
        if module.nation == "elsewhere":
            assert phones == {}
            assert "Your country's emergency number" in {h.name for h in module.helplines}
        else:
            known = dict(NUMBERS)
            if module.audience == "parent":
                known.pop("POSH,")
            assert phones == known


def test_no_other_number_is_given_and_none_where_it_rings_nobody() -> None:
    found = {nation: set[str]() for nation in NATIONS}
    for nation in NATIONS:
        for said in responding.everything_said(nation):
            found[nation].update(_NUMBER.findall(said.text))
    assert found.pop("elsewhere") == set()
    for numbers in found.values():
        assert numbers == set(NUMBERS.values())


def test_only_the_professionals_line_is_kept_from_parents() -> None:
    for module in responding.variants_of("parents-briefing"):
        names = {helpline.name.split(" ")[0] for helpline in module.helplines}
        assert "POSH," not in names
        assert not any("Your" in name and "DSL" in name for name in names)
        assert any(name == "Take" for name in names)
