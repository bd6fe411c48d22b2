"""What a trust gives its schools, for an operator to enter; and every school's own details, to look at."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from course_content import local_rules
from course_content.local_forms import PhoneField, PlainLine, PolicyField
from lti_tool import local_details
from lti_tool.local_details import Contact, Details
from lti_tool.models import LocalDetails
from lti_tool.models.local import NAME_LENGTH, PHONE_LENGTH, URL_LENGTH

# Whom to tell is each school's own.
OF_A_TRUST = [
    "trust",
    "policy_url",
    "front_door_name",
    "front_door_phone",
    "lado_name",
    "lado_phone",
    "out_of_hours_name",
    "out_of_hours_phone",
    "rules",
]


class TrustDetailsForm(forms.ModelForm):  # type: ignore[type-arg]
    """What schools of the trust leave empty, and stricter rules that hold for all of them."""

    policy_url = PolicyField(required=False, max_length=URL_LENGTH)
    front_door_name = PlainLine(required=False, max_length=NAME_LENGTH)
    front_door_phone = PhoneField(required=False, max_length=PHONE_LENGTH)
    lado_name = PlainLine(label="LADO name", required=False, max_length=NAME_LENGTH)
    lado_phone = PhoneField(label="LADO phone", required=False, max_length=PHONE_LENGTH)
    out_of_hours_name = PlainLine(required=False, max_length=NAME_LENGTH)
    out_of_hours_phone = PhoneField(required=False, max_length=PHONE_LENGTH)
    rules = forms.MultipleChoiceField(
        required=False,
        choices=[(rule.id, rule.duty) for rule in local_rules.RULES],
        widget=forms.CheckboxSelectMultiple,
        help_text="Each only adds a duty.",
    )

    class Meta:
        model = LocalDetails
        fields = OF_A_TRUST

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "trust" in self.fields:
            self.fields["trust"].required = True

    @property
    def details(self) -> Details:
        said = self.cleaned_data
        return Details(
            policy_url=said["policy_url"],
            front_door=Contact(said["front_door_name"], said["front_door_phone"]),
            lado=Contact(said["lado_name"], said["lado_phone"]),
            out_of_hours=Contact(said["out_of_hours_name"], said["out_of_hours_phone"]),
            rules=tuple(said["rules"]),
        )


@admin.register(LocalDetails)
class LocalDetailsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A trust's are written here; a school's by those who lead its courses, and only shown."""

    form = TrustDetailsForm
    list_display = ["__str__", "dsl_name", "confirmed_on"]
    list_select_related = ["school", "context", "trust"]
    search_fields = ["school__name", "trust__name"]

    def get_fields(self, request: HttpRequest, obj: LocalDetails | None = None) -> Any:
        if obj is None or obj.trust_id:
            return OF_A_TRUST
        own = [column for column in Details().columns if column not in OF_A_TRUST]
        return ["school", "context", *own, *OF_A_TRUST[1:], "confirmed_on", "confirmed_by"]

    def get_readonly_fields(self, request: HttpRequest, obj: LocalDetails | None = None) -> Any:
        return ["trust"] if obj and obj.trust_id else []

    def has_change_permission(self, request: HttpRequest, obj: LocalDetails | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.trust_id is not None)

    def has_delete_permission(self, request: HttpRequest, obj: LocalDetails | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: LocalDetails, form: Any, change: bool) -> None:
        assert obj.trust is not None
        obj.pk = local_details.save_of_trust(obj.trust, form.details, now=timezone.now()).pk
