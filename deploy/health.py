"""Is it alive, is it ready, how is it doing: for load balancers and monitoring."""

from collections.abc import Callable, Iterator

from celery import current_app
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from course_content import catalogue
from grading.models import OutgoingScore
from lti_tool import keys
from lti_tool.doors import Door, door
from lti_tool.models import Deployment


@door(Door.PUBLIC)
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """This process answers. Nothing else is asked, so that a slow database restarts no web server."""
    return HttpResponse("alive\n", content_type="text/plain")


@door(Door.PUBLIC)
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Whether launches can be served: each part by name, 503 when one that is needed is missing.

    The broker is reported but not needed: scores wait in the database without it.
    """
    parts = {name: _works(check) for name, check in _CHECKS.items()}
    needed = all(works for name, works in parts.items() if name != "broker")
    return JsonResponse({"ready": needed, **parts}, status=200 if needed else 503)


def _works(check: Callable[[], object]) -> bool:
    try:
        return bool(check())
    except Exception:  # whatever is wrong with a part, the answer is the same: not ready
        return False


def _database() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _broker() -> bool:
    with current_app.connection_for_write(connect_timeout=2) as broker:
        broker.ensure_connection(max_retries=1, timeout=2)
    return True


def _cache() -> bool:
    cache.set("readyz", 1, 10)
    return bool(cache.get("readyz") == 1)


_CHECKS: dict[str, Callable[[], object]] = {
    "database": _database,
    "cache": _cache,
    "keys": keys.signing_key,
    "packs": catalogue.all_modules,
    "broker": _broker,
}


class _Figures(Collector):
    """Counted from the rows when somebody looks, so every process tells the same."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        scores = GaugeMetricFamily("saferesponse_scores", "Outgoing scores by state.", labels=["state"])
        counted = dict(OutgoingScore.objects.values_list("state").annotate(Count("pk")))
        for state in OutgoingScore.State.values:
            scores.add_metric([state], counted.get(state, 0))
        yield scores
        oldest = OutgoingScore.objects.filter(state=OutgoingScore.State.WAITING).aggregate(
            oldest=Min("queued_at")
        )["oldest"]
        yield GaugeMetricFamily(
            "saferesponse_oldest_waiting_score_seconds",
            "Age of the oldest score that has not reached its VLE.",
            value=(timezone.now() - oldest).total_seconds() if oldest else 0,
        )
        yield GaugeMetricFamily(
            "saferesponse_pending_deployments",
            "Deployments waiting for an admin to accept them.",
            value=Deployment.objects.filter(status=Deployment.Status.PENDING).count(),
        )


_registry = CollectorRegistry()
_registry.register(_Figures())


@door(Door.PUBLIC)
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus figures: counts only, of nobody in particular. Keep it off the public network."""
    return HttpResponse(generate_latest(_registry), content_type=CONTENT_TYPE_LATEST)
