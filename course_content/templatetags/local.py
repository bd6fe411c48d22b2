"""What templates of a school's own details need."""

from collections.abc import Iterable

from django import template
from django.utils.translation import gettext_lazy as _

from course_content import local_places
from course_content import local_rules as rules
from course_content.local_rules import LocalRule
from lti_tool.local_details import Local

register = template.Library()

_COLUMNS = {
    "dsl_name": _("whom to tell first"),
    "dsl_phone": _("their phone"),
    "dsl_where": _("where to find them"),
    "deputies": _("the deputies"),
    "policy_url": _("the policy’s address"),
    "front_door_name": _("where a referral goes"),
    "front_door_phone": _("the phone for referrals"),
    "lado_name": _("whom to tell about an adult"),
    "lado_phone": _("the phone for that"),
    "out_of_hours_name": _("who answers out of hours"),
    "out_of_hours_phone": _("the phone out of hours"),
    "rules": _("rules that go further"),
}


@register.filter
def local_rules(local: Local) -> tuple[LocalRule, ...]:
    """The stricter rules that hold here, the trust's among them."""
    return rules.chosen(local.details.rules)


@register.filter
def column_words(columns: Iterable[str]) -> list[str]:
    return [str(_COLUMNS.get(column, column)) for column in columns]


@register.filter
def local_pieces(text: str) -> list[tuple[str, str]]:
    """A text in pieces, each with the kind of local details that follow it."""
    return list(local_places.pieces(text))
