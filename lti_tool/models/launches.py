"""What launches tell: courses, links, who is in them with which roles, and each launch itself."""

from django.db import models
from django.db.models import Q


class Context(models.Model):
    """A course (LTI `context`). A launch without one gets a course of its own link, see `launching`."""

    deployment = models.ForeignKey("Deployment", models.PROTECT, related_name="contexts")
    context_id = models.CharField(max_length=255)
    title = models.CharField(max_length=255, blank=True)
    school = models.ForeignKey(
        "School",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="contexts",
        help_text="Only where it differs from the deployment's school.",
    )

    class Meta:
        verbose_name = "course"
        constraints = [
            models.UniqueConstraint(fields=["deployment", "context_id"], name="context_id_in_deployment")
        ]

    def __str__(self) -> str:
        return self.title or self.context_id


class ResourceLink(models.Model):
    """A link in a course. Its id is unique within the deployment (LTI 1.3 core §5.3.5)."""

    context = models.ForeignKey(Context, models.PROTECT, related_name="resource_links")
    deployment = models.ForeignKey("Deployment", models.PROTECT, related_name="resource_links")
    resource_link_id = models.CharField(max_length=255)
    title = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["deployment", "resource_link_id"], name="resource_link_id_in_deployment"
            )
        ]

    def __str__(self) -> str:
        return self.title or self.resource_link_id


class LineItem(models.Model):
    """Where a link's scores go: the gradebook column as the AGS claim named it, or as we found or made it."""

    resource_link = models.OneToOneField(ResourceLink, models.PROTECT, related_name="line_item")
    # Empty until known: Moodle leaves the claim out when a link has no column, or two.
    url = models.URLField(max_length=1000, blank=True)
    container_url = models.URLField(max_length=1000, blank=True)
    scopes = models.JSONField(default=list)
    # Held by whoever is finding or making the column right now, so that nobody makes a second one.
    leased_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.url or f"unknown column of {self.resource_link}"


class Roster(models.Model):
    """Where a course's list of members is read (NRPS), and when that was last done. The row is the queue."""

    context = models.OneToOneField(Context, models.PROTECT, related_name="roster")
    url = models.URLField(max_length=1000)
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    # While a worker reads it. A worker that dies loses it to the next one when the lease runs out.
    leased_until = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    synced_at = models.DateTimeField(null=True, blank=True)
    members = models.PositiveIntegerField(null=True, blank=True)
    # What went wrong last: a code of `lti_tool.nrps`. The words are `troubles`'s.
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"Roster of {self.context}"


class MembershipQuerySet(models.QuerySet["Membership"]):
    def leading(self) -> "MembershipQuerySet":
        """Of those who lead their course now."""
        return self.filter(is_lead=True, left_at=None)


class Membership(models.Model):
    """Somebody in a course, with the roles the last launch or roster gave: set and unset, never only added."""

    context = models.ForeignKey(Context, models.PROTECT, related_name="memberships")
    lti_user = models.ForeignKey("LtiUser", models.PROTECT, related_name="memberships")
    is_learner = models.BooleanField(default=False)
    is_lead = models.BooleanField(default=False)
    # Since when the roster does not list them, or not as active. Their record stays; a launch brings them back.
    left_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["context", "lti_user"], name="membership_of_user_in_context")
        ]

    def __str__(self) -> str:
        return f"{self.lti_user} in {self.context}"


class Launch(models.Model):
    """One verified launch. The row is the nonce: a replay loses by constraint (design decision 2)."""

    class Message(models.TextChoices):
        RESOURCE_LINK = "LtiResourceLinkRequest", "Opening a link"
        DEEP_LINKING = "LtiDeepLinkingRequest", "Choosing content"
        SUBMISSION_REVIEW = "LtiSubmissionReviewRequest", "Reviewing a result"
        DATA_PRIVACY = "LtiDataPrivacyLaunchRequest", "Personal data"

    registration = models.ForeignKey("Registration", models.PROTECT, related_name="launches", db_index=False)
    # Never looked up by it: an index would only slow launches down.
    deployment = models.ForeignKey("Deployment", models.PROTECT, related_name="+", db_index=False)
    message = models.CharField(max_length=30, choices=Message, default=Message.RESOURCE_LINK)
    nonce = models.CharField(max_length=64)
    lti_user = models.ForeignKey("LtiUser", models.PROTECT, related_name="launches")
    # Choosing content and personal data are of no link.
    resource_link = models.ForeignKey(
        ResourceLink, models.PROTECT, null=True, blank=True, related_name="launches"
    )
    # The `sub` of somebody else whom the launch is about: whose result is reviewed, whose data is asked for.
    about = models.CharField(max_length=255, blank=True)
    custom = models.JSONField(default=dict)
    target = models.CharField(max_length=500, help_text="Path and query of the target_link_uri.")
    locale = models.CharField(max_length=20, blank=True)
    return_url = models.CharField(max_length=2000, blank=True)
    launched_at = models.DateTimeField()
    # Set when the one-use link into a new tab was used (blocked cookies, design decision 3).
    handed_over_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "launches"
        constraints = [
            models.UniqueConstraint(fields=["registration", "nonce"], name="launch_nonce_used_once")
        ]
        indexes = [
            models.Index(fields=["registration", "launched_at"], name="launches_of_registration"),
            # Who has looked at somebody's result or data: few launches, so a small index.
            models.Index(
                fields=["registration", "about"], condition=~Q(about=""), name="launches_about_somebody"
            ),
        ]

    def __str__(self) -> str:
        return f"Launch {self.pk}"

    @property
    def link(self) -> ResourceLink:
        """The link that was opened: of messages that are of a link."""
        assert self.resource_link is not None
        return self.resource_link


class DeepLinkingRequest(models.Model):
    """What a VLE asks of somebody who chooses content, and where the answer goes (Deep Linking 2.0 §3.3)."""

    launch = models.OneToOneField(
        Launch, models.PROTECT, primary_key=True, related_name="deep_linking_request"
    )
    # The course whose author is choosing; a VLE may leave it out.
    context = models.ForeignKey(
        Context, models.PROTECT, null=True, blank=True, related_name="deep_linking_requests"
    )
    return_url = models.CharField(max_length=2000)
    # Opaque; goes back as it came.
    data = models.TextField(blank=True)
    accept_types = models.JSONField(default=list)
    accept_targets = models.JSONField(default=list)
    accept_multiple = models.BooleanField(default=False)
    # None: the VLE does not say whether it takes line items.
    accept_line_item = models.BooleanField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Choice of {self.launch}"
