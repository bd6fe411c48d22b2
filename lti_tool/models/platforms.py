"""The other side: which VLEs may launch us, from which installations, and the keys we sign with."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class Family(models.TextChoices):
    """A VLE's make. What follows from it lives in `platform_quirks`, nowhere else."""

    MOODLE = "moodle", "Moodle"
    CANVAS = "canvas", "Canvas"
    BRIGHTSPACE = "brightspace", "Brightspace"
    BLACKBOARD = "blackboard", "Blackboard"
    SAKAI = "sakai", "Sakai"
    GENERIC = "generic", "Another LTI Advantage platform"


class Registration(models.Model):
    """Our client registration at a platform: (issuer, client_id), with the platform's endpoints.

    `iss` alone is no tenant: every hosted Canvas shares one.
    """

    name = models.CharField(
        max_length=200, blank=True, help_text="How you call this VLE, for your own lists."
    )
    family = models.CharField(max_length=20, choices=Family, default=Family.GENERIC)
    issuer = models.CharField("issuer (platform ID)", max_length=255)
    client_id = models.CharField("client ID", max_length=255)
    auth_url = models.URLField("authentication request URL", max_length=500)
    token_url = models.URLField("access token URL", max_length=500)
    jwks_url = models.URLField("public keyset URL", max_length=500)
    token_audience = models.CharField(
        max_length=500,
        blank=True,
        help_text="Only where the VLE wants another audience than its token URL (Brightspace does).",
    )
    frame_hosts = models.CharField(
        max_length=1000,
        blank=True,
        help_text="Further addresses of this VLE, separated by spaces, such as a vanity domain: their pages may "
        "show the training, and grades may be sent to them.",
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "client_id"], name="registration_client_of_issuer")
        ]

    def __str__(self) -> str:
        return self.name or f"{self.issuer} ({self.client_id})"


class Deployment(models.Model):
    """One installation of the tool in a platform: the tenant is (issuer, client_id, deployment_id).

    One that we have not met arrives as pending and lets nobody in until an admin accepts it.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting for an admin"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"

    registration = models.ForeignKey(Registration, models.PROTECT, related_name="deployments")
    deployment_id = models.CharField("deployment ID", max_length=255)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    school = models.ForeignKey(
        "School",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="deployments",
        help_text="The school its courses belong to unless a course says otherwise.",
    )
    first_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["registration", "deployment_id"], name="deployment_id_in_registration"
            )
        ]

    def __str__(self) -> str:
        return f"{self.registration}: {self.deployment_id}"


class ToolKey(models.Model):
    """A signing key of ours. Several are published at once; of those whose time has come the newest signs."""

    kid = models.CharField(max_length=64, unique=True)
    # PEM, encrypted with KEY_ENCRYPTION_KEYS: a stolen database signs nothing.
    encrypted_private_key = models.BinaryField()
    public_jwk = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    # VLEs keep a copy of our key set: a key is published some time before it signs.
    signs_from = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.kid


class Invitation(models.Model):
    """A link that lets a VLE's admin connect it, once, within its time."""

    # sha256 of the token: whoever reads the database can invite nobody.
    token_hash = models.CharField(max_length=64, unique=True)
    name = models.CharField(
        max_length=200, blank=True, help_text="How you call the VLE that will be connected."
    )
    school = models.ForeignKey(
        "School",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="invitations",
        help_text="The school that the VLE's courses belong to.",
    )
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    # Without a registration it is being used at this moment.
    used_at = models.DateTimeField(null=True, blank=True)
    # What it connected. One registration may be brought up to date by a second invitation, and a Blackboard
    # registration serves many schools.
    registration = models.ForeignKey(
        Registration, models.PROTECT, null=True, blank=True, related_name="invitations"
    )

    def __str__(self) -> str:
        return self.name or f"Invitation {self.pk}"


class ConnectionTally(models.Model):
    """How often something happened on a connection on one day, for its page in the admin site.

    One row a day for each kind and reason, however often: a flood fills no table.
    """

    class Kind(models.TextChoices):
        LAUNCH = "launch", "Launches"
        SCORE = "score", "Grades"
        ROSTER = "roster", "Rosters"

    registration = models.ForeignKey(Registration, models.CASCADE, related_name="tallies")
    day = models.DateField()
    kind = models.CharField(max_length=10, choices=Kind)
    # Empty: it worked.
    reason = models.CharField(max_length=60, blank=True)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "connection tallies"
        constraints = [
            models.UniqueConstraint(
                fields=["registration", "day", "kind", "reason"], name="tally_of_reason_on_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.registration} {self.day} {self.kind} {self.reason or 'worked'}: {self.count}"
