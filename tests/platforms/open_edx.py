"""Open edX's side of LTI 1.3, served by itself: run with the Python of an environment that has lti-consumer-xblock.

    python open_edx.py TOOL_KEY.pem

It prints its address once it answers.
That library is AGPL: nothing of the project imports this file, nor it anything of the project. What Open edX proper
would answer (who may author, which block takes grades) is answered here in its place.
"""

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from wsgiref.simple_server import make_server

import django
from django.conf import settings

server = make_server("127.0.0.1", 0, None)
HERE = f"http://127.0.0.1:{server.server_port}"
TOOL = "https://tool.example"
BLOCK = "block-v1:School+SAFE+2026+type@lti_consumer+block@training"

settings.configure(
    SECRET_KEY="only-for-tests",
    DEBUG=False,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.sites",
        "config_models",
        "waffle",
        "rest_framework",
        "lti_consumer.apps.LTIConsumerApp",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "edx_django_utils.cache.middleware.RequestCacheMiddleware",
    ],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{tempfile.mkdtemp()}/open-edx.sqlite3"}
    },
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    USAGE_ID_PATTERN=r"(?P<usage_id>(?:i4x://?[^/]+/[^/]+/[^/]+/[^@]+(?:@[^/]+)?)|(?:[^/]+))",
    PLATFORM_NAME="Open edX",
    LMS_ROOT_URL=HERE,
    LMS_BASE=HERE,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from lti_consumer.api import get_lti_1p3_launch_start_url  # noqa: E402
from lti_consumer.data import Lti1p3LaunchData  # noqa: E402
from lti_consumer.models import Lti1p3Passport, LtiAgsScore, LtiConfiguration, LtiDlContentItem  # noqa: E402
from lti_consumer.plugin import compat  # noqa: E402

compat.user_has_studio_write_access = lambda *who: True
compat.load_enough_xblock = lambda location: SimpleNamespace(weight=1, display_name="Training")
compat.load_block_as_user = lambda location: SimpleNamespace(has_score=False)


def connection(request):
    """What an author copies into the tool."""
    config = LtiConfiguration.objects.get()
    passport = config.lti_1p3_passport
    api = f"{HERE}/api/lti_consumer/v1"
    return JsonResponse(
        {
            "issuer": HERE,
            "client_id": passport.lti_1p3_client_id,
            "auth_url": f"{api}/launch/",
            "token_url": f"{api}/token/{passport.passport_id}",
            "jwks_url": f"{api}/public_keysets/{passport.passport_id}",
            "deployment_id": "1",
        }
    )


def begin(request):
    """The address of the tool's login for a launch by ?role=, or with ?choose=1 for choosing content."""
    data = Lti1p3LaunchData(
        user_id="7",
        user_role=request.GET["role"],
        config_id=LtiConfiguration.objects.get().config_id,
        resource_link_id=BLOCK,
        external_user_id="user-7",
        name="Dylan Evans",
        context_id="course-v1:School+SAFE+2026",
        context_type=["course_offering"],
        context_title="Safeguarding",
        launch_presentation_document_target="iframe",
        custom_parameters={"module": "all-staff-awareness"},
    )
    chosen = LtiDlContentItem.objects.first()
    url = get_lti_1p3_launch_start_url(
        data,
        deep_link_launch="choose" in request.GET,
        dl_content_id=chosen.pk if chosen else None,
    )
    return JsonResponse({"login": url})


def kept(request):
    """What it has taken: scores, and the content that was chosen."""
    scores = LtiAgsScore.objects.values("user_id", "score_given", "score_maximum", "comment")
    return JsonResponse(
        {"scores": list(scores), "content": [item.attributes for item in LtiDlContentItem.objects.all()]}
    )


urlpatterns = [
    path("api/", include("lti_consumer.plugin.urls")),
    path("connection", connection),
    path("begin", begin),
    path("kept", kept),
]


def main():
    call_command("migrate", verbosity=0)
    LtiConfiguration.objects.create(
        version=LtiConfiguration.LTI_1P3,
        config_store=LtiConfiguration.CONFIG_ON_DB,
        location=BLOCK,
        lti_1p3_passport=Lti1p3Passport.objects.create(lti_1p3_tool_public_key=Path(sys.argv[1]).read_text()),
        lti_1p3_oidc_url=f"{TOOL}/lti/login/",
        lti_1p3_launch_url=f"{TOOL}/lti/launch/",
        lti_1p3_redirect_uris=[f"{TOOL}/lti/launch/"],
        lti_advantage_ags_mode=LtiConfiguration.LTI_ADVANTAGE_AGS_PROGRAMMATIC,
        lti_advantage_deep_linking_enabled=True,
        lti_advantage_deep_linking_launch_url=f"{TOOL}/lti/launch/",
    )
    server.set_app(get_wsgi_application())
    print(HERE, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
