"""The evidence: frozen at issue, with no foreign key into anything that lives on (design decision 12)."""

from django.db import models


class RegisterChain(models.Model):
    """The head of one register: a school's, or a registration's where no school is known."""

    # "school:12" or "registration:3"; a name, not a key, so that the chain outlives the row it is named after.
    name = models.CharField(max_length=100, unique=True)
    length = models.PositiveBigIntegerField(default=0)
    head = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return self.name


class CpdRecord(models.Model):
    """One line of the register: what was achieved, chained by hash to the line before in its chain.

    Nothing here is personal. `personal_hash` commits to the sibling PersonalPart, which alone may be blanked.
    """

    class Kind(models.TextChoices):
        COMPLETION = "completion", "Training completed"

    chain = models.ForeignKey(RegisterChain, models.PROTECT, related_name="lines")
    position = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=20, choices=Kind)
    # The facts of the line as they are hashed: canonical JSON of plain values, see `register`.
    facts = models.JSONField()
    personal_hash = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    # Which enrolment it came from: a number to look up, never a key that would hold the live row.
    enrolment_number = models.BigIntegerField(db_index=True)
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = "CPD record"
        constraints = [models.UniqueConstraint(fields=["chain", "position"], name="one_line_at_a_position")]

    def __str__(self) -> str:
        return f"{self.chain} line {self.position}"


class PersonalPart(models.Model):
    """The personal half of a line: who it is about. Blanked by retention or erasure, and by nothing else."""

    record = models.OneToOneField(CpdRecord, models.PROTECT, related_name="personal")
    salt = models.CharField(max_length=64)
    # {"name": …, "person": number, "sub": …, "issuer": …}; empty once erased.
    facts = models.JSONField()

    def __str__(self) -> str:
        return f"personal part of {self.record}"

    @property
    def holder_name(self) -> str:
        return str(self.facts.get("name", ""))


class Certificate(models.Model):
    """A certificate: a number that anybody may check, over one line of the register."""

    code = models.CharField(max_length=20, unique=True)
    record = models.OneToOneField(CpdRecord, models.PROTECT, related_name="certificate")
    issued_at = models.DateTimeField()
    renew_by = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return self.code
