"""Everything that is kept of one person as one VLE knows them: what they may see, and take with them.

Built once, then shown as a page or downloaded. Only what is theirs: of another person, of another account of
theirs, or of another tenant nothing is read.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from grading import certificates
from grading.models import Attempt, CpdRecord, Enrolment, OutgoingScore
from lti_tool import memberships
from lti_tool.models import Context, Deployment, Launch, LocalDetails, LtiUser, Membership

# That somebody administers the VLE was said by the VLE, at the launch, and is believed for so long.
ADMINISTRATOR_FOR = timedelta(hours=1)


class NotShown(Exception):
    """Somebody else's data that an administrator asked for, and why there is none to show: `too_old`, `unknown`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as their VLE says, and how they asked to be called on certificates."""

    name: str
    email: str
    staff_number: str
    certificate_name: str
    vle: str
    vle_user_id: str
    is_active: bool
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Course:
    title: str
    vle_course_id: str
    is_learner: bool
    is_lead: bool
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """How far somebody was in a step, with the choices they took in a story, also in walks that they began anew."""

    step: str
    begun_at: datetime
    done_at: datetime | None
    skipped: bool
    choices: list[str]
    earlier_walks: list[list[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """`put`: the question as it was put, with its right answer; None while the attempt is open."""

    question: str
    chosen: list[str]
    saved_at: datetime | None
    points: float | None
    put: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Go:
    """One attempt at a quiz."""

    number: int
    started_at: datetime
    submitted_at: datetime | None
    percentage: int | None
    pass_mark: int | None
    passed: bool | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Grade:
    """One grade for the VLE, and what became of it."""

    percentage: int
    comment: str
    queued_at: datetime
    state: str
    settled_at: datetime | None
    reason: str

    @property
    def words(self) -> str:
        return str(OutgoingScore.State(self.state).label)


@dataclass(frozen=True, slots=True)
class Training:
    """One activity that somebody took, in one place."""

    title: str
    course: str
    link: str
    started_at: datetime
    percentage: int | None
    passed: bool | None
    changed_at: datetime | None
    steps: tuple[Step, ...]
    attempts: tuple[Go, ...]
    grades: tuple[Grade, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A line of the register, with its personal half (empty once erased) and the certificate over it."""

    register: str
    position: int
    kind: str
    recorded_at: datetime
    facts: Mapping[str, Any]
    personal: Mapping[str, Any]
    hash: str
    certificate: str
    renew_by: date | None
    verify_url: str

    @property
    def title(self) -> str:
        return str(self.facts.get("title", ""))


@dataclass(frozen=True, slots=True)
class Visit:
    """One launch by the person: when, what for, and what the VLE sent with it."""

    at: datetime
    message: str
    course: str
    link: str
    address: str
    parameters: Mapping[str, str]
    locale: str


@dataclass(frozen=True, slots=True)
class LocalChange:
    """One time that somebody wrote or confirmed their school's details. What they wrote is the school's."""

    at: datetime
    kind: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonalData:
    """All of it, as of one moment."""

    as_of: datetime
    identity: Identity
    courses: tuple[Course, ...]
    trainings: tuple[Training, ...]
    evidence: tuple[Evidence, ...]
    visits: tuple[Visit, ...]
    # When others opened the person's result or data from the VLE.
    looked_at: tuple[datetime, ...]
    local_changes: tuple[LocalChange, ...]
    # When they were asked by e-mail to look after those details.
    reminded_at: tuple[datetime, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def grades(self) -> tuple[Grade, ...]:
        return tuple(grade for training in self.trainings for grade in training.grades)


def of(user: LtiUser, *, now: datetime, within: Deployment | None = None) -> PersonalData:
    """Everything that is kept of this account; `within` one deployment, for its administrator."""
    # A deployment is a tenant (design decision 4): its administrator learns nothing of the others'.
    in_course = {"context__deployment": within} if within else {}
    at_link = {"resource_link__deployment": within} if within else {}
    of_launch = {"deployment": within} if within else {}
    enrolments = list(
        user.enrolments.filter(**at_link)
        .select_related("activity", "resource_link__context", "result")
        .prefetch_related("progress", "attempts__answers", "scores")
        .order_by("started_at", "pk")
    )
    reminders = user.local_reminders.all()
    if within:
        reminders = reminders.filter(details__in=_led(user, within))
    launches = user.launches.filter(**of_launch).select_related("resource_link__context")
    others = Launch.objects.filter(registration=user.registration_id, about=user.sub, **of_launch)
    return PersonalData(
        as_of=now,
        identity=_identity(user),
        courses=tuple(_course(member) for member in _memberships(user, in_course)),
        trainings=tuple(_training(enrolment) for enrolment in enrolments),
        evidence=tuple(_evidence(record) for record in _records(enrolments)),
        visits=tuple(_visit(launch) for launch in launches.order_by("launched_at", "pk")),
        looked_at=tuple(
            others.exclude(lti_user=user).order_by("launched_at").values_list("launched_at", flat=True)
        ),
        local_changes=tuple(
            LocalChange(change.at, change.kind, tuple(change.fields))
            for change in user.local_changes.filter(**in_course).order_by("at", "pk")
        ),
        reminded_at=tuple(reminder.sent_at for reminder in reminders.order_by("sent_at") if reminder.sent_at),
    )


def _led(user: LtiUser, within: Deployment) -> QuerySet[LocalDetails]:
    """The local details of a deployment's courses that somebody leads, or led: which they may be asked about."""
    led = Context.objects.filter(deployment=within, memberships__in=user.memberships.filter(is_lead=True))
    return LocalDetails.objects.filter(
        Q(context__in=led) | Q(school__contexts__in=led) | Q(school__deployments__contexts__in=led)
    )


def for_administrator(launch: Launch, *, now: datetime) -> PersonalData:
    """The data of the person whom an administrator's launch is about, as far as it is of their own deployment.

    `launching` lets such a launch in only from an administrator. Raises NotShown.
    """
    if now - launch.launched_at > ADMINISTRATOR_FOR:
        raise NotShown("too_old")
    user = (
        LtiUser.objects.select_related("person", "registration")
        .filter(registration=launch.registration_id, sub=launch.about)
        .first()
    )
    if user is None or not _is_known(user, launch.deployment):
        raise NotShown("unknown")
    return of(user, now=now, within=launch.deployment)


def _is_known(user: LtiUser, deployment: Deployment) -> bool:
    """Whether somebody has anything to do with a deployment of their VLE."""
    in_it = (
        Q(memberships__context__deployment=deployment)
        | Q(enrolments__resource_link__deployment=deployment)
        | Q(launches__deployment=deployment)
    )
    return memberships.of_deployment(deployment).filter(in_it, pk=user.pk).exists()


def _identity(user: LtiUser) -> Identity:
    return Identity(
        name=user.name,
        email=user.email,
        staff_number=user.sourcedid,
        certificate_name=user.person.certificate_name,
        vle=user.registration.issuer,
        vle_user_id=user.sub,
        is_active=user.is_active,
        first_seen_at=user.created_at,
    )


def _memberships(user: LtiUser, in_course: Mapping[str, Any]) -> QuerySet[Membership]:
    return user.memberships.filter(**in_course).select_related("context").order_by("pk")


def _course(member: Membership) -> Course:
    return Course(
        title=str(member.context),
        vle_course_id=member.context.context_id,
        is_learner=member.is_learner,
        is_lead=member.is_lead,
        left_at=member.left_at,
    )


def _training(enrolment: Enrolment) -> Training:
    result = getattr(enrolment, "result", None)
    return Training(
        title=enrolment.activity.title,
        course=str(enrolment.resource_link.context),
        link=str(enrolment.resource_link),
        started_at=enrolment.started_at,
        percentage=result.percentage if result else None,
        passed=result.passed if result else None,
        changed_at=result.changed_at if result else None,
        steps=tuple(
            Step(
                step=progress.step,
                begun_at=progress.begun_at,
                done_at=progress.done_at,
                skipped=progress.skipped,
                choices=progress.choices,
                earlier_walks=progress.earlier_walks,
            )
            for progress in sorted(enrolment.progress.all(), key=lambda progress: progress.begun_at)
        ),
        attempts=tuple(
            _go(attempt) for attempt in sorted(enrolment.attempts.all(), key=lambda attempt: attempt.number)
        ),
        grades=tuple(_grade(score) for score in sorted(enrolment.scores.all(), key=lambda score: score.pk)),
    )


def _go(attempt: Attempt) -> Go:
    return Go(
        number=attempt.number,
        started_at=attempt.started_at,
        submitted_at=attempt.submitted_at,
        percentage=attempt.percentage,
        pass_mark=attempt.pass_mark,
        passed=attempt.passed,
        answers=_answers(attempt),
    )


def _answers(attempt: Attempt) -> tuple[Answer, ...]:
    saved = {answer.question_id: answer for answer in attempt.answers.all()}
    # A paper names the right answers: while it can still be answered it stays sealed.
    put = {} if attempt.is_open else {question.id: question.body for question in attempt.paper.questions}
    points = {} if attempt.mark is None else {one.question_id: one.points for one in attempt.mark.questions}
    return tuple(
        Answer(
            question=question,
            chosen=saved[question].value if question in saved else [],
            saved_at=saved[question].saved_at if question in saved else None,
            points=points.get(question),
            put=put.get(question),
        )
        for question in (put or saved)
    )


def _grade(score: OutgoingScore) -> Grade:
    return Grade(
        percentage=score.percentage,
        comment=score.comment,
        queued_at=score.queued_at,
        state=score.state,
        settled_at=score.settled_at,
        reason=score.reason,
    )


def _records(enrolments: list[Enrolment]) -> QuerySet[CpdRecord]:
    """The lines of the register about these enrolments. The register itself knows only their numbers."""
    numbers = [enrolment.pk for enrolment in enrolments]
    lines = CpdRecord.objects.filter(enrolment_number__in=numbers)
    return lines.select_related("chain", "personal", "certificate").order_by("recorded_at", "pk")


def _evidence(record: CpdRecord) -> Evidence:
    certificate = getattr(record, "certificate", None)
    return Evidence(
        register=record.chain.name,
        position=record.position,
        kind=record.kind,
        recorded_at=record.recorded_at,
        facts=record.facts,
        personal=record.personal.facts,
        hash=record.hash,
        certificate=certificate.code if certificate else "",
        renew_by=certificate.renew_by if certificate else None,
        verify_url=certificates.verify_url(certificate.code) if certificate else "",
    )


def _visit(launch: Launch) -> Visit:
    """Not its return address: in Moodle that holds a key of the VLE's session."""
    link = launch.resource_link
    return Visit(
        at=launch.launched_at,
        message=launch.message,
        course=str(link.context) if link else "",
        link=str(link) if link else "",
        address=launch.target,
        parameters=launch.custom,
        locale=launch.locale,
    )
