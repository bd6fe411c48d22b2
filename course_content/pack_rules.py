"""What must hold between the pieces of a pack, beyond the shape of each.

Every rule yields findings: where in the file's data, in words for the author, and whether it stops
the pack (error) or asks for a second look (warning).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from course_content.hosts import is_allowed_url
from course_content.parts import Audience, Claim, Nation, holds_in
from course_content.questions import Unmarked
from course_content.reading_age import HIGHEST_GRADE, grade
from course_content.schema import Bank, Commitment, Lesson, Quiz, Step
from course_content.sources import Loc, PieceOfText, Source

Severity = Literal["error", "warning"]

# Words that blame a child, or dwell on an image. Short on purpose: people judge tone, this only
# catches what must never slip through.
BANNED_WORDS = (
    "promiscuous",
    "provocative",
    "asking for it",
    "asked for it",
    "brought it on",
    "attention-seeking",
    "slut",
    "slag",
    "child porn",
    "child pornography",
    "kiddie porn",
    "genitals",
    "penis",
    "vagina",
    "masturbating",
)


@dataclass(frozen=True, slots=True)
class Finding:
    loc: Loc
    message: str
    severity: Severity = "error"
    line: int | None = None


def repeated(ids: Sequence[str], loc: Loc, name: str = "id") -> Iterator[Finding]:
    """Ids of a list at `loc` that were already used further up."""
    seen: set[str] = set()
    for i, one in enumerate(ids):
        if one in seen:
            yield Finding((*loc, i, name), f"'{one}' is used twice")
        seen.add(one)


# --- claims named by a step -----------------------------------------------------------------------


def claims_named(part: Step | Bank) -> Iterator[tuple[Loc, tuple[str, ...]]]:
    """Every place in a step, or in a bank, that names claims."""
    if isinstance(part, Quiz | Bank):
        for i, question in enumerate(part.questions):
            yield ("questions", i, "claims"), question.claims
    elif not isinstance(part, Commitment) and not (isinstance(part, Lesson) and part.rest):
        yield ("claims",), part.claims
    if isinstance(part, Lesson):
        for i, exercise in enumerate(part.exercises):
            # What an exercise says of its own, besides its lesson's claims.
            if not isinstance(exercise, Unmarked) and exercise.claims:
                yield ("exercises", i, "claims"), exercise.claims


def claim_findings(
    named: Iterable[tuple[Loc, tuple[str, ...]]],
    claims: Mapping[str, Claim],
    nation: Nation,
    audience: Audience,
) -> Iterator[Finding]:
    """Claims that are not there, or that hold for others than these readers."""
    for loc, ids in named:
        if not ids:
            yield Finding(loc, "names no claim it rests on", "warning")
        for i, one in enumerate(ids):
            claim = claims.get(one)
            if claim is None:
                yield Finding((*loc, i), f"there is no claim '{one}' in claims.yaml or claims/")
            elif not holds_in(claim.nation, nation):
                yield Finding((*loc, i), f"'{one}' holds in {claim.nation}, not in {nation}")
            elif claim.audiences and audience not in claim.audiences:
                yield Finding(
                    (*loc, i), f"'{one}' may be told to {', '.join(claim.audiences)}, not to {audience}"
                )


# --- text -----------------------------------------------------------------------------------------

_IMAGE = re.compile(r"!\[|<img\b|\bdata:\S", re.IGNORECASE)
_HTML = re.compile(r"<(?!https?://)[a-z/!?]", re.IGNORECASE)
_LOCAL = re.compile(r"[ ]*::: local\b")
_LINKS = (
    re.compile(r"\]\(\s*<?([^)\s>]*)"),
    re.compile(r"^\s*\[[^\]]+\]:\s*(\S+)"),
    re.compile(r"(\b(?:https?|ftp)://[^\s)>\]\"'`]+)", re.IGNORECASE),
    re.compile(r"((?:\bjavascript|\bmailto|\bvbscript):\S+)", re.IGNORECASE),
)
_BANNED = re.compile(
    r"\b(" + "|".join(re.escape(w).replace(r"\ ", r"\s+") for w in BANNED_WORDS) + r")\b",
    re.IGNORECASE,
)


def text_findings(text: PieceOfText) -> Iterator[Finding]:
    """Images, HTML, links off the list and banned words, each on its own line."""
    for number, line in text.lines:
        if _IMAGE.search(line):
            yield Finding(text.loc, "images are not allowed anywhere in a pack", line=number)
        elif _HTML.search(line):
            yield Finding(text.loc, "HTML is not allowed; use Markdown", line=number)
        if text.loc != ("body",) and _LOCAL.match(line):
            yield Finding(text.loc, "only a lesson has places for '::: local'", line=number)
        links = {m.rstrip(".,;:") for pattern in _LINKS for m in pattern.findall(line)}
        for link in sorted(links):
            if not is_allowed_url(link):
                message = f"links to '{link}', which is not https or not on the list of hosts"
                yield Finding(text.loc, message, line=number)
        for word in _BANNED.findall(line):
            yield Finding(text.loc, f"'{word}' is on the list of words not to use", line=number)


def reading_findings(source: Source) -> Iterator[Finding]:
    """A warning where a file as a whole is harder to read than staff should be asked to."""
    prose = "\n\n".join(
        "\n".join(line for _, line in text.lines)
        for text in source.texts()
        if text.loc and text.loc[-1] in _PROSE
    )
    found = grade(prose)
    if found is not None and found > HIGHEST_GRADE:
        message = (
            f"reads at about age {found + 5:.1f} (Flesch-Kincaid grade {found:.1f});"
            " aim for 12 to 13: shorter sentences, shorter words"
        )
        yield Finding((), message, "warning")


_PROSE = {
    "body",
    "intro",
    "text",
    "reason",
    "debrief",
    "prompt",
    "explanation",
    "feedback",
    "summary",
    "content_note",
    "wellbeing",
    "case",
    "question",
    "hint",
    "finding_out",
    "refer",
    "find_out",
    "in_school",
}
