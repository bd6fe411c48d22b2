"""What templates of authors' pages need: right answers, conditions, and where a statement stands."""

from collections.abc import Iterable
from typing import Any

from django import template

from course_content import local_rules
from course_content.graph import condition_words
from course_content.questions import Card, MatchingQuestion, Option, SortingQuestion, Target
from course_content.stories import Condition, DebriefFinding, Fact, Scenario

register = template.Library()

_STANDINGS = {
    "same": "The same",
    "differs": "Differs",
    "only here": "Only in this variant",
    "only there": "Only in the other",
}


@register.filter
def right_order(question: Any) -> list[Option]:
    """The options of an ordering question as they belong."""
    return [question.option(option_id) for option_id in question.answer]


@register.filter
def placed(question: SortingQuestion | MatchingQuestion) -> list[tuple[Card, str]]:
    """Each card with where it belongs."""
    targets = {target.id: target.text for target in question.targets}
    return [(card, targets.get(card.goes_to, card.goes_to)) for card in question.cards]


@register.filter
def spare(question: SortingQuestion | MatchingQuestion) -> list[Target]:
    """Where no card belongs."""
    used = {card.goes_to for card in question.cards}
    return [target for target in question.targets if target.id not in used]


@register.filter
def condition(when: Condition | None) -> str:
    return condition_words(when)


@register.filter
def facts_of(scenario: Scenario, ids: Iterable[str]) -> list[Fact]:
    """The facts that something brings to light."""
    return [fact for fact in scenario.facts if fact.id in set(ids)]


@register.filter
def facts_at(scenario: Scenario, stage: int) -> list[Fact]:
    return [fact for fact in scenario.facts if fact.stage == stage]


@register.filter
def finding_of(scenario: Scenario, finding_id: str) -> DebriefFinding | None:
    return next((finding for finding in scenario.findings if finding.id == finding_id), None)


@register.filter
def option_words(options: Iterable[Option], option_id: str) -> str:
    """An option by its id, in words."""
    return next((option.text for option in options if option.id == option_id), option_id)


@register.filter
def duty_of(rule_id: str) -> str:
    """A school's own rule, in words."""
    return " ".join(str(rule.duty) for rule in local_rules.chosen([rule_id]))


@register.filter
def standing_words(standing: str) -> str:
    return _STANDINGS[standing]
