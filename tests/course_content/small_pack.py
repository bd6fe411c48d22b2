"""A small pack that passes every check, and a way to break it in one place."""

from pathlib import Path

MODULE = """\
slug: small
version: "1.0"
title: A small module
summary: Just enough to be a module.
minutes: 4
nations: [england]
audiences: [school]
status: draft
guidance_edition: "Guidance, March 2024 (England)"
outcomes:
  - Know who to tell
content_note: Nothing upsetting.
wellbeing: Stop whenever you like.
helplines:
  - name: Childline
    for_whom: children
    phone: 0800 1111
    url: https://www.childline.org.uk/
    claims: [tell]
steps:
  - lessons/01-first.md
  - scenarios/01-door.yaml
  - quiz.yaml
"""

GUIDANCE = """\
guidance:
  - id: overview
    title: Overview
    publisher: UKCIS
    nation: uk
    edition: March 2024
    url: https://www.gov.uk/overview
    checked_on: 2026-11-22
    review_by: 2027-03-01
    verified: true
"""

CLAIMS = """\
claims:
  - id: tell
    text: Tell the DSL.
    sources: [overview]
    nation: uk
    verified: true
"""

LESSON = """\
---
slug: first
title: The first lesson
minutes: 1
claims: [tell]
---

Tell your **DSL**.

See [the overview](https://www.gov.uk/overview).
"""

SCENARIO = """\
slug: door
title: At the door
minutes: 1
intro: Somebody knocks.
claims: [tell]
start: knock
nodes:
  knock:
    text: Do you open?
    choices:
      - id: open
        text: Open it
        verdict: best
        reason: Good.
        goes_to: inside
      - id: ignore
        text: Leave it
        verdict: poor
        reason: They will knock again.
        goes_to: again
  again:
    text: They knock again.
    choices:
      - id: open-now
        text: Open it now
        verdict: acceptable
        reason: Better late.
        goes_to: inside
      - id: wait
        text: Wait some more
        verdict: harmful
        reason: They are still there.
        goes_to: again
  inside:
    ending:
      outcome: good
      title: Inside
      debrief: Well done.
recommended: [open]
"""

QUIZ = """\
slug: quiz
title: The quiz
minutes: 2
intro: Take your time.
draw: 2
critical_at_least: 1
questions:
  - id: who
    kind: single
    topic: reporting
    critical: true
    prompt: Whom do you tell?
    options:
      - {id: dsl, text: The DSL, feedback: "Yes."}
      - {id: nobody, text: Nobody}
      - {id: friend, text: A friend}
    answer: [dsl]
    explanation: Tell the DSL.
    claims: [tell]
  - id: which
    kind: multiple
    topic: listening
    prompt: Which are right?
    options:
      - {id: calm, text: Be calm}
      - {id: kind, text: Be kind}
      - {id: cross, text: Be cross}
    answer: [calm, kind]
    explanation: Calm and kind.
    claims: [tell]
  - id: order
    kind: ordering
    topic: listening
    prompt: In which order?
    options:
      - {id: one, text: Listen}
      - {id: two, text: Tell}
      - {id: three, text: Write}
    answer: [one, two, three]
    explanation: Listen, tell, write.
    claims: [tell]
"""

for _n in ("four", "five", "six"):
    QUIZ += f"""\
  - id: {_n}
    kind: single
    topic: reporting
    prompt: Yes or no?
    options:
      - {{id: y, text: "Yes"}}
      - {{id: n, text: "No"}}
    answer: [y]
    explanation: Yes it is.
    claims: [tell]
"""

FILES = {
    "module.yaml": MODULE,
    "guidance.yaml": GUIDANCE,
    "claims.yaml": CLAIMS,
    "lessons/01-first.md": LESSON,
    "scenarios/01-door.yaml": SCENARIO,
    "quiz.yaml": QUIZ,
}


def write_pack(folder: Path, **replaced: str | None) -> Path:
    """Write the small pack, with some files replaced or added; None leaves a file out."""
    for name, text in {**FILES, **replaced}.items():
        if text is None:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def broken_pack(folder: Path, file: str, old: str, new: str) -> Path:
    """The small pack with the first `old` in `file` replaced by `new`."""
    assert old in FILES[file], f"{old!r} is not in {file}"
    return write_pack(folder, **{file: FILES[file].replace(old, new, 1)})


def line_of(folder: Path, file: str, text: str, after: str = "") -> int:
    """The number of the first line of `file` that holds `text`, below one that holds `after`."""
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    above = next(i for i, line in enumerate(lines) if after in line) + 1 if after else 0
    return next(i for i, line in enumerate(lines, 1) if i > above and text in line)
