"""manage.py import_questions: questions of a VLE's question bank, as a bank of a pack."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError
from pydantic import ValidationError

from course_content.exchange import gift, moodle_xml
from course_content.exchange.items import Ids, Item, Left, NotOurs, question_of
from course_content.schema import Bank


class Command(BaseCommand):
    help = (
        "Read questions in Moodle XML or GIFT and write them as a bank (questions/NAME.yaml of a pack). What has no"
        " like here is listed and left out. Then name the claims that each rests on, and run check_content."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file of Moodle XML (.xml) or GIFT (.txt, .gift)")
        parser.add_argument(
            "--out", type=Path, required=True, help="the bank to write; it must not exist yet"
        )
        parser.add_argument("--topic", default="imported", help="the topic of questions that have no tag")

    def handle(self, *args: Any, **options: Any) -> None:
        file, out = options["file"], options["out"]
        if out.exists():
            raise CommandError(f"{out} exists already; choose another name, nothing was written")
        items, left = _read(file)
        questions, more = _ours(items, options["topic"])
        left = sorted([*left, *more], key=lambda one: one.line)
        for one in left:
            self.stdout.write(f"left out: {file}: question {one.line} ({one.name}): {one.why}")
        if not questions:
            raise CommandError("no question could be taken; nothing was written")
        text = yaml.safe_dump({"questions": questions}, sort_keys=False, allow_unicode=True, width=110)
        out.write_text(text, encoding="utf-8")
        self.stdout.write(f"{out}: {len(questions)} questions, {len(left)} left out")


def _literally(value: Any) -> Any:
    """The value with nothing in it that a pack would read as a term or a mark."""
    if isinstance(value, str):
        return value.replace("$", "$$").replace("[?", "[ ?")
    if isinstance(value, list):
        return [_literally(one) for one in value]
    return {name: _literally(one) for name, one in value.items()} if isinstance(value, dict) else value


def _read(file: Path) -> tuple[list[Item], list[Left]]:
    try:
        content = file.read_bytes()
        if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
            return moodle_xml.read(content)
        return gift.read(content.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, moodle_xml.NotMoodleXml) as wrong:
        raise CommandError(f"{file} cannot be read: {wrong}") from None


def _ours(items: Sequence[Item], topic: str) -> tuple[list[Mapping[str, Any]], list[Left]]:
    ids = Ids()
    questions: list[Mapping[str, Any]] = []
    left: list[Left] = []
    for item in items:
        try:
            question = _literally(question_of(item, ids=ids, topic=topic))
            Bank.model_validate({"questions": [question]})
        except (NotOurs, ValidationError) as wrong:
            why = str(wrong) if isinstance(wrong, NotOurs) else wrong.errors()[0]["msg"].lower()
            left.append(Left(item.line, item.id or item.text[:60], why))
        else:
            questions.append(question)
    return questions, left
