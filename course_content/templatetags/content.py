"""What templates of taught content need beyond Django's own."""

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from course_content import addresses
from course_content import markdown as clean_markdown
from course_content.journey import KINDS
from course_content.schema import Step
from grading.models import Enrolment

register = template.Library()

_VERDICTS = {
    "best": _("A strong choice"),
    "acceptable": _("A fair choice"),
    "poor": _("There is a better way"),
    "harmful": _("This could do harm"),
}
_OUTCOMES = {
    "good": _("This ends well"),
    "mixed": _("This ends with some harm that could have been avoided"),
    "poor": _("This ends badly"),
}
_NATIONS = {
    "england": _("England"),
    "wales": _("Wales"),
    "scotland": _("Scotland"),
    "northern-ireland": _("Northern Ireland"),
    "england-and-wales": _("England and Wales"),
    "uk": _("the UK"),
}
_INITIALS = {"ai"}
_AUDIENCES = {
    "school": _("School staff"),
}


@register.filter
def markdown(text: str) -> SafeString:
    """A pack's Markdown as clean HTML."""
    return clean_markdown.render(text)


@register.filter
def verdict_words(verdict: str) -> str:
    return str(_VERDICTS[verdict])


@register.filter
def outcome_words(outcome: str) -> str:
    return str(_OUTCOMES[outcome])


@register.filter
def nation_name(nation: str) -> str:
    return str(_NATIONS.get(nation, nation))


@register.filter
def audience_name(audience: str) -> str:
    return str(_AUDIENCES.get(audience, audience))


@register.filter
def topic_name(topic: str) -> str:
    """A question's topic, which is a slug, in words."""
    words = topic.replace("-", " ")
    return words.upper() if words in _INITIALS else words.capitalize()


@register.filter
def kind_name(kind: str) -> str:
    return str(KINDS[kind])


@register.simple_tag
def step_url(enrolment: Enrolment, step: Step) -> str:
    return addresses.step_url(enrolment, step)
