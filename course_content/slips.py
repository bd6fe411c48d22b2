"""What is wrong with a field of a pack, in its author's words: where, and what to do about it."""

from typing import Any

from pydantic_core import ErrorDetails

from course_content.sources import Loc


def field_of(loc: Loc) -> str:
    """("questions", 3, "answer") as questions[4].answer: authors count from one."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field here; check the spelling",
    "string_type": "must be text; if it looks like a number or a date, put it in quotes",
    "string_too_short": "must not be empty",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a group of named fields",
    "model_type": "must be a group of named fields",
    "model_attributes_type": "must be a group of named fields",
    "union_tag_not_found": "needs a 'kind', such as single (course_content/questions.py has all)",
}


def explain(error: ErrorDetails, data: Any) -> tuple[Loc, str]:
    """Where in the author's file, and what to do about it, in plain words."""
    loc = _without_tags(error["loc"], data)
    kind = error["type"]
    context: dict[str, Any] = error.get("ctx") or {}
    if kind in _WORDS:
        return loc, _WORDS[kind]
    if kind.startswith("int_"):
        return loc, "must be a whole number"
    if kind.startswith("date_"):
        return loc, "must be a date such as 2026-11-22"
    if kind == "literal_error":
        return loc, f"must be one of {context['expected']}"
    if kind == "union_tag_invalid":
        return (*loc, "kind"), f"must be one of {context['expected_tags']}"
    if kind == "string_pattern_mismatch":
        return loc, _pattern(str(loc[-1]))
    if kind == "too_short":
        return loc, f"needs at least {context['min_length']}"
    if kind == "value_error":
        return loc, str(context["error"])
    return loc, error["msg"][:1].lower() + error["msg"][1:]


def _pattern(field: str) -> str:
    if field == "version":
        return 'must be numbers with dots, such as "1.2"'
    if field == "status":
        return "must be 'draft' or 'reviewed by NAME on YYYY-MM-DD'"
    return "may hold only small letters, numbers and single hyphens"


def _without_tags(loc: Loc, data: Any) -> Loc:
    """`loc` without the parts pydantic adds for a union, which are not in the author's file."""
    kept: list[str | int] = []
    for i, part in enumerate(loc):
        last = i == len(loc) - 1
        in_list = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if in_list or (isinstance(data, dict) and part in data):
            data = data[part]
        elif not (last and isinstance(data, dict)):
            continue
        kept.append(part)
    return tuple(kept)
