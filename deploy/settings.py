"""The one settings file. Everything that differs between machines is read from the environment.

`.env.example` names every variable. What is missing or wrong stops the start with a hint, not a traceback
three layers down. The defaults are the embedded form (design decision 10): SQLite, a filesystem broker, one
machine; PostgreSQL, RabbitMQ and Redis are a matter of three URLs.
"""

import os
from http.cookies import Morsel
from pathlib import Path
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from cryptography.fernet import Fernet, MultiFernet
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
ENV_FILE = os.environ.get("ENV_FILE", str(BASE_DIR / ".env"))
if ENV_FILE and Path(ENV_FILE).exists():
    environ.Env.read_env(ENV_FILE)

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var")))
DATA_DIR.mkdir(parents=True, exist_ok=True)


def secret(name: str, hint: str) -> str:
    """A required secret, or a start that says how to make one."""
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. {hint} See .env.example.")
    return value


# --- who we are, on the outside -------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret(
    "SECRET_KEY",
    'Make one with: python -c "import secrets; print(secrets.token_urlsafe(50))".',
)
# Fernet keys, newest first: the first encrypts, all decrypt, so a key can be changed without a stop.
KEY_ENCRYPTION_KEYS = env.list("KEY_ENCRYPTION_KEYS", default=[])
try:
    MultiFernet([Fernet(key) for key in KEY_ENCRYPTION_KEYS])
except ValueError:
    raise ImproperlyConfigured(
        f"KEY_ENCRYPTION_KEYS is {'not right' if KEY_ENCRYPTION_KEYS else 'not set'}. Make a key with: python -c "
        '"from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())". See .env.example.'
    ) from None
# 0: only by command.
KEY_ROTATION_DAYS = env.int("KEY_ROTATION_DAYS", default=90)
PUBLIC_URL = secret(
    "PUBLIC_URL", "It is the tool's address, such as https://saferesponse.example.org."
).rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in {"http", "https"} or not _public.hostname or _public.path:
    raise ImproperlyConfigured(
        f"PUBLIC_URL is {PUBLIC_URL!r}; it must be the tool's address as VLEs see it, with no path, "
        "such as https://saferesponse.example.org."
    )
PROVIDER_NAME = env.str("PROVIDER_NAME", default="SafeResponse")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_public.hostname])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXY = env.bool("TRUSTED_PROXY", default=False)
if TRUSTED_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ON_HTTPS = _public.scheme == "https"
# On-premises VLEs and the demo live on private or loopback addresses; nobody else's may be called.
ALLOW_PRIVATE_PLATFORMS = env.bool("ALLOW_PRIVATE_PLATFORMS", default=False)

# --- the applications, in the order of their imports ----------------------------------------------------
INSTALLED_APPS = [
    "deploy.apps.DeployConfig",
    "course_content.apps.CourseContentConfig",
    "grading.apps.GradingConfig",
    "lti_tool.apps.LtiToolConfig",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "lti_tool.middleware.PagePolicy",
    "lti_tool.middleware.Utf8Forms",
    "lti_tool.middleware.Language",
    "lti_tool.middleware.FramedCookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "lti_tool.middleware.SignedIn",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "lti_tool.middleware.DeclaredDoor",
]
ROOT_URLCONF = "deploy.urls"
WSGI_APPLICATION = "deploy.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "deploy" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

# The page a verified launch is sent to, by name: the only way upwards (design §1).
LTI_LANDING_URL = "learn:landing"

# --- where things are kept ------------------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'saferesponse.sqlite3'}")}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    # Write locks are taken when a transaction begins, so two writers wait instead of failing half-way.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
    _database["CONN_MAX_AGE"] = None
else:
    # Planning the read of a launch costs PostgreSQL more than running it: let it keep the plan.
    # (Not through a pooler that gives each transaction another connection: there set DATABASE_PREPARE=false.)
    if env.bool("DATABASE_PREPARE", default=True):
        _database["OPTIONS"] = {"server_side_binding": True, "prepare_threshold": 2}
    _database["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
    _database["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": env.cache_url("CACHE_URL", default=f"filecache://{DATA_DIR / 'cache'}")}

# --- Celery: only the doorbell; what must be done is a row (design §1) ------------------------------------
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://localhost")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A ring that cannot be published must not hold up a learner's submit: beat's sweep finds the row anyway.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_TIMEOUT = 2
if CELERY_BROKER_URL.startswith("filesystem:"):
    _broker = DATA_DIR / "broker"
    for _folder in ("messages", "control"):
        (_broker / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker / "messages"),
        "data_folder_out": str(_broker / "messages"),
        "control_folder": str(_broker / "control"),
        "polling_interval": 0.2,
    }
