"""JSON Schema of every kind of file of a pack, for the editors of authors.

Made from the models, and then widened to what an author may write in place of any value (see `variants`): an
item with `for`, `{for, use}`, or a value that differs, with `otherwise`. The lists of a file are those of all
readers together, so how long they may be is not said here; `manage.py check_content` says it for each variant.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from course_content.parts import Claim, GuidanceEntry
from course_content.schema import (
    Assessment,
    Bank,
    Change,
    Commitment,
    Lesson,
    ModuleFile,
    Quiz,
    Scenario,
)
from course_content.sources import FOR, OTHERWISE, USE
from course_content.variants import AUDIENCES, GROUPS, LANGUAGES, NATIONS

FOLDER = Path(__file__).parent / "schemas"
DRAFT = "http://json-schema.org/draft-07/schema#"

Schema = dict[str, Any]

_NAME = "(?:not +)?(?:" + "|".join((*NATIONS, *AUDIENCES, *LANGUAGES, *GROUPS)) + ")"
_SELECTOR = f" *{_NAME} *(?:[,&] *{_NAME} *)*"
SELECTOR: Schema = {
    "type": "string",
    "pattern": f"^{_SELECTOR}$",
    "description": "For whom: names of nations, audiences or groups; ',' is or, '&' is and, 'not' before a name.",
}
# Said of one variant; the file holds all of them.
_OF_ONE_VARIANT = {"maxItems", "maxLength", "title", "default"}
# Which of a model's fields an author does not write: the text under the front matter, what the reader adds,
# and the id that a node has by its key.
_NOT_WRITTEN = {"Lesson": {"body", "recalled"}, "Node": {"id"}}


def schema_of(kind: str) -> Schema:
    """The schema of one kind of file. Raises KeyError."""
    return json.loads(_written(kind))  # type: ignore[no-any-return]


@lru_cache(maxsize=32)
def _written(kind: str) -> str:
    return json.dumps(KINDS[kind]())


def file_name(kind: str) -> str:
    return f"{kind}.schema.json"


def as_file(kind: str) -> str:
    """What stands in the file of a kind."""
    return json.dumps(schema_of(kind), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write(folder: Path) -> tuple[Path, ...]:
    """Write the schema of every kind."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in KINDS:
        path = folder / file_name(kind)
        path.write_text(as_file(kind), encoding="utf-8")
        written.append(path)
    return tuple(written)


def kind_of(file: str) -> str | None:
    """Which kind a file of a pack is, by its path there; None for one that has no schema."""
    return next((kind for pattern, kind in _FILES if re.fullmatch(pattern, file)), None)


_FILES = (
    (r"module\.yaml|forms/.+\.yaml", "form"),
    (r"common\.yaml", "common"),
    (r"terms\.yaml", "terms"),
    (r"guidance\.yaml", "guidance"),
    (r"claims\.yaml|claims/.+\.yaml", "claims"),
    (r"changes\.yaml", "changes"),
    (r"lessons/.+\.md", "lesson"),
    (r"scenarios/.+\.yaml", "scenario"),
    (r"assessments/.+\.yaml", "assessment"),
    (r"commitment\.yaml|commitments/.+\.yaml", "commitment"),
    (r"quiz\.yaml|quizzes/.+\.yaml", "quiz"),
    (r"questions/.+\.yaml", "bank"),
)


# --- from a model to a file -------------------------------------------------------------------------


