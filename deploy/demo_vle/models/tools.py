"""The tools that the VLE knows."""

from urllib.parse import urlsplit

from django.db import models
from django.utils import timezone


class Message(models.TextChoices):
    """What a launch asks of the tool; the labels say it to the VLE's administrator."""

    RESOURCE_LINK = "LtiResourceLinkRequest", "activities in courses"
    DEEP_LINKING = "LtiDeepLinkingRequest", "choosing what to add to a course"
    SUBMISSION_REVIEW = "LtiSubmissionReviewRequest", "looking at somebody's work from the gradebook"
    DATA_PRIVACY = "LtiDataPrivacyLaunchRequest", "people's own data"


def origin_of(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


class Tool(models.Model):
    """One registration of a tool, with its one deployment."""

    client_id = models.CharField(max_length=64, unique=True)
    deployment_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    # As in Moodle, what registered itself waits until the administrator has looked at it.
    is_active = models.BooleanField(default=False)
    login_url = models.TextField()
    jwks_url = models.TextField()
    target_link_uri = models.TextField()
    redirect_uris = models.JSONField()  # a list of text, matched to the letter
    messages = models.JSONField(default=dict)  # message type → its own target, "" for the tool's
    scopes = models.JSONField(default=list)
    claims = models.JSONField(default=list)  # of a person's identity, those that the tool is given
    custom = models.JSONField(default=dict)
    registered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    @property
    def origin(self) -> str:
        return origin_of(self.login_url)

    @property
    def origins(self) -> set[str]:
        """Where a launch may go, and so what our pages may frame and send forms to."""
        return {origin_of(url) for url in (self.login_url, self.target_link_uri, *self.redirect_uris)}

    @property
    def message_labels(self) -> list[str]:
        return [Message(message).label for message in self.messages]

    def takes(self, message: Message) -> bool:
        return message in self.messages

    def target_of(self, message: Message) -> str:
        return self.messages.get(message) or self.target_link_uri
