"""The rules that a school may add to the nation's: a fixed list, each of which only adds a duty.

Nobody can write one, so none can loosen anything. Those that `asks` may stand at a trigger of a risk assessment,
which then is asked in schools that chose the rule, and whose yes is one more way to a referral. The words are said
to staff of every nation, so they name nobody by a title that only one nation has.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _

# The rules that a trigger may name.
AskedRule = Literal["under-13-referred", "passed-on-referred", "again-referred", "needs-referred"]


@dataclass(frozen=True, slots=True)
class LocalRule:
    """`duty` is what staff read, and what a lead chooses."""

    id: str
    duty: Any
    asks: bool = False


RULES = (
    LocalRule("under-13-referred", _("Every case with a child under 13 is referred."), asks=True),
    LocalRule("passed-on-referred", _("Every case in which an image was passed on is referred."), asks=True),
    LocalRule("again-referred", _("A second case with the same child is referred."), asks=True),
    LocalRule(
        "needs-referred",
        _("Every case with a child who is disabled, or needs extra help to learn, is referred."),
        asks=True,
    ),
    LocalRule("advice-taken", _("Social workers are asked for advice on every case.")),
    LocalRule("two-decide", _("Two people decide every case together, and both sign the record.")),
    LocalRule("head-told", _("Whoever is in charge here is told of every case on the same day.")),
    LocalRule("same-day-record", _("The record is written on the same day, before anybody goes home.")),
    LocalRule(
        "nobody-views",
        _("Nobody here looks at an image on purpose. If somebody would have to, the police are asked."),
    ),
    LocalRule("looked-at-again", _("Every case is looked at again within two weeks.")),
)


def chosen(ids: Collection[str]) -> tuple[LocalRule, ...]:
    """The rules of these ids, in their order here. An id of no rule says nothing."""
    return tuple(rule for rule in RULES if rule.id in ids)
