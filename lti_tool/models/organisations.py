"""Trusts and schools: whose staff are trained, and whose register the evidence goes into."""

from django.db import models


class Nation(models.TextChoices):
    """Where the law and the guidance differ."""

    ENGLAND = "england", "England"
    WALES = "wales", "Wales"
    SCOTLAND = "scotland", "Scotland"
    NORTHERN_IRELAND = "northern-ireland", "Northern Ireland"
    ELSEWHERE = "elsewhere", "Elsewhere"


class Trust(models.Model):
    """A group of schools that answers for all of them."""

    name = models.CharField(max_length=200, unique=True)

    def __str__(self) -> str:
        return self.name


class School(models.Model):
    """A school, college or setting. One trust VLE may serve many of them."""

    name = models.CharField(max_length=200)
    trust = models.ForeignKey(Trust, models.PROTECT, null=True, blank=True, related_name="schools")
    nation = models.CharField(max_length=20, choices=Nation, default=Nation.ENGLAND)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trust", "name"], name="school_name_in_trust")]

    def __str__(self) -> str:
        return self.name
