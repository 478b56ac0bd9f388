"""What Prometheus reads: this process's counts, and a few sums of the database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.db.models import Count, Min, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import REGISTRY, GaugeMetricFamily

from billing.models import GatewayProcess, Hold
from config.vitals import books, surroundings, work
from config.vitals.line import Line, seconds_since
from orgs.access import is_operator
from orgs.models import MailStatus, OutboxMail
from orgs.reach import whole_installation
from usage.models import UsageHour
from usage.queries import watermark

GATEWAY_ALIVE_S = 10
ESTIMATES_SPAN = timedelta(days=1)
# Facts of the operator's page of health: name, which line's, which fact, meaning.
VITALS: tuple[tuple[str, Callable[[datetime], Line], str, str], ...] = (
    ("workers", work.workers, "alive", "Workers that live."),
    ("queue_waiting", work.queue, "waiting", "Tasks that wait for a worker."),
    (
        "queue_oldest_seconds",
        work.queue,
        "oldest_seconds",
        "How long the first of them waits.",
    ),
    (
        "periodic_work_late",
        work.periodic_work,
        "late",
        "Periodic tasks late or failed.",
    ),
    ("rollup_lag_records", books.rollups, "lag_records", "Records not in the sums."),
    ("ledger_lag_records", books.posting, "lag_records", "Records not posted."),
    ("ledger_lag_seconds", books.posting, "lag_seconds", "How long the first waits."),
    ("orphaned_holds", books.holds, "orphaned", "Holds that nobody settles."),
    ("unpriced_models", books.unpriced, "models", "Models in use without a price."),
    (
        "partitions_made",
        books.partitions,
        "months_made",
        "Months with a partition, from this one on.",
    ),
    (
        "outbox_failed",
        surroundings.mail,
        "failed",
        "Mails given up in the last 7 days.",
    ),
    (
        "provider_bills_failed",
        surroundings.bills,
        "failed",
        "Comparisons with a provider's bill that failed last.",
    ),
    (
        "books_wrong",
        books.proof_of_books,
        "wrong",
        "Invariants that the last proof of the books found broken.",
    ),
    (
        "books_proven_seconds",
        books.proof_of_books,
        "age_seconds",
        "How long ago that was.",
    ),
    (
        "audit_wrong",
        books.proof_of_audit,
        "wrong",
        "What the last proof of the audit log found wrong.",
    ),
)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer operators and holders of METRICS_TOKEN; to others it is not there."""
    if not (is_operator(request.user) or has_token(request)):
        raise Http404
    registry = CollectorRegistry()
    registry.register(DatabaseCollector(now=timezone.now()))
    body = generate_latest(REGISTRY) + generate_latest(registry)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not settings.METRICS_TOKEN or scheme.lower() != "bearer":
        return False
    expected = settings.METRICS_TOKEN.encode()
    return secrets.compare_digest(token.strip().encode(), expected)


class DatabaseCollector:
    """The state of the whole installation: the same from every process."""

    def __init__(self, *, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield what the database knows, or that it does not answer."""
        try:
            with whole_installation("metrics"):
                found = list(self.gauges())
        except DatabaseError:
            found = []
        yield gauge(
            "database_reachable", "1 if Postgres answered just now.", bool(found)
        )
        yield from found

    def gauges(self) -> Iterator[GaugeMetricFamily]:
        holds = Hold.objects.aggregate(
            count=Count("pk"), nanos=Sum("bound_nanos"), oldest=Min("created_at")
        )
        yield gauge("holds", "Requests under way that hold money.", holds["count"])
        yield gauge("held_nanodollars", "What they hold.", holds["nanos"] or 0)
        yield gauge(
            "oldest_hold_seconds",
            "Age of the oldest hold: two sweeps at most, or a long answer.",
            seconds_since(holds["oldest"], self.now),
        )
        yield gauge(
            "watermark_age_seconds",
            "How old the hourly sums are that pages show.",
            seconds_since(watermark().as_of, self.now),
        )
        waiting = OutboxMail.objects.filter(status=MailStatus.QUEUED).aggregate(
            count=Count("pk"), oldest=Min("created_at")
        )
        yield gauge("outbox_waiting", "Mails that wait.", waiting["count"])
        yield gauge(
            "outbox_oldest_seconds",
            "Age of the oldest mail that waits.",
            seconds_since(waiting["oldest"], self.now),
        )
        yield gauge(
            "estimated_records",
            "Records of the last day that were charged at their bound.",
            self.estimated_records(),
        )
        yield gauge("gateways", "Gateways that live.", self.living_gateways())
        yield from self.vitals()

    def vitals(self) -> Iterator[GaugeMetricFamily]:
        lines = {look: look(self.now) for look in {each[1] for each in VITALS}}
        for name, look, fact, meaning in VITALS:
            # What is not known yet, or Redis does not tell, is 0.
            yield gauge(name, meaning, float(lines[look].facts.get(fact) or 0))

    def estimated_records(self) -> int:
        hours = UsageHour.objects.filter(hour__gt=self.now - ESTIMATES_SPAN)
        total: int | None = hours.aggregate(n=Sum("estimated_requests"))["n"]
        return total or 0

    def living_gateways(self) -> int:
        since = self.now - timedelta(seconds=GATEWAY_ALIVE_S)
        return GatewayProcess.objects.filter(beat_at__gt=since).count()


def gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tokenhouse_{name}", meaning, value=value)
