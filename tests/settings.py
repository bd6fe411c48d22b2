"""The settings under test: the real ones, from an environment that no machine's own can disturb."""

import os
import tempfile

# A test run keeps nothing and disturbs no demo.
_data = tempfile.mkdtemp(prefix="saferesponse-tests-")
os.mkdir(f"{_data}/static")
for _name in (
    "PROVIDER_NAME",
    "TRUSTED_PROXY",
    "ALLOWED_HOSTS",
    "CELERY_QUEUE",
    "SSL_REDIRECT",
    "HSTS_SECONDS",
):
    os.environ.pop(_name, None)
os.environ.update(
    ENV_FILE="",
    SECRET_KEY="only-for-tests-" + "x" * 40,
    KEY_ENCRYPTION_KEYS="MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    DEBUG="false",
    PUBLIC_URL="https://tool.example",
    ALLOW_PRIVATE_PLATFORMS="true",
    DATA_DIR=_data,
    STATIC_ROOT=f"{_data}/static",
    CONTENT_PACK_DIRS="",
    LOG_LEVEL="WARNING",
    # SQLite unless the run says otherwise: `.ci/run` runs the same tests on PostgreSQL.
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL", f"sqlite:///{_data}/tests.sqlite3"),
    CACHE_URL="locmemcache://",  # tests move the clock, and Redis has its own; see lti_tool/test_shared_cache.py
    CELERY_BROKER_URL=os.environ.get("TEST_BROKER_URL", "filesystem://localhost"),
    EMAIL_URL="memorymail://",
)

from deploy.settings import *  # noqa: E402, F403

# Launches are tested without TLS in front; that SECURE_SSL_REDIRECT works is Django's to test.
SECURE_SSL_REDIRECT = False
ALLOWED_HOSTS = ["*"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# The embedded SQLite tests use a file, so that threads and processes meet the same locks as a real run.
DATABASES["default"]["TEST"] = (  # noqa: F405
    {"NAME": f"{_data}/under-test.sqlite3"} if "sqlite" in DATABASES["default"]["ENGINE"] else {}  # noqa: F405
)
