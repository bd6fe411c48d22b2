from lti_tool.models.launches import (
    Context,
    DeepLinkingRequest,
    Launch,
    LineItem,
    Membership,
    ResourceLink,
    Roster,
)
from lti_tool.models.local import LocalDetails, LocalDetailsChange, LocalReminder
from lti_tool.models.organisations import Nation, School, Trust
from lti_tool.models.people import LtiUser, Person
from lti_tool.models.platforms import (
    ConnectionTally,
    Deployment,
    Family,
    Invitation,
    Registration,
    ToolKey,
)

__all__ = [
    "ConnectionTally",
    "Context",
    "DeepLinkingRequest",
    "Deployment",
    "Family",
    "Invitation",
    "Launch",
    "LineItem",
    "LocalDetails",
    "LocalDetailsChange",
    "LocalReminder",
    "LtiUser",
    "Membership",
    "Nation",
    "Person",
    "Registration",
    "ResourceLink",
    "Roster",
    "School",
    "ToolKey",
    "Trust",
]
