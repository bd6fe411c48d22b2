import unicodedata
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from grading.models import Activity

Problems = list[tuple[str, Any]]


def plain_line(typed: str) -> str:
    """What somebody typed as one line, without what nobody can see: control characters, and marks that turn text
    around.
    """
    kept = "".join(c for c in typed if not unicodedata.category(c).startswith("C") or c.isspace())
    return " ".join(kept.split())


class ActivitySettings(forms.ModelForm):  # type: ignore[type-arg]
    """What a course author may set of an activity."""

    # Said here too, so that a slip is told at its field and not as the name of a database constraint.
    pass_mark = forms.IntegerField(
        label=_("Pass mark (per cent)"),
        help_text=_("The questions that must be right must be right whatever the pass mark."),
        min_value=Activity.PASS_MARKS[0],
        max_value=Activity.PASS_MARKS[1],
    )
    attempts_allowed = forms.IntegerField(
        label=_("Attempts allowed"),
        help_text=_("Leave empty for as many as people need."),
        required=False,
        min_value=Activity.ATTEMPTS[0],
        max_value=Activity.ATTEMPTS[1],
    )
    due_at = forms.DateTimeField(
        label=_("To be done by"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M"],
        # Without seconds: with them browsers ask for seconds, too.
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("Give a day and a time, such as 31/12/2026 17:00.")},
    )

    class Meta:
        model = Activity
        fields = ["title", "pass_mark", "attempts_allowed", "keeps", "due_at"]
        labels = {"title": _("Title"), "keeps": _("The result is")}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["due_at"].help_text = format_lazy(
            _("Leave empty for no date. Time zone: {zone}."), zone=timezone.get_current_timezone_name()
        )

    def clean_title(self) -> str:
        title = plain_line(self.cleaned_data["title"])
        if not title:
            raise forms.ValidationError(_("Give the activity a title."))
        return title

    @property
    def problems(self) -> Problems:
        """Each error with the id of the field to mend, for the summary at the top."""
        return [
            (field.id_for_label, f"{field.label}: {message}") for field in self for message in field.errors
        ]
