"""What learners fill in: a choice, an answer, a name; and authors: settings. No file, ever (design decision 9)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from course_content import catalogue, picker
from course_content.placement import Placement, usual_settings
from course_content.schema import Module
from course_content.templatetags.content import audience_name, nation_name
from grading.activities import Settings
from grading.forms import ActivitySettings, Problems, plain_line
from grading.models import Activity

NOT_ON_OFFER = {"invalid_choice": _("That answer is not one of the options. Please choose again.")}


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
        name = plain_line(self.cleaned_data["name"])
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


class PlacementForm(ActivitySettings):
    """How an author places one module. What the VLE leaves no choice in is not asked."""

    nation = forms.ChoiceField(
        label=_("Nation"),
        help_text=_("Law and guidance differ. People read what holds in theirs."),
        error_messages=NOT_ON_OFFER,
    )
    audience = forms.ChoiceField(label=_("For"), error_messages=NOT_ON_OFFER)
    graded = forms.ChoiceField(
        label=_("Grade"),
        choices=[("yes", _("in the gradebook")), ("no", _("none"))],
        error_messages=NOT_ON_OFFER,
    )
    opens = forms.ChoiceField(
        label=_("Opens"),
        choices=[("frame", _("on the course’s page")), ("window", _("in a new window"))],
        error_messages=NOT_ON_OFFER,
    )

    def __init__(
        self, data: Any, *, module: Module, place: picker.Place, wanted: picker.Wanted = picker.NOTHING_YET
    ) -> None:
        settings = usual_settings(module, nation=wanted.nation or place.nation, audience=wanted.audience)
        usual = Activity(module=module.slug, **asdict(settings))
        super().__init__(data, prefix=module.slug, instance=usual)
        self.module = module
        self._offer("nation", module.nations, nation_name)
        self._offer("audience", module.audiences, audience_name)
        if module.quiz is None:
            for name in ("pass_mark", "attempts_allowed", "keeps", "graded"):
                del self.fields[name]
        self.fields["title"].help_text = _("What people read in the course.")
        if place.request and not place.minds_due_date:
            self.fields["due_at"].help_text += " " + _(
                "Your course does not take it over: set it there, too."
            )
        if not place.offers_grade:
            self.fields.pop("graded", None)
        if not place.offers_window:
            del self.fields["opens"]

    def _offer(self, name: str, values: Sequence[str], words: Callable[[str], str]) -> None:
        """Ask for one of these, unless there is nothing to choose."""
        if len(values) < 2:
            del self.fields[name]
            return
        field: Any = self.fields[name]
        field.choices = [(value, words(value)) for value in values]
        field.initial = getattr(self.instance, name)

    @property
    def problems(self) -> Problems:
        """Named with the module: others may be placed on the same page."""
        return [(field, f"{self.module.title}: {message}") for field, message in super().problems]

    def clean_due_at(self) -> Any:
        due_at = self.cleaned_data["due_at"]
        if due_at is not None and due_at <= timezone.now():
            raise forms.ValidationError(_("Give a time that is still to come."))
        return due_at

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        for_whom = {name: said.get(name) for name in ("nation", "audience")}
        try:
            catalogue.get_module(self.module.slug, **for_whom)
        except catalogue.ModuleNotFound:
            name = "nation" if "nation" in self.fields else None
            self.add_error(name, _("This cannot be taught there now. Choose another nation."))
        return said

    @property
    def chosen(self) -> picker.Chosen:
        """What was filled in, once it is valid."""
        said, opens = self.cleaned_data, self.cleaned_data.get("opens")
        settings = Settings.of(self.instance)
        for_whom = {name: said[name] for name in ("nation", "audience") if name in said}
        return picker.Chosen(
            placement=Placement(self.module, replace(settings, **for_whom)),
            graded=said.get("graded") == "yes",
            in_new_window=opens == "window" if opens else None,
        )
