"""What launches tell: courses, links, who is in them with which roles, and each launch itself."""

from django.db import models


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


class Membership(models.Model):
    """Somebody in a course, with the roles the last launch gave: set and unset, never only added."""

    context = models.ForeignKey(Context, models.PROTECT, related_name="memberships")
    lti_user = models.ForeignKey("LtiUser", models.PROTECT, related_name="memberships")
    is_learner = models.BooleanField(default=False)
    is_lead = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["context", "lti_user"], name="membership_of_user_in_context")
        ]

    def __str__(self) -> str:
        return f"{self.lti_user} in {self.context}"


class Launch(models.Model):
    """One verified launch. The row is the nonce: a replay loses by constraint (design decision 2)."""

    registration = models.ForeignKey("Registration", models.PROTECT, related_name="launches")
    nonce = models.CharField(max_length=64)
    lti_user = models.ForeignKey("LtiUser", models.PROTECT, related_name="launches")
    resource_link = models.ForeignKey(ResourceLink, models.PROTECT, related_name="launches")
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

    def __str__(self) -> str:
        return f"Launch {self.pk}"
