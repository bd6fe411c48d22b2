"""What templates of taught content need beyond Django's own."""

from urllib.parse import urlsplit

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from course_content import addresses, catalogue
from course_content import markdown as clean_markdown
from course_content.journey import KINDS
from course_content.questions import AnyExercise, Option
from course_content.reviews import Answered
from course_content.schema import Module, Step
from grading.models import Enrolment

register = template.Library()

_VERDICTS = {
    "best": _("A strong choice"),
    "acceptable": _("A fair choice"),
    "poor": _("There is a better way"),
    "harmful": _("This could do harm"),
}
_FINDINGS = {
    "over-referral": _("Referred further than the facts called for"),
    "under-referral": _("Kept inside what had to be referred"),
    "delay": _("Help came later than it could have"),
    "viewing": _("An image was seen that nobody needed to see"),
    "evidence": _("What may be evidence was put at risk"),
    "confidentiality": _("Somebody was told who did not need to know"),
    "blame": _("A child could feel blamed"),
}
_DECISIONS = {
    "refer": _("Refer it now"),
    "find-out": _("Find out first: this is not yet a case to handle without a referral"),
    "in-school": _("It may be handled here, without a referral"),
}
_ANSWERS = {"yes": _("Yes"), "no": _("No"), "not-known": _("Not known yet")}
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
    "elsewhere": _("Outside the UK"),
    "international": _("Outside the UK"),
    "anywhere": _("Any nation"),
    "england-and-wales": _("England and Wales"),
    "uk": _("the UK"),
}
_INITIALS = {"ai"}
_AUDIENCES = {
    "school": _("School staff"),
    "college": _("College staff"),
    "early-years": _("Early years staff"),
    "youth-work": _("Youth workers"),
    "police": _("Police"),
    "social-care": _("Social care"),
    "health": _("Health"),
    "governor": _("Governors and trustees"),
    "parent": _("Parents and carers"),
}
_HOW = {
    "single": _("Choose one answer."),
    "multiple": _("Choose all that are right."),
    "reasoned": _("Say whether it is true or false, and choose the reason."),
    "spotting": _("Choose each line that went wrong."),
    "sorting": _("Put every card in a pile."),
    "matching": _("Choose a partner for every line. Each partner is used once at most."),
    "confidence": _("This is for you. It is kept, but not marked."),
    "position": _("Choose one. It is kept, but not marked; then you see what others may say."),
}


@register.filter
def how_to_answer(question: AnyExercise) -> str:
    if question.kind == "ordering":
        words = gettext("Give each item its place, from 1 (first) to %(last)s (last).")
        return words % {"last": len(question.options)}
    return str(_HOW[question.kind])


@register.filter
def missed(one: Answered) -> list[Option]:
    """What belongs to the right answer and was not chosen."""
    return [option for option in one.right_answer if option not in one.chosen]


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
def finding_words(kind: str) -> str:
    return str(_FINDINGS[kind])


@register.filter
def decision_words(decision: str) -> str:
    return str(_DECISIONS[decision])


@register.filter
def answer_words(answer: str) -> str:
    return str(_ANSWERS[answer])


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
def module_title(slug: str) -> str:
    """The title of a module, or its slug where this server does not teach it."""
    try:
        return catalogue.get_module(slug).title
    except catalogue.ModuleNotFound:
        return slug


@register.filter
def dialled(phone: str) -> str:
    """A number as a telephone takes it."""
    return phone.replace(" ", "")


@register.filter
def host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


@register.simple_tag(takes_context=True)
def in_language(context: Context, language: str = "") -> str:
    """The `lang` of an element that holds a pack's own words, where the page around it is in another language:
    this one, or that of the page's module or paper.
    """
    module, attempt = context.get("module"), context.get("attempt")
    if not language and module:
        language = module.language
    elif not language and attempt:
        language = attempt.module_data.get("language", "")
    page = (get_language() or "en")[:2]
    return format_html(' lang="{}"', language) if language not in {"", page} else ""


@register.inclusion_tag("_helplines.html", takes_context=True)
def helplines(context: Context) -> dict[str, object]:
    """Where to turn, for whoever reads this page: those of the module they are in, else the usual ones."""
    module = context.get("module") or _module_here(context)
    return {
        "module": module,
        "shown": module.helplines[:4] if module else (),
        "more": module.helplines[4:] if module else (),
    }


def _module_here(context: Context) -> Module | None:
    """The module of the page's enrolment or attempt, where it can be shown."""
    attempt = context.get("attempt")
    enrolment = attempt.enrolment if attempt else context.get("enrolment")
    if enrolment is None:
        return None
    try:
        return catalogue.taught_by(enrolment.activity)
    except catalogue.ModuleNotFound:
        return None


@register.filter
def kind_name(kind: str) -> str:
    return str(KINDS[kind])


@register.simple_tag
def step_url(enrolment: Enrolment, step: Step) -> str:
    return addresses.step_url(enrolment, step)
