"""The floor under a launch: two bare Django requests, one token check, two inserts. Nothing more."""

import json
import os
from pathlib import Path

import django
import environ
import jwt
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

DATA = Path(os.environ["DATA_DIR"])

if not settings.configured:
    databases = {"default": environ.Env().db_url("DATABASE_URL")}
    if "sqlite" in databases["default"]["ENGINE"]:
        databases["default"]["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    databases["default"]["CONN_MAX_AGE"] = None
    settings.configure(
        SECRET_KEY="x" * 50,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        DATABASES=databases,
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
    )
    django.setup()


class FloorUser(models.Model):
    sub = models.CharField(max_length=255)

    class Meta:
        app_label = "bench_floor"

    def __str__(self) -> str:
        return self.sub


class FloorLaunch(models.Model):
    nonce = models.CharField(max_length=64, unique=True)

    class Meta:
        app_label = "bench_floor"

    def __str__(self) -> str:
        return self.nonce


with connection.schema_editor() as editor:
    there = connection.introspection.table_names()
    for model in (FloorUser, FloorLaunch):
        if model._meta.db_table in there:
            editor.delete_model(model)
        editor.create_model(model)
connection.close()

KEY = jwt.PyJWK(json.loads((DATA / "platform-key.json").read_text())).key


def login(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("https://vle.example/auth")


def launch(request: HttpRequest) -> HttpResponse:
    claims = jwt.decode(request.POST["id_token"], KEY, algorithms=["RS256"], audience="tool-at-fake")
    FloorUser.objects.create(sub=claims["sub"])
    FloorLaunch.objects.create(nonce=claims["nonce"])
    return HttpResponseRedirect("/landing")


urlpatterns = [path("login", login), path("launch", launch)]
application = get_wsgi_application()
