"""The floor under a launch: two bare Django requests, one token check, two inserts. Nothing more."""

import json
import os
from pathlib import Path

import environ
import jwt
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
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

KEY = jwt.PyJWK(json.loads((DATA / "platform-key.json").read_text())).key


def login(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("https://vle.example/auth")


def launch(request: HttpRequest) -> HttpResponse:
    claims = jwt.decode(request.POST["id_token"], KEY, algorithms=["RS256"], audience="tool-at-fake")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_floor_user (sub) VALUES (%s)", [claims["sub"]])
        cursor.execute("INSERT INTO bench_floor_launch (nonce) VALUES (%s)", [claims["nonce"]])
    return HttpResponseRedirect("/landing")


urlpatterns = [path("login", login), path("launch", launch)]


application = get_wsgi_application()
