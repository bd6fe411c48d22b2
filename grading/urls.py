from django.urls import path

from grading import api
from grading.views import certificates, lead, personal_data

app_name = "grading"
urlpatterns = [
    path("verify/", certificates.verify_form, name="verify-form"),
    path("verify/<str:code>/", certificates.verify, name="verify"),
    path("api/v1/certificates/<str:code>/", api.certificate, name="api-certificate"),
    path("your-data/<int:registration_pk>/", personal_data.own, name="own-data"),
    path("your-data/<int:registration_pk>/download/", personal_data.download_own, name="own-data-download"),
    path("personal-data/<int:launch_pk>/", personal_data.of_launch, name="personal-data"),
    path(
        "personal-data/<int:launch_pk>/download/",
        personal_data.download_of_launch,
        name="personal-data-download",
    ),
    path("certificate/<int:enrolment_pk>/", certificates.download, name="certificate"),
    path("lead/<int:link_pk>/", lead.overview, name="lead"),
    path("lead/<int:link_pk>/send-again/", lead.send_again, name="send-again"),
    path("lead/<int:link_pk>/refresh-list/", lead.refresh_list, name="refresh-list"),
    path("lead/<int:link_pk>/settings/", lead.settings, name="activity-settings"),
]
