"""The modules this server can teach: read once per process from the built-in and extra packs."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import get_language

from course_content.packs import Form, Pack, PackProblem, in_order, is_pack, located
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
                    log.error("pack.rejected %s", problem)
        return made.module


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every form that passed its checks for its usual readers, oldest version first, and what was wrong."""

    packs: tuple[Pack, ...]
    known: tuple[Known, ...]
    problems: tuple[PackProblem, ...]

    @property
    def modules(self) -> tuple[Module, ...]:
        return tuple(module for one in self.known if (module := one.module()) is not None)


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
    """Read every pack. A broken form is left out and reported; the others still teach."""
    known: dict[tuple[str, str], Known] = {}
    problems: list[PackProblem] = []
    packs = tuple(Pack(folder) for folder in folders)
    for pack in packs:
        found = list(pack.problems)
        for form in pack.forms:
            made = pack.made(form, form.usual)
            found += made.problems
            if made.module is None:
                continue
            key = (form.slug, form.version)
            if key in known and known[key].pack.content_hash != pack.content_hash:
                # Evidence names slug and version; two contents under one name would make it a lie.
                message = (
                    f"another pack already has '{form.slug}' version {form.version} with"
                    " different content; give this one a new version"
                )
                found.append(PackProblem(form.file, 1, "version", message))
                continue
            known[key] = Known(pack, form)
        problems += located(pack.folder, in_order(found))
    ordered = sorted(known.values(), key=lambda one: (one.form.slug, _number(one.form.version)))
    return Catalogue(packs, tuple(ordered), tuple(problems))


@lru_cache(maxsize=1)
def _loaded() -> Catalogue:
    catalogue = load(configured_folders())
    for problem in catalogue.problems:
        if problem.is_error:
            log.error("pack.rejected %s", problem)
    return catalogue


def reload() -> None:
    """Forget what was read: the packs are read again when next asked for."""
    _loaded.cache_clear()


def all_modules() -> tuple[Module, ...]:
    """The newest version of every module, for its usual readers, by title."""
    newest = {one.form.slug: one for one in _loaded().known}
    modules = (one.module() for one in newest.values())
    return tuple(sorted((m for m in modules if m is not None), key=lambda m: m.title))


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
    if not found:
        raise ModuleNotFound(f"no module '{slug}'" + (f" version {version}" if version else ""))
    fitting = [
        variant
        for variant in found[-1].form.variants
        if nation in (None, variant.nation) and audience in (None, variant.audience)
    ]
    # In the language asked for, else in its first: a translation that has fallen behind stops nobody.
    wanted = [*(v for v in fitting if v.language == language), *fitting[:1]]
    module = next((made for variant in wanted if (made := found[-1].module(variant)) is not None), None)
    if module is None:
        raise ModuleNotFound(f"no module '{slug}' for {nation or 'any nation'}, {audience or 'any audience'}")
    return module


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
        review_status=module.status,
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
