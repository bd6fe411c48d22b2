"""The school that is shown: invented people, one course, one activity.

They are constants, so a fresh data folder shows the tool the same people under the same ids.
"""

from dataclasses import dataclass
from enum import Enum

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


class Role(Enum):
    """LTI 1.3 core, A.2.3: context roles, by their full URIs."""

    LEARNER = MEMBERSHIP + "Learner"
    INSTRUCTOR = MEMBERSHIP + "Instructor"


@dataclass(frozen=True)
class Member:
    id: str  # the `sub` that the tool sees; says nothing about the person
    given_name: str
    family_name: str
    email: str
    username: str
    job: str
    role: Role
    shares_identity: bool = True

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def is_lead(self) -> bool:
        return self.role is Role.INSTRUCTOR


@dataclass(frozen=True)
class Activity:
    """A link to the tool, as a course author placed it."""

    id: str  # the resource link's id
    title: str
    description: str
    custom: dict[str, str]
    maximum: float  # of its column in the gradebook


@dataclass(frozen=True)
class Course:
    id: str
    label: str
    title: str
    sourcedid: str


SCHOOL_NAME = "Riverside School"
COURSE = Course(
    id="1",
    label="SAFEGUARDING",
    title="Staff safeguarding training",
    sourcedid="RIV-STAFF-SAFEGUARDING",
)
ACTIVITY = Activity(
    id="1",
    title="Responding to shared nudes: all-staff awareness",
    description="What every member of staff needs to know and do.",
    custom={"module": "all-staff-awareness"},
    maximum=100,
)

MEMBERS = {
    member.id: member
    for member in (
        Member(
            "3f0c71a2", "Amina", "Yusuf", "a.yusuf@riverside.example", "ayusuf",
            "Teaching assistant", Role.LEARNER,
        ),
        Member(
            "8b52d9e4", "Tomos", "Llŷr-Evans", "t.llyr-evans@riverside.example", "tllyrevans",
            "Teacher of geography", Role.LEARNER,
        ),
        Member(
            "c6e1480f", "Jo", "Marsh", "j.marsh@riverside.example", "jmarsh",
            "Midday supervisor", Role.LEARNER, shares_identity=False,
        ),
        Member(
            "e97a35d1", "Grace", "Okafor", "g.okafor@riverside.example", "gokafor",
            "Designated safeguarding lead", Role.INSTRUCTOR,
        ),
    )
}  # fmt: skip
LEARNERS = [member for member in MEMBERS.values() if member.role is Role.LEARNER]
