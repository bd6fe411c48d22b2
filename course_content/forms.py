"""What learners fill in: a choice, an answer, a name. Nothing else, and no file, ever (design decision 9)."""

import unicodedata
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

NOT_ON_OFFER = {"invalid_choice": _("That answer is not one of the options. Please choose again.")}


Problems = list[tuple[str, Any]]


class NameForm(forms.Form):
    """The name for the certificate, asked once."""

    name = forms.CharField(
        label=_("What name should be on your certificate?"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
        error_messages={
            "required": _("Type the name for your certificate."),
            "max_length": _("Use 200 characters or fewer."),
        },
    )

    @property
    def problems(self) -> Problems:
        """Each error with the id of the field to mend, for the summary at the top."""
        return [("id_name", message) for message in self.errors.get("name", [])]

    def clean_name(self) -> str:
        """The name without what nobody can see: control characters, and marks that turn text around."""
        typed = self.cleaned_data["name"]
        kept = "".join(c for c in typed if not unicodedata.category(c).startswith("C") or c.isspace())
        name = " ".join(kept.split())
        if not any(c.isalpha() for c in name):
            raise forms.ValidationError(_("Type the name for your certificate."))
        return name


class ChoiceForm(forms.Form):
    """One thing to choose at one moment: what to do in a story, or how a trigger stands.

    `seen` is how much had been said when the page was made.
    """

    choice = forms.ChoiceField(
        label=_("What do you do?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what you would do."), **NOT_ON_OFFER},
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, data: Any, *, choices: Iterable[tuple[str, Any]], seen: int) -> None:
        super().__init__(data, initial={"seen": seen})
        self.fields["choice"].choices = list(choices)  # type: ignore[attr-defined]

    @property
    def problems(self) -> Problems:
        return [("id_choice_0", message) for message in self.errors.get("choice", [])]
