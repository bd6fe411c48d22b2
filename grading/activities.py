"""Activities and the links they belong to: placed by an author, made by a link's parameters, or copied.

Each link has an activity of its own, so that a copied course's results and settings are its own. A link says
which activity is meant by the id that deep linking gave it, and that id is copied with the link.
"""

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from grading.models import Activity, Enrolment
from lti_tool.models import Context, Deployment, ResourceLink


@dataclass(frozen=True, slots=True)
class Settings:
    """What a course author decides of a module that they place."""

    title: str
    nation: str
    audience: str
    pass_mark: int
    attempts_allowed: int | None = None
    keeps: str = Activity.Keeps.BEST
    due_at: datetime | None = None

    @classmethod
    def of(cls, activity: Activity) -> "Settings":
        return cls(**{field.name: getattr(activity, field.name) for field in fields(cls)})


def at(link: ResourceLink, *, module: str, settings: Settings) -> Activity:
    """The activity of a link that names none: made once, with these settings. From then on they are its own."""
    made, _ = Activity.objects.get_or_create(
        resource_link=link, defaults={"deployment": link.deployment, "module": module, **asdict(settings)}
    )
    return made


def place(
    pk: UUID, *, deployment: Deployment, course: Context | None, module: str, settings: Settings
) -> Activity:
    """An activity whose link is still to come. Placed again under the same id it takes the new settings, as long
    as no link has it.
    """
    made, is_new = Activity.objects.get_or_create(
        pk=pk,
        defaults={"deployment": deployment, "placed_in": course, "module": module, **asdict(settings)},
    )
    if not is_new and Activity.objects.filter(pk=pk, resource_link=None).update(**asdict(settings)):
        made.refresh_from_db()
    return made


def named(pk: UUID, link: ResourceLink) -> Activity | None:
    """The activity with this id, if the link's tenant may use it (design decision 13): one of its own deployment,
    or of another deployment of the same trust.
    """
    known = Activity.objects.select_related(
        "deployment__school", "placed_in__school", "resource_link__context__school"
    )
    activity = known.filter(pk=pk).first()
    if activity is None or activity.deployment_id == link.deployment_id:
        return activity
    trust = _trust(link.context, link.deployment)
    shared = trust is not None and trust == _trust(activity.course, activity.deployment)
    return activity if shared else None


def _trust(course: Context | None, deployment: Deployment) -> int | None:
    school = (course.school if course else None) or deployment.school
    return school.trust_id if school else None


def stands_for(own: Activity, named: Activity) -> bool:
    """Whether a link that names one activity means its own: that is the one named, a copy of it, or has taken its
    settings.
    """
    return named.pk in (own.pk, own.copied_from_id) or named.copied_from_id == own.pk


@transaction.atomic
def settle(link: ResourceLink, named: Activity, *, is_copy: bool = False, now: datetime) -> Activity:
    """Make the activity that a link names the link's own, or a copy of it.

    - It becomes the link's where no link has it, it was placed in the link's course, and nobody has begun it
      elsewhere. Where the VLE did not say in which course it was placed, that is any link's but one that the VLE
      calls a copy (`is_copy`).
    - Otherwise it belongs to the link that this one was copied from, and this one gets a copy: the same settings
      (but no due date that has passed), nobody's results.
    - A link that has a copy of it already keeps that.
    - A link whose author has chosen the same module again keeps its activity, which takes the new settings once:
      nobody begins anew for another pass mark. Another module's activity takes the link over; what people did in
      the one before stays with it, and the lead's page goes on showing both.
    """
    # One at a time for each link; of two links that name one activity the conditional update lets one have it.
    # `no_key`: launches that refer to the link need not wait.
    ResourceLink.objects.select_for_update(no_key=True).get(pk=link.pk)
    own = Activity.objects.filter(resource_link=link).first()
    if own is not None and stands_for(own, named):
        return own
    begun_elsewhere = Enrolment.objects.filter(activity=OuterRef("pk")).exclude(resource_link=link)
    placed_here = Q(placed_in=link.context_id)
    free = Activity.objects.filter(
        placed_here if is_copy else placed_here | Q(placed_in=None),
        ~Exists(begun_elsewhere),
        pk=named.pk,
        deployment=link.deployment_id,
        resource_link=None,
    )
    if own is not None and own.module == named.module and free.update(copied_from=own):
        Activity.objects.filter(pk=own.pk).update(**asdict(Settings.of(named)))
        return Activity.objects.get(pk=own.pk)
    Activity.objects.filter(resource_link=link).update(resource_link=None)
    if free.update(resource_link=link):
        return Activity.objects.get(pk=named.pk)
    settings = Settings.of(named)
    if named.due_at is not None and named.due_at <= now:
        settings = replace(settings, due_at=None)  # last year's
    return Activity.objects.create(
        deployment=link.deployment,
        resource_link=link,
        placed_in=link.context,
        copied_from=named,
        module=named.module,
        **asdict(settings),
    )
