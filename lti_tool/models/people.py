"""Who is who: a Person is a human; an LtiUser is that human as one registration knows them."""

from django.db import models
from django.utils.translation import gettext as _


def display_name(pk: int, name: str) -> str:
    """What a lead sees: a name, or a stable label for somebody the VLE does not name."""
    return name or _("Unnamed member of staff %(number)s") % {"number": pk}


class Person(models.Model):
    """A human across VLEs.

    Nobody is linked by e-mail or name without proof (design decision 5): each LtiUser begins with a Person of
    its own.
    """

    # What the person asked to be called on a certificate; asked once, when the VLE shares no name.
    certificate_name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Person {self.pk}"


class LtiUser(models.Model):
    """A `sub` of one registration: the only key anybody signs in by."""

    registration = models.ForeignKey("Registration", models.PROTECT, related_name="users")
    sub = models.CharField(max_length=255)
    person = models.ForeignKey(Person, models.PROTECT, related_name="lti_users")
    # Empty when the VLE shares no personal data.
    name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=254, blank=True)
    sourcedid = models.CharField(max_length=255, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "VLE user"
        constraints = [
            models.UniqueConstraint(fields=["registration", "sub"], name="lti_user_sub_in_registration")
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def certificate_name(self) -> str:
        """The name a certificate would carry; empty when neither the VLE nor the person has given one."""
        return self.person.certificate_name or self.name

    @property
    def display_name(self) -> str:
        return display_name(self.pk, self.certificate_name)
