from django.urls import path

from grading import api
from grading.views import certificates, lead

app_name = "grading"
urlpatterns = [
    path("verify/", certificates.verify_form, name="verify-form"),
    path("verify/<str:code>/", certificates.verify, name="verify"),
    path("api/v1/certificates/<str:code>/", api.certificate, name="api-certificate"),
    path("certificate/<int:enrolment_pk>/", certificates.download, name="certificate"),
    path("lead/<int:link_pk>/", lead.overview, name="lead"),
    path("lead/<int:link_pk>/send-again/", lead.send_again, name="send-again"),
    path("lead/<int:link_pk>/settings/", lead.settings, name="activity-settings"),
]
