"""Which steps differ between two variants of a form, and in what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from pydantic import BaseModel

from course_content.schema import Module, ModuleFacts, Step

Standing = Literal["same", "differs", "only here", "only there"]

# What two variants of one form never share, or what the pack's reader adds.
_LEFT_OUT = {"recalled", "languages", "nations", "audiences", "kind"}
_FACTS = set(ModuleFacts.model_fields) - _LEFT_OUT


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, with what each has; empty where it has none. Of long texts, the paragraphs that differ."""

    field: str
    here: str
    there: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A step (None: the form itself) of two variants."""

    step: Step | None
    title: str
    standing: Standing
    differences: tuple[Difference, ...] = ()


def compare(here: Module, there: Module) -> tuple[Compared, ...]:
    """The form itself and each of its steps in order, then those that only the other has."""
    facts = [{name: getattr(m, name) for name in sorted(_FACTS)} for m in (here, there)]
    compared = [_compared(None, "The form itself", *facts)]
    for step in here.steps:
        other = there.step(step.slug)
        if other is None:
            compared.append(Compared(step, step.title, "only here"))
        else:
            compared.append(_compared(step, step.title, step, other))
    compared += [Compared(s, s.title, "only there") for s in there.steps if here.step(s.slug) is None]
    return tuple(compared)


def _compared(step: Step | None, title: str, here: object, there: object) -> Compared:
    ours, theirs = dict(_leaves(here)), dict(_leaves(there))
    differences = tuple(
        Difference(name, *_what_differs(ours.get(name, ""), theirs.get(name, "")))
        for name in dict.fromkeys((*ours, *theirs))
        if ours.get(name, "") != theirs.get(name, "")
    )
    return Compared(step, title, "differs" if differences else "same", differences)


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text and number, by where it stands: items that have an id by that, so that none moves the others."""
    if isinstance(value, BaseModel):
        value = {f.alias or key: getattr(value, key) for key, f in type(value).model_fields.items()}
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key not in _LEFT_OUT:
                yield from _leaves(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if not any(isinstance(item, BaseModel) for item in value):
            yield name, ", ".join(map(str, value))
            return
        for n, item in enumerate(value, 1):
            yield from _leaves(item, f"{name}[{_called(item) or n}]")
    elif value is not None and value != "":
        yield name, str(value)


def _called(item: Any) -> str:
    return getattr(item, "id", None) or getattr(item, "slug", None) or getattr(item, "name", None) or ""


def _what_differs(here: str, there: str) -> tuple[str, str]:
    ours, theirs = here.split("\n\n"), there.split("\n\n")
    if len(ours) == 1 or len(theirs) == 1:
        return here, there
    changed = [
        op for op in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes() if op[0] != "equal"
    ]
    left = [part.strip() for _, a, b, _, _ in changed for part in ours[a:b] if part.strip()]
    right = [part.strip() for _, _, _, a, b in changed for part in theirs[a:b] if part.strip()]
    return "\n\n".join(left), "\n\n".join(right)
