"""The API, version 1: so far, what the public verify page says, for machines."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grading import certificates
from grading.throttle import VerifyThrottle
from lti_tool.doors import Door, door


class VerificationSerializer(serializers.Serializer[certificates.Verification]):
    """A certificate that exists. `current` is false when it is due for renewal."""

    code = serializers.CharField(help_text="The certificate's number.")
    current = serializers.BooleanField()
    holder_name = serializers.CharField(allow_blank=True)
    title = serializers.CharField(help_text="What was learnt.")
    provider = serializers.CharField()
    school = serializers.CharField(allow_blank=True, help_text="The school at the time.")
    completed_on = serializers.DateField()
    renew_by = serializers.DateField(allow_null=True)
    guidance_edition = serializers.CharField()
    review_status = serializers.CharField(help_text='"draft" while no professional has reviewed the module.')
    hours = serializers.CharField(help_text="Hours of training, with one decimal.")


class CertificateView(APIView):
    """Whether a certificate is good, and nothing that its holder does not show."""

    permission_classes = [AllowAny]
    throttle_classes = [VerifyThrottle]

    @extend_schema(
        operation_id="verify_certificate",
        parameters=[
            OpenApiParameter("code", str, OpenApiParameter.PATH, description="As on the certificate")
        ],
        responses={200: VerificationSerializer, 404: None, 429: None},
    )
    def get(self, request: Request, code: str) -> Response:
        found = certificates.verification(code, today=timezone.localdate())
        if found is None:
            raise NotFound("No certificate has this number.")
        return Response(VerificationSerializer(found).data)


certificate = door(Door.PUBLIC)(CertificateView.as_view())