class _Widened:
    """One schema on its way from what a model says of one variant to what an author may write.

    Every place for a value gets a definition of its own, which a value that differs refers back to.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def model(self, model: type[BaseModel]) -> Schema:
        """The models' own definitions are taken over, each widened; what is given back is the model's."""
        said = model.model_json_schema(by_alias=True, mode="validation")
        for name, definition in said.pop("$defs", {}).items():
            if name not in self.definitions:
                self.definitions[name] = {}
                self.definitions[name] = self.value(definition, name)
        return self.value(said, model.__name__)

    def place(self, schema: Schema, name: str) -> Schema:
        """A place where a value of this schema stands: that, or what the author writes for some readers alone."""
        value = self.value(schema, name)
        name = self._name(name, value)
        if name not in self.definitions:
            again = {"$ref": f"#/definitions/{name}"}
            self.definitions[name] = {
                "if": _has(OTHERWISE),
                "then": {
                    "description": "A value that differs: the first selector that fits is taken.",
                    "type": "object",
                    "propertyNames": {"pattern": f"^(?:{OTHERWISE}|{_SELECTOR})$"},
                    "additionalProperties": {"anyOf": [again, {"type": "null"}]},
                },
                "else": {
                    "if": _has(USE),
                    "then": {
                        "description": "A plain item for some readers alone.",
                        "type": "object",
                        "required": [FOR, USE],
                        "properties": {FOR: SELECTOR, USE: again},
                        "additionalProperties": False,
                    },
                    "else": value,
                },
            }
        return {"$ref": f"#/definitions/{name}"}

    def value(self, schema: Schema, name: str) -> Schema:
        """The value itself, with places inside it."""
        if "$ref" in schema:
            return {"$ref": schema["$ref"].replace("#/$defs/", "#/definitions/")}
        if "discriminator" in schema:
            return self._by_kind(schema["discriminator"]["mapping"])
        made = {key: value for key, value in schema.items() if key not in _OF_ONE_VARIANT}
        if "anyOf" in made:
            made["anyOf"] = [self.value(one, name) for one in made["anyOf"]]
        if {"yes", "no"} <= set(made.get("enum", ())):
            # YAML 1.1 reads these words bare as true and false.
            made = {"enum": [*made["enum"], True, False]}
        if "items" in made:
            made["items"] = self.place(made["items"], f"{name}-item")
        if isinstance(made.get("additionalProperties"), Mapping):
            made["additionalProperties"] = self.place(made["additionalProperties"], f"{name}-value")
        if "properties" in made:
            made = self._fields(made, name)
        return made

    def _fields(self, made: Schema, name: str) -> Schema:
        """The fields of a group, and `for`, which any group may carry."""
        left_out = _NOT_WRITTEN.get(name, set())
        fields = {key: field for key, field in made["properties"].items() if key not in left_out}
        required = [key for key in made.get("required", ()) if key not in left_out]
        placed = {key: self.place(field, f"{name}.{key}") for key, field in fields.items()}
        made = {key: value for key, value in made.items() if key != "required"}
        made["properties"] = {**placed, FOR: SELECTOR}
        return {**made, "required": required} if required else made

    def _by_kind(self, mapping: Mapping[str, str]) -> Schema:
        """One of several shapes, told apart by `kind`: a slip is then reported in the right one alone."""
        return {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": self.place({"enum": sorted(mapping)}, "kind")},
            "allOf": [
                {
                    "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                    "then": {"$ref": ref.replace("#/$defs/", "#/definitions/")},
                }
                for kind, ref in mapping.items()
            ],
        }

    def _name(self, wanted: str, value: Schema) -> str:
        """The name of a place: one that is there already where the same stands in it."""
        for name, known in self.definitions.items():
            if known.get("else", {}).get("else") == value:
                return name
        numbered = (wanted if n == 1 else f"{wanted}-{n}" for n in count(1))
        return next(free for free in numbered if free not in self.definitions)


def _has(name: str) -> Schema:
    return {"type": "object", "required": [name]}


def _document(title: str, root: Schema, widened: _Widened) -> Schema:
    return {"$schema": DRAFT, "title": title, **root, "definitions": widened.definitions}


def _of_model(
    title: str, model: type[BaseModel], required: Iterable[str] | None = None
) -> Callable[[], Schema]:
    """A file that holds one thing. `required`: all that must stand in this file, where another may say the rest."""

    def made() -> Schema:
        widened = _Widened()
        root = widened.model(model)
        if required is not None:
            root = {key: value for key, value in root.items() if key != "required"}
            root |= {"required": list(required)} if required else {}
        return _document(title, root, widened)

    return made


def _of_list(title: str, name: str, model: type[BaseModel]) -> Callable[[], Schema]:
    """A file that holds a list of things under one name."""

    def made() -> Schema:
        widened = _Widened()
        items = widened.place(widened.model(model), f"{name}-item")
        return _document(title, _only(name, {"type": "array", "minItems": 1, "items": items}), widened)

    return made


def _terms() -> Schema:
    widened = _Widened()
    term = widened.place({"type": "string"}, "term")
    terms = {"type": "object", "additionalProperties": term}
    return _document("Words that differ by nation and audience", _only("terms", terms), widened)


def _only(name: str, schema: Schema) -> Schema:
    return {
        "type": "object",
        "required": [name],
        "properties": {name: schema},
        "additionalProperties": False,
    }


KINDS: Mapping[str, Callable[[], Schema]] = {
    # What a form does not say is taken from common.yaml.
    "form": _of_model("A form (course) of a pack", ModuleFile, required=["slug"]),
    "common": _of_model("What all forms of a pack share", ModuleFile, required=[]),
    "terms": _terms,
    "guidance": _of_list("The guidance register", "guidance", GuidanceEntry),
    "claims": _of_list("What a pack says is so", "claims", Claim),
    "changes": _of_list("Which edition took another's place", "changes", Change),
    "lesson": _of_model("The front matter of a lesson", Lesson),
    "scenario": _of_model("A branching story", Scenario),
    "assessment": _of_model("A risk assessment of a made-up case", Assessment),
    "commitment": _of_model("One change that somebody will make", Commitment),
    "quiz": _of_model("A quiz", Quiz),
    "bank": _of_model("A bank of questions", Bank),
}
