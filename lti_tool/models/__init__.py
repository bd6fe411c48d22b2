from lti_tool.models.launches import Context, Launch, LineItem, Membership, ResourceLink
from lti_tool.models.organisations import Nation, School, Trust
from lti_tool.models.people import LtiUser, Person
from lti_tool.models.platforms import Deployment, Family, Registration, ToolKey

__all__ = [
    "Context",
    "Deployment",
    "Family",
    "Launch",
    "LineItem",
    "LtiUser",
    "Membership",
    "Nation",
    "Person",
    "Registration",
    "ResourceLink",
    "School",
    "ToolKey",
    "Trust",
]
