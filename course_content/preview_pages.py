"""The pages of an author's preview, each as its path, its template and what stands in it.

They are the same on a server and in a folder of files: only `Site` knows how one links to another.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation

from course_content import pack_rules
from course_content.assessments import Assessment, our_decision
from course_content.comparison import compare
from course_content.graph import graph_of
from course_content.guidance import register_of
from course_content.journey import Ground, journey
from course_content.making import Form
from course_content.previews import OpenPack, Shown, form_path
from course_content.schema import Lesson, Module, Quiz, Scenario, Step
from course_content.variants import Variant

_FOLDER = "course_content/authoring"


@dataclass(frozen=True, slots=True)
class Site:
    """How pages link: `base` leads from the page at hand to the pack's own, `suffix` ends the address of a page.

    What only a server has is empty in a folder of files.
    """

    base: str
    css: str
    suffix: str = ""
    icon: str = ""
    index: str = ""
    admin: str = ""
    help_now: str = ""

    @property
    def is_server(self) -> bool:
        return bool(self.index)


@dataclass(frozen=True, slots=True)
class Page:
    """`path` is seen from the pack's own page, and empty for that one."""

    path: str
    template: str
    context: dict[str, Any]

    def render(self, site: Site) -> str:
        """The page in English, as all that operators read, whatever language the pack's texts are in."""
        with translation.override("en-gb"):
            return render_to_string(f"{_FOLDER}/{self.template}", {**self.context, "site": site})


@dataclass(frozen=True, slots=True)
class Use:
    """A statement, what it rests on, and the steps that make it."""

    ground: Ground
    overdue: bool
    steps: tuple[Step, ...]


def pack_page(opened: OpenPack, today: date, *, seconds: float, wanted: Sequence[Form] | None = None) -> Page:
    """The forms of a pack (those wanted), each with the figures of its usual variant, and all that is wrong."""
    listed = opened.pack.forms if wanted is None else wanted
    forms = opened.shown_within(((form, form.usual) for form in listed), seconds)
    context = {
        "opened": opened,
        "forms": _rows(forms, today),
        "told": opened.told(forms),
        "unfinished": any(one.made is None for one in forms),
    }
    return Page("", "pack.html", context)


def form_page(
    opened: OpenPack, form: Form, today: date, *, seconds: float, wanted: Collection[Variant] | None = None
) -> Page:
    """The variants of a form (those wanted) with figures, and the problems of all that have been made."""
    variants = [v for v in form.variants if wanted is None or v in wanted]
    shown = opened.shown_within(((form, variant) for variant in variants), seconds)
    left = sum(one.made is None for one in shown)
    context = {
        "opened": opened,
        "form": form,
        "title": next((one.module.title for one in shown if one.module), form.slug),
        "variants": _rows(shown, today),
        "told": opened.told(shown),
        "left": left,
        "made": len(shown) - left,
    }
    return Page(form_path(form), "form.html", context)


def variant_page(opened: OpenPack, form: Form, variant: Variant, today: date) -> Page:
    """One variant: what it is, its steps, what is wrong with it and what is not checked yet."""
    shown = opened.shown(form, variant)
    context = _context(opened, shown) | {"told": opened.told([shown]), "figures": shown.figures(today)}
    if module := shown.module:
        context |= {
            "stages": journey(module, {}, passed=False).stages,
            "unverified": [use for use in _uses(module, today) if not use.ground.claim.verified],
            "overdue": module.overdue_guidance(today),
        }
    return Page(shown.path, "variant.html", context)


