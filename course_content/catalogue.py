"""The modules this server can teach: read once per process from the built-in and extra packs."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import get_language

from course_content.making import Form
from course_content.pack_problems import PackProblem, in_order, located
from course_content.packs import Pack, is_pack, opened
from course_content.schema import Module
from course_content.variants import Variant
from grading.models import Activity
from grading.papers import ModuleSummary

BUILT_IN = Path(__file__).parent / "packs"

log = logging.getLogger(__name__)


class ModuleNotFound(LookupError):
    """No module of this slug (and version) is loaded."""


@dataclass(frozen=True, slots=True)
class Known:
    """A form of a pack that can be taught, for each of its variants."""

    pack: Pack
    form: Form

    def module(self, variant: Variant | None = None) -> Module | None:
        """The module for a variant, or its usual one; None where that has an error."""
        made = self.pack.made(self.form, variant or self.form.usual)
        if made.module is None:
            for problem in made.problems:
                if problem.is_error:
                    _log_once(problem)
        return made.module


@lru_cache(maxsize=1024)
def _log_once(problem: PackProblem) -> None:
    log.error("pack.rejected %s", problem)


@dataclass(frozen=True)
class Catalogue:
    """Every form that there is, oldest version first. A form is made for its readers when it is asked for."""

    packs: tuple[Pack, ...]
    known: tuple[Known, ...]
    # Forms that were left out because another pack has the same slug and version.
    conflicts: tuple[PackProblem, ...]

    @property
    def modules(self) -> tuple[Module, ...]:
        """Every form that passes its checks for its usual readers."""
        return tuple(module for one in self.known if (module := one.module()) is not None)

    @cached_property
    def problems(self) -> tuple[PackProblem, ...]:
        """What is wrong with any of it, for its usual readers."""
        found = list(self.conflicts)
        for pack in self.packs:
            made = (pack.made(form, form.usual).problems for form in pack.forms)
            everything = in_order((*pack.problems, *(problem for problems in made for problem in problems)))
            found += located(pack.folder, everything)
        return tuple(found)


def pack_folders(roots: Iterable[str | Path]) -> tuple[Path, ...]:
    """The packs in these folders: a root may itself be a pack."""
    found: list[Path] = []
    for root in map(Path, roots):
        if is_pack(root) or not root.is_dir():
            found.append(root)
        else:
            found += sorted(p for p in root.iterdir() if p.is_dir() and p.name[0] not in "._")
    return tuple(found)


def configured_folders() -> tuple[Path, ...]:
    """The built-in packs, then those of CONTENT_PACK_DIRS."""
    return pack_folders((BUILT_IN, *getattr(settings, "CONTENT_PACK_DIRS", ())))


def load(folders: Iterable[Path]) -> Catalogue:
    """Read every pack."""
    known: dict[tuple[str, str], Known] = {}
    conflicts: list[PackProblem] = []
    packs = tuple(opened(folder) for folder in folders)
    for pack in packs:
        for form in pack.forms:
            key = (form.slug, form.version)
            other = known.get(key)
            if other and other.pack.content_hash != pack.content_hash and other.module() is not None:
                # Evidence names slug and version; two contents under one name would make it a lie.
                message = (
                    f"another pack already has '{form.slug}' version {form.version} with"
                    " different content; give this one a new version"
                )
                conflicts += located(pack.folder, (PackProblem(form.file, 1, "version", message),))
                continue
            known[key] = Known(pack, form)
    ordered = sorted(known.values(), key=lambda one: (one.form.slug, _number(one.form.version)))
    return Catalogue(packs, tuple(ordered), tuple(conflicts))


@lru_cache(maxsize=1)
def _loaded() -> Catalogue:
    catalogue = load(configured_folders())
    for problem in catalogue.conflicts:
        _log_once(problem)
    return catalogue


def reload() -> None:
    """Forget what was read: the packs are looked at again when next asked for."""
    _loaded.cache_clear()
    _log_once.cache_clear()


def all_modules() -> tuple[Module, ...]:
    """The newest version of every module that can be taught, for its usual readers, by title."""
    newest = {module.slug: module for module in _loaded().modules}
    return tuple(sorted(newest.values(), key=lambda module: module.title))


def get_module(
    slug: str,
    version: str | None = None,
    *,
    nation: str | None = None,
    audience: str | None = None,
    language: str | None = None,
) -> Module:
    """The module of this slug (this version, or the newest) for these readers, or its usual ones.

    Where it has not been written in that language it comes in its first. Raises ModuleNotFound, also where it
    is not for that nation or audience: nobody is taught another nation's law.
    """
    found = [one for one in _loaded().known if one.form.slug == slug and version in (None, one.form.version)]
    for one in reversed(found):
        fitting = [
            variant
            for variant in one.form.variants
            if nation in (None, variant.nation) and audience in (None, variant.audience)
        ]
        # In the language asked for, else in its first: a translation that has fallen behind stops nobody.
        for variant in [*(v for v in fitting if v.language == language), *fitting[:1]]:
            module = one.module(variant)
            if module is not None:
                return module
    said = ", ".join(str(value) for value in (version, nation, audience) if value)
    raise ModuleNotFound(f"no module '{slug}'" + (f" ({said})" if said else ""))


def taught_by(activity: Activity) -> Module:
    """What an activity teaches its nation and audience, in the reader's language where it has been written in it.

    Raises ModuleNotFound.
    """
    language = (get_language() or "en")[:2]
    return get_module(activity.module, nation=activity.nation, audience=activity.audience, language=language)


def problems() -> tuple[PackProblem, ...]:
    """What was wrong with the packs when they were read (for the readiness page)."""
    return _loaded().problems


def summary(module: Module) -> ModuleSummary:
    """What the record keeps of a module."""
    return ModuleSummary(
        slug=module.slug,
        version=module.version,
        content_hash=module.content_hash,
        title=module.title,
        minutes=module.minutes,
        outcomes=module.outcomes,
        guidance_edition=module.guidance_edition,
        nation=module.nation,
        audience=module.audience,
        language=module.language,
        # A review of the English is none of what a machine made of it.
        review_status="draft" if module.machine_drafted else module.status,
    )


def _number(version: str) -> tuple[int, ...]:
    """A version as numbers; nothing for one that is none, which the form's own check reports."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())
