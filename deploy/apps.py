"""Wiring: the Celery application is loaded with Django, so that any process can ring the doorbell."""

from django.apps import AppConfig


class DeployConfig(AppConfig):
    name = "deploy"
    verbose_name = "Deployment"

    def ready(self) -> None:
        from deploy import celery  # noqa: F401  (importing it makes it the current app)
