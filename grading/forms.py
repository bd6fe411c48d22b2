from django import forms
from django.utils.translation import gettext_lazy as _

from grading.models import Activity


class ActivitySettings(forms.ModelForm):  # type: ignore[type-arg]
    """What a course author may set of an activity."""

    # Said here too, so that a slip is told at its field and not as the name of a database constraint.
    pass_mark = forms.IntegerField(
        label=_("Pass mark (per cent)"),
        help_text=_("The questions that must be right must be right whatever the pass mark."),
        min_value=1,
        max_value=100,
    )
    attempts_allowed = forms.IntegerField(
        label=_("Attempts allowed"),
        help_text=_("Leave empty for as many as people need."),
        required=False,
        min_value=1,
        max_value=100,
    )

    class Meta:
        model = Activity
        fields = ["pass_mark", "attempts_allowed", "keeps"]
        labels = {"keeps": _("The result is")}
