"""One question on a page, answered: of a quiz, or of an exercise in a lesson.

Radios, checkboxes and lists only, so that each kind works by keyboard, on a phone and without a script.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from course_content import marking
from course_content.forms import NOT_ON_OFFER
from course_content.questions import (
    AnyExercise,
    Confidence,
    MatchingQuestion,
    Option,
    OrderingQuestion,
    Position,
    ReasonedQuestion,
    SingleQuestion,
    SortingQuestion,
    Target,
    Unmarked,
)
from grading.forms import Problems

Fields = dict[str, forms.Field]

_NOTHING_CHOSEN = {
    "confidence": _("Choose how sure you are."),
    "position": _("Choose what you would decide."),
}


class AnswerForm(forms.Form):
    """One question. `saved` is the answer kept so far; `prefix` tells several on one page apart."""

    def __init__(
        self,
        data: Any,
        *,
        question: AnyExercise,
        saved: Sequence[str] = (),
        prefix: str | None = None,
    ) -> None:
        super().__init__(data, prefix=prefix)
        self.question = question
        self.fields.update(_fields(question, saved))

    @property
    def rows(self) -> list[forms.BoundField]:
        """The fields of a question that asks once for each of its items, in the order shown."""
        return list(self)

    @property
    def problems(self) -> Problems:
        """Each error with the id of the field to mend: the first that has none, or else the first of all."""
        empty = (name for name, field in self.fields.items() if not self[name].data)
        name = next(empty, next(iter(self.fields)))
        mend = self[name].auto_id
        if not isinstance(self.fields[name].widget, forms.Select) or isinstance(
            self.fields[name].widget, forms.RadioSelect
        ):
            mend += "_0"
        return [(mend, message) for messages in self.errors.values() for message in messages]

    def clean(self) -> dict[str, Any]:
        """Adds `value`: the answer as it may be stored."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        value = _value(self.question, cleaned)
        if isinstance(self.question, Unmarked):
            if not value:
                raise forms.ValidationError(_NOTHING_CHOSEN[self.question.kind])
            return {**cleaned, "value": value}
        try:
            return {**cleaned, "value": marking.clean_answer(self.question, value)}
        except marking.AnswerError as wrong:
            raise forms.ValidationError(wrong.message) from None


# --- what is asked --------------------------------------------------------------------------------


def _fields(question: AnyExercise, saved: Sequence[str]) -> Fields:
    first = saved[0] if saved else None
    if isinstance(question, Confidence):
        levels = [(str(n), level) for n, level in enumerate(question.levels, 1)]
        return {"answer": _radios("", levels, first)}
    if isinstance(question, SingleQuestion | Position):
        return {"answer": _radios("", _named(question.options), first)}
    if isinstance(question, ReasonedQuestion):
        return {
            "verdict": _radios(_("True or false?"), _named(question.verdicts), first),
            "reason": _radios(_("Why?"), _named(question.reasons), saved[1] if len(saved) > 1 else None),
        }
    if isinstance(question, OrderingQuestion):
        places = [(str(n), str(n)) for n in range(1, len(question.options) + 1)]
        return {
            f"place-{o.id}": _list(o.text, _("Place"), places, saved.index(o.id) + 1 if o.id in saved else "")
            for o in question.options
        }
    if isinstance(question, (SortingQuestion, MatchingQuestion)):
        put: dict[str, str] = dict(_put(one) for one in saved)
        targets = _named(question.targets)
        if isinstance(question, SortingQuestion):
            return {f"card-{c.id}": _radios(c.text, targets, put.get(c.id)) for c in question.cards}
        return {
            f"card-{c.id}": _list(c.text, _("Choose"), targets, put.get(c.id, "")) for c in question.cards
        }
    options = forms.MultipleChoiceField(
        required=False,
        choices=_named(question.options),
        widget=forms.CheckboxSelectMultiple,
        initial=list(saved),
        error_messages=NOT_ON_OFFER,
    )
    return {"answer": options}


def _named(things: Sequence[Option] | Sequence[Target]) -> list[tuple[str, str]]:
    return [(thing.id, thing.text) for thing in things]


def _radios(label: Any, choices: list[tuple[str, str]], initial: str | None) -> forms.Field:
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=choices,
        widget=forms.RadioSelect,
        initial=initial,
        error_messages=NOT_ON_OFFER,
    )


def _list(label: Any, empty: Any, choices: list[tuple[str, str]], initial: str | int) -> forms.Field:
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=[("", empty), *choices],
        initial=initial,
        error_messages=NOT_ON_OFFER,
    )


# --- what was answered ----------------------------------------------------------------------------


def _value(question: AnyExercise, cleaned: Mapping[str, Any]) -> list[str]:
    """The option ids that the fields say, as `marking.clean_answer` takes them."""
    if isinstance(question, ReasonedQuestion):
        return [cleaned["verdict"], cleaned["reason"]]
    if isinstance(question, OrderingQuestion):
        return _order({o.id: cleaned.get(f"place-{o.id}", "") for o in question.options})
    if isinstance(question, (SortingQuestion, MatchingQuestion)):
        put = {c.id: cleaned.get(f"card-{c.id}", "") for c in question.cards}
        return [f"{card}:{target}" for card, target in put.items() if target]
    answer = cleaned.get("answer") or []
    return [answer] if isinstance(answer, str) else list(answer)


def _order(places: Mapping[str, str]) -> list[str]:
    given = [place for place in places.values() if place]
    if given and len(set(given)) != len(places):
        # As marking says it of an incomplete order; two items in one place leave another place empty.
        return [min(places)]
    return sorted((o for o in places if places[o]), key=lambda o: int(places[o]))


def _put(putting: str) -> tuple[str, str]:
    card, _colon, target = putting.partition(":")
    return card, target
