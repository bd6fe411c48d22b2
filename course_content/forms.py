"""What learners fill in: a choice, an answer, a name; and authors: settings. No file, ever (design decision 9)."""

from dataclasses import asdict, fields
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from course_content import marking, picker
from course_content.placement import Placement, usual_settings
from course_content.schema import Choice, Module, OrderingQuestion, SingleQuestion
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
    """What to do at one moment of a scenario. `seen` is how many choices had been taken when it was shown."""

    choice = forms.ChoiceField(
        label=_("What do you do?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what you would do."), **NOT_ON_OFFER},
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, data: Any, *, choices: tuple[Choice, ...], seen: int) -> None:
        super().__init__(data, initial={"seen": seen})
        self.fields["choice"].choices = [(c.id, c.text) for c in choices]  # type: ignore[attr-defined]

    @property
    def problems(self) -> Problems:
        return [("id_choice_0", message) for message in self.errors.get("choice", [])]


class AnswerForm(forms.Form):
    """One question of a paper, answered: radios, checkboxes, or a place for each item."""

    def __init__(self, data: Any, *, question: marking.AnyQuestion, saved: list[str]) -> None:
        super().__init__(data)
        self.question = question
        options = [(o.id, o.text) for o in question.options]
        if isinstance(question, OrderingQuestion):
            self._ask_places(saved)
        elif isinstance(question, SingleQuestion):
            self.fields["answer"] = forms.ChoiceField(
                required=False,
                choices=options,
                widget=forms.RadioSelect,
                initial=saved[0] if saved else None,
                error_messages=NOT_ON_OFFER,
            )
        else:
            self.fields["answer"] = forms.MultipleChoiceField(
                required=False,
                choices=options,
                widget=forms.CheckboxSelectMultiple,
                initial=saved,
                error_messages=NOT_ON_OFFER,
            )

    def _ask_places(self, saved: list[str]) -> None:
        places = [(str(n), str(n)) for n in range(1, len(self.question.options) + 1)]
        for option in self.question.options:
            self.fields[f"place-{option.id}"] = forms.ChoiceField(
                label=option.text,
                required=False,
                choices=[("", _("Place")), *places],
                initial=saved.index(option.id) + 1 if option.id in saved else "",
                error_messages=NOT_ON_OFFER,
            )

    @property
    def places(self) -> list[forms.BoundField]:
        """The fields of an ordering question, in the order shown."""
        return list(self)

    @property
    def problems(self) -> Problems:
        first = next(iter(self.fields))
        mend = f"id_{first}" if isinstance(self.question, OrderingQuestion) else f"id_{first}_0"
        return [(mend, message) for messages in self.errors.values() for message in messages]

    def clean(self) -> dict[str, Any]:
        """Adds `value`: the answer as it may be stored."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                cleaned["value"] = marking.clean_answer(self.question, self._chosen(cleaned))
            except marking.AnswerError as wrong:
                raise forms.ValidationError(wrong.message) from None
        return cleaned

    def _chosen(self, cleaned: dict[str, Any]) -> list[str]:
        if not isinstance(self.question, OrderingQuestion):
            answer = cleaned.get("answer") or []
            return [answer] if isinstance(answer, str) else list(answer)
        places = {o.id: cleaned.get(f"place-{o.id}", "") for o in self.question.options}
        given = [place for place in places.values() if place]
        if given and len(set(given)) != len(places):
            # As marking says it of an incomplete order; two items in one place leave another place empty.
            return [min(places)]
        return sorted((o for o in places if places[o]), key=lambda o: int(places[o]))


class PlacementForm(ActivitySettings):
    """How an author places one module. What the VLE or the module leaves no choice in is not asked."""

    nation = forms.ChoiceField(label=_("Nation"), error_messages=NOT_ON_OFFER)
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

    class Meta(ActivitySettings.Meta):
        fields = [*ActivitySettings.Meta.fields, "nation", "audience"]

    def __init__(self, data: Any, *, module: Module, place: picker.Place) -> None:
        usual = Activity(module=module.slug, **asdict(usual_settings(module)))
        super().__init__(data, prefix=module.slug, instance=usual)
        self.module = module
        self.fields["title"].help_text = _("What people read in the course.")
        if place.request and not place.minds_due_date:
            self.fields["due_at"].help_text += " " + _(
                "Your course does not take it over: set it there, too."
            )
        self._offer("nation", [(value, nation_name(value)) for value in picker.nations(module)])
        self._offer("audience", [(value, audience_name(value)) for value in picker.audiences(module)])
        if not place.offers_grade:
            del self.fields["graded"]
        if not place.offers_window:
            del self.fields["opens"]

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        if len(choices) == 1:
            del self.fields[name]
        else:
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    @property
    def problems(self) -> Problems:
        """Named with the module: others may be placed on the same page."""
        return [(field, f"{self.module.title}: {message}") for field, message in super().problems]

    def clean_due_at(self) -> Any:
        due_at = self.cleaned_data["due_at"]
        if due_at is not None and due_at <= timezone.now():
            raise forms.ValidationError(_("Give a time that is still to come."))
        return due_at

    @property
    def chosen(self) -> picker.Chosen:
        """What was filled in, once it is valid."""
        said, opens = self.cleaned_data, self.cleaned_data.get("opens")
        settings = {field.name: getattr(self.instance, field.name) for field in fields(Settings)}
        return picker.Chosen(
            placement=Placement(self.module, Settings(**settings)),
            graded=said.get("graded") == "yes",
            in_new_window=opens == "window" if opens else None,
        )
