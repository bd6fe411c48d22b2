"""The Celery application: a doorbell in front of rows that wait in the database."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

app = Celery("saferesponse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["grading", "lti_tool"])
app.set_default()
