"""What somebody is in a course, and so what they may do there."""

from dataclasses import dataclass

from deploy.demo_vle.models import Course, Membership
from deploy.demo_vle.school import MEMBERS, Member, Role

INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"
ADMIN_ROLES = [INSTITUTION + "Administrator", SYSTEM + "Administrator"]


@dataclass(frozen=True)
class Standing:
    member: Member
    course: Course
    membership: Membership | None

    @property
    def may_open(self) -> bool:
        return self.teaches or self._plays(Role.LEARNER)

    @property
    def teaches(self) -> bool:
        return self.member.is_admin or self._plays(Role.INSTRUCTOR)

    @property
    def in_words(self) -> str:
        if self.member.is_admin:
            return "Administrator of the VLE"
        if self.membership is None:
            return "Not in this course"
        if self.membership.status == Membership.Status.INACTIVE:
            return "Suspended from this course"
        return "Leads this course" if self.teaches else "Takes this course"

    @property
    def role_uris(self) -> list[str]:
        """As Moodle's: the administrator comes as a teacher who also runs the place."""
        if self.member.is_admin:
            return [Role.INSTRUCTOR.uri, *ADMIN_ROLES]
        return [Role(self.membership.role).uri] if self.membership else []

    def _plays(self, role: Role) -> bool:
        membership = self.membership
        return (
            membership is not None
            and membership.role == role
            and membership.status == Membership.Status.ACTIVE
        )


def standing_of(member: Member, course: Course) -> Standing:
    return Standing(member, course, course.memberships.filter(member_id=member.id).first())


def standings_in(course: Course) -> list[Standing]:
    """Everybody with an account, in the course or not."""
    memberships = {membership.member_id: membership for membership in course.memberships.all()}
    return [Standing(member, course, memberships.get(member.id)) for member in MEMBERS.values()]


def learners_of(course: Course) -> list[Member]:
    """Who has a row in the gradebook; a suspension does not take it away."""
    return [membership.member for membership in course.memberships.filter(role=Role.LEARNER)]
