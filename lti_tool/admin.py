"""The operator's pages: VLE connections, and the deployments that wait to be accepted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html

from lti_tool import connections, invitations, keys, self_test
from lti_tool.connection_forms import DecisionForm, SelfTestForm
from lti_tool.doors import Door, door
from lti_tool.models import (
    Context,
    Deployment,
    Invitation,
    LtiUser,
    Membership,
    Registration,
    ResourceLink,
    School,
    ToolKey,
    Trust,
)
from lti_tool.registration import accept, refuse
from lti_tool.registrations import tool_urls

# Proxies in front give up after a minute; a request that was begun within this time may take its own.
SELF_TEST_SECONDS = 30

admin.site.site_header = "SafeResponse"
admin.site.site_title = "SafeResponse"
admin.site.index_title = "Operating the training"


class DeploymentInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Deployment
    extra = 0
    fields = ["deployment_id", "status", "school"]


@admin.register(Registration)
class RegistrationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A VLE's connection. The tool's own addresses stand above the form, to copy into the VLE."""

    change_form_template = "lti_tool/admin/registration.html"
    list_display = ["__str__", "connection", "family", "issuer", "client_id", "is_active"]
    list_filter = ["family", "is_active"]
    search_fields = ["name", "issuer", "client_id"]
    inlines = [DeploymentInline]
    # What is pasted without a scheme is meant to be https; Django 5 would take it for http.
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        keys.ensure_key()  # so that the keyset address answers before the VLE asks
        context = {**(extra_context or {}), "tool_urls": tool_urls()}
        return super().changeform_view(request, object_id, form_url, context)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        listed = list(changelist.result_list)
        summaries = connections.summaries(listed, timezone.now())
        for registration in listed:
            registration.summary = summaries[registration.pk]
        changelist.result_list = listed
        return changelist

    @admin.display(description="connection")
    def connection(self, registration: Registration) -> str:
        summary: connections.Summary = registration.summary  # type: ignore[attr-defined]
        url = reverse("admin:lti_tool_registration_connection", args=[registration.pk])
        return format_html('<a href="{}">{}</a>', url, ": ".join([summary.state.label, *summary.why[:1]]))

    # --- the connection's page --------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        def page(route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
            entered = door(Door.OPERATOR)(self.admin_site.admin_view(view))
            return path(f"<int:pk>/connection/{route}", entered, name=f"lti_tool_registration_{name}")

        return [
            page("", self.connection_view, "connection"),
            page("decide/", self.decide_view, "decide"),
            page("test/", self.test_view, "test"),
            *super().get_urls(),
        ]

    def connection_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How the connection does, who waits, and what to do."""
        return self._connection_page(request, self._registration(request, pk))

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Accept a deployment that waits and give it to a school, or refuse it."""
        registration = self._registration(request, pk, changes=True)
        if not request.user.has_perm("lti_tool.change_deployment"):
            raise PermissionDenied
        form = self._decision(request, registration, request.POST)
        if request.method != "POST" or not form.is_valid():
            return self._connection_page(request, registration, decision=form if form.is_bound else None)
        deployment = form.cleaned_data["deployment"]
        if form.cleaned_data["decision"] == "accept":
            accept(registration, deployment.deployment_id, form.given_to)
            said = f"Deployment {deployment.deployment_id} accepted: its people can come in from now on."
        else:
            refuse(deployment)
            said = f"Deployment {deployment.deployment_id} refused."
        self.log_change(request, registration, said)
        self.message_user(request, said)
        return redirect("admin:lti_tool_registration_connection", pk)

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Try everything that a launch, a grade and a roster need."""
        registration = self._registration(request, pk, changes=True)
        form = SelfTestForm(registration, request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._connection_page(request, registration, test=form)
        checks = self_test.run(
            registration,
            course=form.chosen,
            scratch_score=form.cleaned_data["scratch_score"],
            seconds=SELF_TEST_SECONDS,
        )
        return self._connection_page(request, registration, test=form, checks=checks)

    def _registration(self, request: HttpRequest, pk: int, *, changes: bool = False) -> Registration:
        registration = get_object_or_404(Registration, pk=pk)
        may = self.has_change_permission if changes else self.has_view_permission
        if not may(request, registration):
            raise PermissionDenied
        return registration

    def _decision(
        self, request: HttpRequest, registration: Registration, sent: QueryDict | None = None
    ) -> DecisionForm:
        may_add_schools = request.user.has_perm("lti_tool.add_school")
        return DecisionForm(registration, sent or None, may_add_schools=may_add_schools)

    def _connection_page(
        self,
        request: HttpRequest,
        registration: Registration,
        *,
        decision: DecisionForm | None = None,
        test: SelfTestForm | None = None,
        checks: list[self_test.Check] | None = None,
    ) -> HttpResponse:
        may_change = self.has_change_permission(request, registration)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Connection of {registration}",
            "opts": self.opts,
            "connection": connections.connection(registration, timezone.now()),
            "tool_urls": tool_urls(),
            "may_change": may_change,
            "may_decide": may_change and request.user.has_perm("lti_tool.change_deployment"),
            "decision": decision or self._decision(request, registration),
            "test": test or SelfTestForm(registration),
            "checks": checks,
        }
        return TemplateResponse(request, "lti_tool/admin/connection.html", context)


@admin.register(Deployment)
class DeploymentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["deployment_id", "registration", "school", "status", "first_seen_at"]
    list_filter = ["status"]
    list_select_related = ["registration", "school"]
    actions = ["accept", "refuse"]

    @admin.action(description="Accept the chosen deployments")
    def accept(self, request: HttpRequest, deployments: QuerySet[Deployment]) -> None:
        chosen = list(deployments.select_related("registration"))
        for deployment in chosen:
            accept(deployment.registration, deployment.deployment_id, None)
        self.message_user(request, f"{len(chosen)} accepted: their people can come in from now on.")

    @admin.action(description="Refuse the chosen deployments")
    def refuse(self, request: HttpRequest, deployments: QuerySet[Deployment]) -> None:
        chosen = list(deployments)
        for deployment in chosen:
            refuse(deployment)
        self.message_user(request, f"{len(chosen)} refused.")


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Links for admins of VLEs. Each is shown once, when it is made: only a hash of it is kept."""

    list_display = ["__str__", "school", "state", "expires_at", "registration", "created_by"]
    list_select_related = ["school", "registration"]
    search_fields = ["name", "school__name"]
    readonly_fields = ["state", "registration", "used_at", "created_by", "created_at"]
    autocomplete_fields = ["school"]

    @admin.display(description="state")
    def state(self, invitation: Invitation) -> str:
        if invitation.registration_id is not None:
            return "used"
        if invitation.expires_at <= timezone.now():
            return "expired"
        return "being used" if invitation.used_at else "open"

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        said = ["name", "school", "expires_at"]
        return [*said, *self.readonly_fields] if obj else said

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        expires_at = timezone.localtime() + timedelta(days=invitations.DEFAULT_DAYS)
        return {"expires_at": expires_at, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        if change:
            return super().save_model(request, obj, form, change)
        made, link = invitations.invite(
            name=obj.name, school=obj.school, expires_at=obj.expires_at, by=request.user.get_username()
        )
        obj.pk, obj.token_hash = made.pk, made.token_hash
        request.invitation_link = link  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: Invitation, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The link, on the page that answers the form: no other place keeps it, not even for a moment."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Invitation link",
            "opts": self.opts,
            "invitation": obj,
            "link": request.invitation_link,  # type: ignore[attr-defined]
        }
        response = TemplateResponse(request, "lti_tool/admin/invitation_link.html", context)
        add_never_cache_headers(response)
        return response


@admin.register(School)
class SchoolAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "trust", "nation"]
    list_filter = ["nation", "trust"]
    search_fields = ["name"]


@admin.register(Context)
class ContextAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Courses, so that one can be given to a school of its own."""

    list_display = ["__str__", "deployment", "school"]
    list_select_related = ["deployment__registration", "school"]
    search_fields = ["title", "context_id"]
    readonly_fields = ["deployment", "context_id"]


@admin.register(LtiUser)
class LtiUserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Switching somebody off takes effect at their next request."""

    list_display = ["display_name", "registration", "is_active"]
    list_filter = ["is_active", "registration"]
    list_select_related = ["registration", "person"]
    search_fields = ["name", "email", "sub", "sourcedid"]
    readonly_fields = ["registration", "sub", "person"]


@admin.register(ToolKey)
class ToolKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """To look at. `manage.py rotate_keys` makes and revokes keys, so that none goes while it signs."""

    list_display = ["kid", "created_at", "signs_from"]
    fields = ["kid", "public_jwk", "created_at", "signs_from"]
    ordering = ["-signs_from"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ToolKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ToolKey | None = None) -> bool:
        return False


admin.site.register([Trust, ResourceLink, Membership])
