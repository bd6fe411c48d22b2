"""The VLE's own Django settings; `__main__` puts the DEMO_VLE_ variables in place."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from deploy.demo_vle.keys import load_or_create_secret, load_or_create_signing_key

DATA = Path(os.environ["DEMO_VLE_DATA"])
DATA.mkdir(parents=True, exist_ok=True)

# Who the VLE is, and what it knows from the start of one tool: addresses and two agreed names.
PUBLIC_URL = os.environ["DEMO_VLE_PUBLIC_URL"]
TOOL_URL = os.environ["DEMO_VLE_TOOL_URL"]
DEMO_TOOL = {
    "client_id": "demo-client",
    "deployment_id": "demo-deployment",
    "name": "SafeResponse",
    "description": "Training in responding when children share nudes and semi-nudes.",
    "login_url": f"{TOOL_URL}/lti/login/",
    "jwks_url": f"{TOOL_URL}/lti/jwks/",
    "target_link_uri": f"{TOOL_URL}/lti/launch/",
    "redirect_uris": [f"{TOOL_URL}/lti/launch/"],
}
# A key set's address is the browser's; this process may have to go another way to it.
KEY_SETS_ELSEWHERE = {DEMO_TOOL["jwks_url"]: os.environ["DEMO_VLE_TOOL_JWKS_URL"]}

SIGNING_KEY = load_or_create_signing_key(DATA / "signing-key.pem")
SECRET_KEY = load_or_create_secret(DATA / "secret-key")

DEBUG = False
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = [_public.hostname or "localhost", "localhost", "127.0.0.1"]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]

INSTALLED_APPS = ["deploy.demo_vle"]
ROOT_URLCONF = "deploy.demo_vle.urls"
APPEND_SLASH = False
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "deploy.demo_vle.middleware.content_security_policy",
    "deploy.demo_vle.middleware.own_address",
    "django.middleware.csrf.CsrfViewMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "deploy.demo_vle.pages.common.common_context",
            ]
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        # No migrations: the tables are made when missing, and when one changes the file is another.
        "NAME": DATA / "demo-vle-2.sqlite3",
        "OPTIONS": {
            "timeout": 20,
            # Writers queue instead of failing when two scores arrive together.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
MIGRATION_MODULES = {"demo_vle": None}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Cookies are shared between the ports of one host name, so these have names of their own. Lax is
# enough in the frame: see oidc.py on how the auth request gets its cookie back.
SESSION_COOKIE = "riverside_vle_who"
CSRF_COOKIE_NAME = "riverside_vle_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = SESSION_COOKIE_IS_SECURE = _public.scheme == "https"

# As with Moodle and Canvas, windows opened by the tool's frame keep their opener.
SECURE_CROSS_ORIGIN_OPENER_POLICY = None

USE_TZ = True
TIME_ZONE = "Europe/London"
LANGUAGE_CODE = "en-gb"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        # Only a crash of our own; every request already has its line from server.py.
        "django": {"handlers": ["console"], "level": "ERROR", "propagate": False},
        "django.server": {"handlers": ["console"], "level": "ERROR", "propagate": False},
    },
}
