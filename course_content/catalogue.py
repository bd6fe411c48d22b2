"""The modules this server can teach: read once per process from the built-in and extra packs."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from course_content.packs import MODULE_FILE, PackProblem, check_pack
from course_content.schema import Module
from grading.papers import ModuleSummary

BUILT_IN = Path(__file__).parent / "packs"

log = logging.getLogger(__name__)


class ModuleNotFound(LookupError):
    """No module of this slug (and version) is loaded."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every module that passed its checks, oldest version first, and what was wrong elsewhere."""

    modules: tuple[Module, ...]
    problems: tuple[PackProblem, ...]


def pack_folders(roots: Iterable[str | Path]) -> tuple[Path, ...]:
    """The packs in these folders: a root that holds a module.yaml is itself a pack."""
    found: list[Path] = []
    for root in map(Path, roots):
        if (root / MODULE_FILE).exists() or not root.is_dir():
            found.append(root)
        else:
            found += sorted(p for p in root.iterdir() if p.is_dir() and p.name[0] not in "._")
    return tuple(found)


def configured_folders() -> tuple[Path, ...]:
    """The built-in packs, then those of CONTENT_PACK_DIRS."""
    return pack_folders((BUILT_IN, *getattr(settings, "CONTENT_PACK_DIRS", ())))


def load(folders: Iterable[Path]) -> Catalogue:
    """Read every pack. A broken pack is left out and reported; the others still teach."""
    modules: dict[tuple[str, str], Module] = {}
    problems: list[PackProblem] = []
    for folder in folders:
        report = check_pack(folder)
        problems += report.located()
        module = report.module
        if module is None:
            continue
        key = (module.slug, module.version)
        if key in modules and modules[key].content_hash != module.content_hash:
            # Evidence names slug and version; two contents under one name would make it a lie.
            problems.append(
                PackProblem(
                    f"{folder.name}/{MODULE_FILE}",
                    1,
                    "version",
                    f"another pack already has '{module.slug}' version {module.version} with"
                    " different content; give this one a new version",
                )
            )
            continue
        modules[key] = module
    ordered = sorted(modules.values(), key=lambda m: (m.slug, _number(m.version)))
    return Catalogue(tuple(ordered), tuple(problems))


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
    """The newest version of every module, by title."""
    newest = {m.slug: m for m in _loaded().modules}
    return tuple(sorted(newest.values(), key=lambda m: m.title))


def get_module(slug: str, version: str | None = None) -> Module:
    """The module of this slug: this version, or the newest. Raises ModuleNotFound."""
    found = [m for m in _loaded().modules if m.slug == slug and version in (None, m.version)]
    if not found:
        raise ModuleNotFound(f"no module '{slug}'" + (f" version {version}" if version else ""))
    return found[-1]


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
        language=module.languages[0],
        review_status=module.status,
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
