"""The school that is shown: invented people, and the course and activity that it starts with.

They are constants, so a fresh data folder shows the tool the same people under the same ids.
"""

from dataclasses import dataclass

from django.db.models import TextChoices

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


class Role(TextChoices):
    """LTI 1.3 core, A.2.3: context roles, by their last word."""

    LEARNER = "Learner", "Student"
    INSTRUCTOR = "Instructor", "Teacher"

    @property
    def uri(self) -> str:
        return MEMBERSHIP + self.value


@dataclass(frozen=True)
class Member:
    """Somebody with an account in the VLE."""

    id: str  # the `sub` that the tool sees; says nothing about the person
    given_name: str
    family_name: str
    email: str
    username: str
    job: str
    first_role: Role | None  # in the first course, when the VLE is new
    shares_identity: bool = True

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def sourcedid(self) -> str:
        return f"RIV-{self.id}"

    @property
    def is_admin(self) -> bool:
        """The VLE's administrator is in no course and may do everything in all of them."""
        return self.first_role is None


SCHOOL_NAME = "Riverside School"
FIRST_COURSE = {
    "label": "SAFEGUARDING",
    "title": "Staff safeguarding training",
    "sourcedid": "RIV-STAFF-SAFEGUARDING",
}
FIRST_ACTIVITY = {
    "title": "Responding to shared nudes: all-staff awareness",
    "description": "What every member of staff needs to know and do. About 20 minutes.",
    "custom": {"module": "all-staff-awareness"},
}
HIGHEST_GRADE = 100  # of a column that the VLE makes by itself

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
        Member(
            "5d18b6c3", "Piotr", "Nowak", "p.nowak@riverside.example", "pnowak",
            "IT manager", None,
        ),
    )
}  # fmt: skip
