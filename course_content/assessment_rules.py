"""What must hold in a risk assessment and on a commitment page."""

from collections.abc import Iterator

from course_content.assessments import BECAUSE, Assessment
from course_content.pack_rules import Finding, repeated
from course_content.schema import Commitment


def assessment_findings(assessment: Assessment) -> Iterator[Finding]:
    yield from repeated([t.id for t in assessment.triggers], ("triggers",))
    yield from repeated([r.id for r in assessment.reasons], ("reasons",))
    for i, trigger in enumerate(assessment.triggers):
        if trigger.id == BECAUSE:
            yield Finding(("triggers", i, "id"), f"'{BECAUSE}' stands for the reasons; use another id")
    if all(trigger.local for trigger in assessment.triggers):
        yield Finding(("triggers",), "needs at least one trigger that every school asks: one without 'local'")
    if not any(reason.holds for reason in assessment.reasons):
        yield Finding(("reasons",), "needs at least one reason that holds, or nothing can be decided")


def commitment_findings(commitment: Commitment) -> Iterator[Finding]:
    yield from repeated([c.id for c in commitment.changes], ("changes",))
    yield from repeated([c.id for c in commitment.by_when], ("by_when",))