def step_page(opened: OpenPack, form: Form, variant: Variant, slug: str, today: date) -> Page | None:
    """All of one step. None where this variant has no such step."""
    shown = opened.shown(form, variant)
    module = shown.module
    step = module.step(slug) if module else None
    if module is None or step is None:
        return None
    n = module.steps.index(step)
    context = _context(opened, shown) | {
        "step": step,
        "number": n + 1,
        "before": module.steps[n - 1] if n else None,
        "after": module.steps[n + 1] if n + 1 < len(module.steps) else None,
        "file": opened.file_of(form, slug),
        "uses": [use for use in _uses(module, today) if step in use.steps],
    }
    if isinstance(step, Scenario):
        context["graph"] = graph_of(step)
    elif isinstance(step, Assessment):
        context["ours"] = our_decision(step)
    elif isinstance(step, Quiz):
        context["topics"] = _by_topic(step)
    elif isinstance(step, Lesson):
        context["pieces"] = step.pieces
    return Page(f"{shown.path}step/{slug}/", "step.html", context)


def guidance_page(opened: OpenPack, form: Form, variant: Variant, today: date) -> Page | None:
    """The guidance register as learners see it, and every statement with the steps that make it."""
    shown = opened.shown(form, variant)
    if shown.module is None:
        return None
    register = register_of(shown.module, today)
    context = _context(opened, shown) | {"register": register, "uses": _uses(shown.module, today)}
    return Page(f"{shown.path}guidance/", "guidance.html", context)


def differs_page(opened: OpenPack, form: Form, variant: Variant, other: Variant) -> Page:
    """Which steps differ from those of another variant of the form."""
    shown, there = opened.shown(form, variant), opened.shown(form, other)
    compared = compare(shown.module, there.module) if shown.module and there.module else ()
    context = _context(opened, shown) | {"other": there, "compared": compared}
    return Page(f"{shown.path}differs/", "differs.html", context)


def pages(
    opened: OpenPack, forms: Sequence[Form], wanted: Collection[Variant], today: date
) -> Iterator[Page]:
    """The pack's page, and every page of these forms for the variants that are wanted."""
    seconds = float("inf")
    yield pack_page(opened, today, seconds=seconds, wanted=forms)
    for form in forms:
        yield form_page(opened, form, today, seconds=seconds, wanted=wanted)
        for variant in (theirs := [v for v in form.variants if v in wanted]):
            yield from _pages_of(opened, form, variant, theirs[0], today)


def _pages_of(opened: OpenPack, form: Form, variant: Variant, other: Variant, today: date) -> Iterator[Page]:
    yield variant_page(opened, form, variant, today)
    module = opened.shown(form, variant).module
    slugs = [step.slug for step in module.steps] if module else []
    found: Iterable[Page | None] = (
        guidance_page(opened, form, variant, today),
        differs_page(opened, form, variant, other),
        *(step_page(opened, form, variant, slug, today) for slug in slugs),
    )
    yield from (page for page in found if page is not None)


def _context(opened: OpenPack, shown: Shown) -> dict[str, Any]:
    return {
        "opened": opened,
        "form": shown.form,
        "form_path": form_path(shown.form),
        "shown": shown,
        "variant": shown.variant,
        "module": shown.module,
    }


def _rows(shown: Iterable[Shown], today: date) -> list[dict[str, Any]]:
    return [
        {"shown": one, "figures": one.figures(today), "path": one.path, "form_path": form_path(one.form)}
        for one in shown
    ]


def _uses(module: Module, today: date) -> list[Use]:
    """Every statement of a variant, in the order of the pack."""
    made: dict[str, list[Step]] = {}
    for step in module.steps:
        for claim_id in dict.fromkeys(c for _, ids in pack_rules.claims_named(step) for c in ids):
            made.setdefault(claim_id, []).append(step)
    late = {entry.id for entry in module.overdue_guidance(today)}
    return [
        Use(
            Ground(claim, tuple(entry for entry in module.guidance if entry.id in claim.sources)),
            overdue=not late.isdisjoint(claim.sources),
            steps=tuple(made.get(claim.id, ())),
        )
        for claim in module.claims
    ]


def _by_topic(quiz: Quiz) -> list[tuple[str, list[Any]]]:
    topics: dict[str, list[Any]] = {}
    for question in quiz.questions:
        topics.setdefault(question.topic or "", []).append(question)
    return sorted(topics.items())
