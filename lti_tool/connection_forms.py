"""What an operator sends from the connection's page."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lti_tool import self_test
from lti_tool.models import Context, Deployment, Registration, School


class DeploymentField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Deployment) -> str:
        return obj.deployment_id  # of which registration says the page


class DecisionForm(forms.Form):
    """A deployment that waits: let in, for a school where one is said, or refused."""

    deployment = DeploymentField(
        Deployment.objects.none(),
        label=_("Deployment"),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={
            "required": _("Choose the deployment that you decide on."),
            "invalid_choice": _("Somebody has decided on this deployment meanwhile."),
        },
    )
    decision = forms.ChoiceField(choices=[("accept", _("Accept")), ("refuse", _("Refuse"))])
    school = forms.ModelChoiceField(
        School.objects.order_by("name"),
        label=_("Give it to this school"),
        required=False,
        empty_label=_("None"),
    )
    new_school = forms.CharField(label=_("or to a new school, called"), required=False, max_length=200)

    def __init__(self, registration: Registration, *args: Any, may_add_schools: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        waiting = registration.deployments.filter(status=Deployment.Status.PENDING).order_by(
            "first_seen_at", "pk"
        )
        field = self.fields["deployment"]
        assert isinstance(field, DeploymentField)
        field.queryset = waiting
        if len(waiting) == 1:
            field.initial = waiting[0]
        if not may_add_schools:
            del self.fields["new_school"]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("school") and said.get("new_school"):
            self.add_error("new_school", _("Choose a school from the list, or name a new one, not both."))
        return said

    @property
    def given_to(self) -> School | str | None:
        """The school that was chosen, or the name of the new one."""
        return self.cleaned_data["school"] or self.cleaned_data.get("new_school")


class SelfTestForm(forms.Form):
    """In which course to test, and whether a grade may be sent for it."""

    course = forms.ChoiceField(label=_("Course to test in"), required=False)
    scratch_score = forms.BooleanField(
        label=_("Also make a column in its gradebook, give one learner a grade there, and delete it again"),
        help_text=_("People in the course may get a notice."),
        required=False,
    )

    def __init__(self, registration: Registration, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._courses = {str(course.pk): course for course in self_test.courses(registration)}
        field = self.fields["course"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(pk, str(course)) for pk, course in self._courses.items()]

    @property
    def chosen(self) -> Context | None:
        """The course; None while there is none to choose."""
        return self._courses.get(self.cleaned_data["course"])
