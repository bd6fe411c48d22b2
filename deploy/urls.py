"""Every address of the tool."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from deploy import health, pages
from lti_tool.doors import Door, door

handler400 = "deploy.pages.bad_request"
handler403 = "deploy.pages.forbidden"
handler404 = "deploy.pages.not_found"
handler500 = "deploy.pages.server_error"

urlpatterns = [
    path("", pages.front, name="front"),
    path("help-now/", pages.help_now, name="help-now"),
    path("language/", pages.language, name="language"),
    path("lti/", include("lti_tool.urls")),
    path("learn/", include("course_content.urls")),
    path("authoring/", include("course_content.authoring_urls")),
    path("", include("grading.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/schema/", door(Door.PUBLIC)(SpectacularAPIView.as_view()), name="api-schema"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
