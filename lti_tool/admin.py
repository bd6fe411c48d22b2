"""The operator's pages: VLE connections, and the deployments that wait to be accepted."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from lti_tool import keys
from lti_tool.models import (
    Context,
    Deployment,
    LtiUser,
    Membership,
    Registration,
    ResourceLink,
    School,
    ToolKey,
    Trust,
)
from lti_tool.registrations import tool_urls

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
    list_display = ["__str__", "family", "issuer", "client_id", "is_active"]
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


@admin.register(Deployment)
class DeploymentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["deployment_id", "registration", "school", "status", "first_seen_at"]
    list_filter = ["status"]
    list_select_related = ["registration", "school"]
    actions = ["accept", "refuse"]

    @admin.action(description="Accept the chosen deployments")
    def accept(self, request: HttpRequest, deployments: QuerySet[Deployment]) -> None:
        count = deployments.update(status=Deployment.Status.ACCEPTED)
        self.message_user(request, f"{count} accepted: their people can come in from now on.")

    @admin.action(description="Refuse the chosen deployments")
    def refuse(self, request: HttpRequest, deployments: QuerySet[Deployment]) -> None:
        count = deployments.update(status=Deployment.Status.REFUSED)
        self.message_user(request, f"{count} refused.")


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
    list_display = ["kid", "created_at"]
    fields = ["kid", "public_jwk", "created_at"]
    readonly_fields = ["kid", "public_jwk", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


admin.site.register([Trust, ResourceLink, Membership])
