"""What a lead enters of their school: work contacts, a link, and rules to choose. Nothing about a child."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from course_content import local_rules
from grading.forms import Problems, plain_line
from lti_tool import local_details
from lti_tool.local_details import MOST_DEPUTIES, Contact, Details, Local
from lti_tool.models.local import NAME_LENGTH, PHONE_LENGTH, URL_LENGTH, WHERE_LENGTH

TOO_LONG = {"max_length": _("Use %(limit_value)d characters or fewer.")}


class PlainLine(forms.CharField):
    """One line of words: no markup, no address, nothing that cannot be seen."""

    def to_python(self, value: Any) -> str:
        words = plain_line(super().to_python(value) or "")
        if any(mark in words for mark in ("<", ">", "://")) or "www." in words.casefold():
            raise forms.ValidationError(_("Use words only: no links, and none of the signs < and >."))
        return words


class PhoneField(forms.CharField):
    """A number that somebody in a hurry can dial."""

    widget = forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"})

    def to_python(self, value: Any) -> str:
        typed = plain_line(super().to_python(value) or "")
        if not typed:
            return ""
        try:
            return local_details.phone(typed)
        except local_details.NoPhoneNumber:
            raise forms.ValidationError(
                _("Give one number, such as 01632 960123, 01632 960123 ext 12 or ext 12.")
            ) from None


class PolicyField(forms.URLField):
    """The school's own page, over https. The school answers for what is there."""

    def __init__(self, **options: Any) -> None:
        super().__init__(assume_scheme="https", **options)
        self.error_messages["invalid"] = self._WRONG

    _WRONG = _("Give the address of a page on the web that begins with https://.")

    def clean(self, value: Any) -> str:
        url = super().clean(value) or ""
        if url and not _is_public_page(url):
            raise forms.ValidationError(self._WRONG)
        return url


