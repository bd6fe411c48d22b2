from django import forms
from django.utils.translation import gettext_lazy as _

from grading.models import Activity


class ActivitySettings(forms.ModelForm):  # type: ignore[type-arg]
    """What a course author may set of an activity."""

    class Meta:
        model = Activity
        fields = ["pass_mark", "attempts_allowed", "keeps"]
        labels = {
            "pass_mark": _("Pass mark (per cent)"),
            "attempts_allowed": _("Attempts allowed"),
            "keeps": _("The result is"),
        }
        help_texts = {
            "pass_mark": _("The questions that must be right must be right whatever the pass mark."),
            "attempts_allowed": _("Leave empty for as many as people need."),
        }
