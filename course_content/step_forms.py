"""What is chosen in a risk assessment and on a commitment page: words on offer, and nothing to write."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from course_content.assessments import Reason, Trigger
from course_content.forms import NOT_ON_OFFER, ChoiceForm
from course_content.schema import Commitment
from grading.forms import Problems


class TriggerForm(ChoiceForm):
    """Whether one trigger for a referral is there. "Not known" is an answer of its own, and never a no."""

    ANSWERS = (("yes", _("Yes")), ("no", _("No")), ("not-known", _("Not known yet")))

    def __init__(self, data: Any, *, trigger: Trigger, seen: int) -> None:
        super().__init__(data, choices=self.ANSWERS, seen=seen)
        self.fields["choice"].label = trigger.question
        self.fields["choice"].error_messages["required"] = _("Answer yes, no or not known yet.")


class ReasonsForm(forms.Form):
    """Why a case may be handled in school: words to choose, and nothing to write."""

    reasons = forms.MultipleChoiceField(
        label=_("Why may this be handled here, without a referral?"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one reason."), **NOT_ON_OFFER},
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, data: Any, *, reasons: Iterable[Reason], seen: int) -> None:
        super().__init__(data, initial={"seen": seen})
        self.fields["reasons"].choices = [(r.id, r.text) for r in reasons]  # type: ignore[attr-defined]

    @property
    def problems(self) -> Problems:
        return [("id_reasons_0", message) for message in self.errors.get("reasons", [])]


class CommitmentForm(forms.Form):
    """One change, and by when: words to choose, and nothing to write."""

    change = forms.ChoiceField(
        label=_("I will …"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one change."), **NOT_ON_OFFER},
    )
    by_when = forms.ChoiceField(
        label=_("… and by when?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose by when."), **NOT_ON_OFFER},
    )

    def __init__(self, data: Any, *, commitment: Commitment) -> None:
        super().__init__(data)
        for name, offered in (("change", commitment.changes), ("by_when", commitment.by_when)):
            self.fields[name].choices = [(o.id, o.text) for o in offered]  # type: ignore[attr-defined]

    @property
    def problems(self) -> Problems:
        return [(f"id_{name}_0", message) for name, messages in self.errors.items() for message in messages]
