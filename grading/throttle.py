"""Guessing certificate numbers is made slow: so many looks a minute from one address."""

from django.http import HttpRequest
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView


class VerifyThrottle(AnonRateThrottle):
    """DRF's own counter, shared by the page and the API."""

    scope = "verify"


def verify_throttled(request: HttpRequest) -> bool:
    """Whether this address has looked up too many numbers in the last minute."""
    return not VerifyThrottle().allow_request(APIView().initialize_request(request), APIView())
