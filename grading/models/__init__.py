from grading.models.activities import Activity, Enrolment, StepProgress
from grading.models.attempts import Answer, Attempt, Result
from grading.models.evidence import Certificate, CpdRecord, PersonalPart, RegisterChain
from grading.models.outbox import OutgoingScore

__all__ = [
    "Activity",
    "Answer",
    "Attempt",
    "Certificate",
    "CpdRecord",
    "Enrolment",
    "OutgoingScore",
    "PersonalPart",
    "RegisterChain",
    "Result",
    "StepProgress",
]