def _is_public_page(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    # A name with a dot whose last part is letters: no IP address, no "localhost", no password in front.
    return (
        parts.scheme == "https"
        and "@" not in parts.netloc
        and "." in host
        and host.rpartition(".")[2].isalpha()
    )


def _name(label: Any, **options: Any) -> PlainLine:
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return PlainLine(
        label=label, required=False, max_length=NAME_LENGTH, widget=widget, error_messages=TOO_LONG, **options
    )


def _phone(label: Any, **options: Any) -> PhoneField:
    return PhoneField(
        label=label, required=False, max_length=PHONE_LENGTH, error_messages=TOO_LONG, **options
    )


class Group(NamedTuple):
    """Fields that belong together on the page."""

    title: Any
    hint: Any
    fields: tuple[BoundField, ...]


class LocalDetailsForm(forms.Form):
    """All of it on one page, because whoever saves it says that all of it is right."""

    dsl_name = _name(_("Name"))
    dsl_phone = _phone(_("Phone"))
    dsl_where = PlainLine(
        label=_("Where to find them"),
        required=False,
        max_length=WHERE_LENGTH,
        help_text=_("Such as “Room 12, beside reception”."),
        error_messages=TOO_LONG,
    )
    deputy_1_name = _name(_("Name"))
    deputy_1_phone = _phone(_("Phone"))
    deputy_2_name = _name(_("Name"))
    deputy_2_phone = _phone(_("Phone"))
    deputy_3_name = _name(_("Name"))
    deputy_3_phone = _phone(_("Phone"))
    policy_url = PolicyField(
        label=_("Address of the policy"),
        required=False,
        max_length=URL_LENGTH,
        help_text=_(
            "On your own website, beginning with https://. Staff see the website’s name beside the link."
        ),
        error_messages=TOO_LONG,
    )
    front_door_name = _name(_("What it is called where you are"))
    front_door_phone = _phone(_("Phone"))
    lado_name = _name(_("Name, or what it is called"))
    lado_phone = _phone(_("Phone"))
    out_of_hours_name = _name(_("What it is called"))
    out_of_hours_phone = _phone(_("Phone"))
    rules = forms.MultipleChoiceField(
        label=_("Rules that go further"),
        required=False,
        choices=[(rule.id, rule.duty) for rule in local_rules.RULES],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("That is not one of the rules. Please choose again.")},
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, data: Any, *, local: Local) -> None:
        super().__init__(data, initial={**_initial(local.own), "seen": local.version})
        self.trust_rules = local_rules.chosen(local.trust.rules)

    @property
    def groups(self) -> Iterator[Group]:
        """The fields as the page shows them, all but the rules."""
        yield self._group(
            _("The person to tell first"),
            _(
                "Your safeguarding lead: in England the DSL. Give a work number that somebody answers in the day."
            ),
            ("dsl_name", "dsl_phone", "dsl_where"),
        )
        for number in range(1, MOST_DEPUTIES + 1):
            yield self._group(
                _("Deputy %(number)d") % {"number": number},
                "",
                (f"deputy_{number}_name", f"deputy_{number}_phone"),
            )
        yield self._group(
            _("Where a referral goes"),
            _("The front door of children’s social care, or what it is called in your area."),
            ("front_door_name", "front_door_phone"),
        )
        yield self._group(
            _("Out of hours"),
            _("Whom to call about a child in the evening, at the weekend and in the holidays."),
            ("out_of_hours_name", "out_of_hours_phone"),
        )
        yield self._group(
            _("A worry about an adult who works with children"),
            _("In England the LADO; elsewhere whoever has that task."),
            ("lado_name", "lado_phone"),
        )
        yield self._group(_("Your policy"), "", ("policy_url",))

    def _group(self, title: Any, hint: Any, names: Iterable[str]) -> Group:
        return Group(title, hint, tuple(self[name] for name in names))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        self._needs("dsl_name", _("Give the name, too."), when=("dsl_phone", "dsl_where"))
        self._needs(
            "dsl_phone",
            _("Give a number, or say where to find them."),
            when=("dsl_name",),
            unless="dsl_where",
        )
        for number in range(1, MOST_DEPUTIES + 1):
            self._needs(f"deputy_{number}_name", _("Give the name, too."), when=(f"deputy_{number}_phone",))
        for desk in ("front_door", "lado", "out_of_hours"):
            self._needs(
                f"{desk}_phone", _("Give the number, too: it is what is needed."), when=(f"{desk}_name",)
            )
        return said

    def _needs(self, name: str, message: Any, *, when: Iterable[str], unless: str = "") -> None:
        """An error at a field that is empty while others, which are of no use without it, are filled in."""
        said = self.cleaned_data
        if name in said and not said[name] and not said.get(unless) and any(said.get(one) for one in when):
            self.add_error(name, message)

    @property
    def problems(self) -> Problems:
        """Each error with the id of the field to mend, for the summary at the top."""
        titles = {field.name: group.title for group in self.groups for field in group.fields}
        return [
            (field.id_for_label or f"{field.auto_id}_0", _said(titles.get(field.name), field, message))
            for field in self
            for message in field.errors
        ]

    @property
    def details(self) -> Details:
        """What was filled in, once it is valid."""
        said = self.cleaned_data
        deputies = (
            Contact(said[f"deputy_{number}_name"], said[f"deputy_{number}_phone"])
            for number in range(1, MOST_DEPUTIES + 1)
        )
        return Details(
            dsl=Contact(said["dsl_name"], said["dsl_phone"]),
            dsl_where=said["dsl_where"],
            deputies=tuple(deputy for deputy in deputies if deputy),
            policy_url=said["policy_url"],
            front_door=Contact(said["front_door_name"], said["front_door_phone"]),
            lado=Contact(said["lado_name"], said["lado_phone"]),
            out_of_hours=Contact(said["out_of_hours_name"], said["out_of_hours_phone"]),
            rules=tuple(rule.id for rule in local_rules.chosen(said["rules"])),
        )


def _initial(details: Details) -> dict[str, Any]:
    deputies = {
        f"deputy_{number}_{part}": getattr(deputy, part)
        for number, deputy in enumerate(details.deputies, 1)
        for part in ("name", "phone")
    }
    return {**details.columns, **deputies}


def _said(title: Any, field: BoundField, message: Any) -> str:
    named = f"{title}, {field.label}" if title else field.label
    return f"{named}: {message}"
