"""The operator's pages: activities, scores on their way, and the evidence, which nobody can change here."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from grading import outbox
from grading.models import Activity, Certificate, CpdRecord, OutgoingScore


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows to look at. What made them changes them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Activity)
class ActivityAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["title", "deployment", "pass_mark", "attempts_allowed", "keeps"]
    list_select_related = ["deployment__registration"]
    readonly_fields = ["deployment", "resource_link", "module", "nation", "audience"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(OutgoingScore)
class OutgoingScoreAdmin(ReadOnly):
    list_display = ["pk", "state", "percentage", "tries", "reason", "queued_at", "settled_at"]
    list_filter = ["state", "enrolment__lti_user__registration"]
    actions = ["send_again"]

    @admin.action(description="Send the chosen scores again", permissions=["view"])
    def send_again(self, request: HttpRequest, scores: QuerySet[OutgoingScore]) -> None:
        count = outbox.send_again(scores, now=timezone.now())
        self.message_user(request, f"{count} on their way again. Delivered ones were left alone.")


@admin.register(CpdRecord)
class CpdRecordAdmin(ReadOnly):
    list_display = ["chain", "position", "kind", "recorded_at"]
    list_filter = ["chain"]
    list_select_related = ["chain"]


@admin.register(Certificate)
class CertificateAdmin(ReadOnly):
    list_display = ["code", "issued_at", "renew_by"]
    search_fields = ["code"]