elif CELERY_BROKER_URL.startswith(("amqp:", "amqps:", "pyamqp:")):
    # Quorum queues survive the loss of a RabbitMQ node; unconfirmed publishes vanish under a memory alarm.
    CELERY_TASK_DEFAULT_QUEUE_TYPE = "quorum"
    CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_QUEUE", default="saferesponse")
    CELERY_WORKER_DETECT_QUORUM_QUEUES = True
    # ETA tasks need a topic exchange with quorum queues; we have none, and the worker warns of a direct one.
    CELERY_TASK_DEFAULT_EXCHANGE_TYPE = "topic"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "confirm_publish": True,
        # A ring to a broker that is down ends at once, not after CELERY_BROKER_CONNECTION_TIMEOUT of trying again.
        "max_retries": 1,
        "interval_start": 0.1,
        # Closing a channel waits for the broker's word, for ever where the broker is mute.
        "read_timeout": 2,
        "write_timeout": 2,
    }
# How long a worker may hold a score before another takes it over. Every process must be told the same.
OUTBOX_LEASE_SECONDS = env.int("OUTBOX_LEASE_SECONDS", default=180)
# A roster of a hundred thousand takes a worker many minutes: the others must be free for grades.
ROSTERS_AT_ONCE = env.int("ROSTERS_AT_ONCE", default=1)
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep-outgoing-scores": {
        "task": "grading.deliver_scores",
        "schedule": env.float("OUTBOX_SWEEP_SECONDS", default=60.0),
    },
    # A ring that nobody has heard within the minute is worth no more than the next.
    "sweep-rosters": {"task": "lti_tool.sync_rosters", "schedule": 60.0, "options": {"expires": 60}},
    "plan-rosters": {"task": "lti_tool.plan_rosters", "schedule": crontab(hour="0", minute="30")},
    # By the clock, not by how long beat has run: one that is restarted every day would never get there.
    "look-after-keys": {"task": "lti_tool.look_after_keys", "schedule": crontab(hour="3", minute="10")},
    "sweep-tallies": {"task": "lti_tool.sweep_tallies", "schedule": crontab(hour="3", minute="20")},
    # In the morning: it sends e-mail to people.
    "chase-local-details": {
        "task": "lti_tool.chase_local_details",
        "schedule": crontab(hour="7", minute="40"),
    },
}

# --- mail, files, language ------------------------------------------------------------------------------
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
# A mail server that does not answer must not hold a worker for ever.
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default=f"no-reply@{_public.hostname}")
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "static-root")))
STATICFILES_DIRS = [BASE_DIR / "deploy" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
LANGUAGE_CODE = "en-gb"
# The interface's; what is taught has its own (`languages` of a form). The texts: `make words`.
LANGUAGES = [("en-gb", "English"), ("cy", "Cymraeg")]
LOCALE_PATHS = [BASE_DIR / "deploy" / "locale"]
USE_TZ = True
TIME_ZONE = "Europe/London"
CONTENT_PACK_DIRS = [Path(p) for p in env.list("CONTENT_PACK_DIRS", default=[])]

# --- security -------------------------------------------------------------------------------------------
# http.cookies learnt "Partitioned" in Python 3.14; Django 5.2 does not know it. Until then we teach Morsel.
Morsel._reserved.setdefault("partitioned", "Partitioned")  # type: ignore[attr-defined]
Morsel._flags.add("partitioned")  # type: ignore[attr-defined]

# Pages live in the VLE's frame, so their cookies must be sent cross-site. Browsers accept Secure cookies on
# loopback too, which is what lets the demo run on plain http.
COOKIES_SECURE = ON_HTTPS or _public.hostname in {"127.0.0.1", "localhost", "::1"}
CSRF_COOKIE_NAME = "sr-csrf"
CSRF_COOKIE_SECURE = COOKIES_SECURE
CSRF_COOKIE_SAMESITE = "None" if COOKIES_SECURE else "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "lti_tool.views.csrf_failure"
# The Django session is for the admin site and never framed.
SESSION_COOKIE_NAME = "sr-admin"
SESSION_COOKIE_SECURE = ON_HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = ON_HTTPS and env.bool("SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31536000) if ON_HTTPS else 0
# The referrer of a page in a course would tell other sites which course; the origin alone is needed for CSRF.
SECURE_REFERRER_POLICY = "strict-origin"
# A window opened by the VLE must keep its opener for platform storage and the closing message.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "unsafe-none"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# X-Frame-Options cannot name a VLE; frame-ancestors in the Content-Security-Policy does.
# What else lives under our domain, and whether it goes on browsers' preload lists, is the deployer's to say.
SILENCED_SYSTEM_CHECKS = ["security.W002", "security.W005", "security.W021"]
# `frame-ancestors` starts at 'none'; a page in a VLE's frame names that VLE (lti_tool.middleware.SignedIn).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_THROTTLE_RATES": {"verify": "60/min"},
    # Whose look-ups are counted: X-Forwarded-For is anybody's to write unless our own proxy adds to it.
    "NUM_PROXIES": 1 if TRUSTED_PROXY else 0,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SafeResponse",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

# --- logs: one line each, key=value, never a token or a name --------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"urllib3": {"level": "WARNING"}, "django.request": {"level": "ERROR"}},
}

# --- the platform ---------------------------------------------------------------------------------------
USER_AGENT = f"SafeResponse/0.1 (+{PUBLIC_URL})"
