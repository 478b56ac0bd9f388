"""Reads for the operator's page of health: across organizations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Sum

from billing.models import GatewayProcess, Hold
from billing.upkeep_models import Proof, Verification

# Of each kind of hold, those that are younger than this and not yet counted.
AGES = (
    ("under a minute", timedelta(minutes=1)),
    ("1 to 10 minutes", timedelta(minutes=10)),
    ("10 to 60 minutes", timedelta(hours=1)),
)
OLDER = "over an hour"


@dataclass(frozen=True, slots=True)
class HoldsOfAge:
    """How many requests hold money for so long, and how much."""

    age: str
    count: int
    nanos: int


def holds_by_age(*, now: datetime) -> Sequence[HoldsOfAge]:
    """Return the holds in bands of age, the youngest first, empty bands too."""
    youngest = now
    found = []
    for name, age in AGES:
        found.append(band(name, Q(created_at__gt=now - age, created_at__lte=youngest)))
        youngest = now - age
    return [*found, band(OLDER, Q(created_at__lte=youngest))]


def band(name: str, condition: Q) -> HoldsOfAge:
    sums = Hold.objects.filter(condition).aggregate(
        n=Count("pk"), sum=Sum("bound_nanos")
    )
    return HoldsOfAge(name, sums["n"], sums["sum"] or 0)


def oldest_hold_at() -> datetime | None:
    oldest: datetime | None = Hold.objects.aggregate(at=Min("created_at"))["at"]
    return oldest


def orphaned_holds(*, silent_since: datetime) -> QuerySet[Hold]:
    """Return holds whose gateway has not said since then that it lives."""
    living = GatewayProcess.objects.filter(
        pk=OuterRef("gateway_id"), beat_at__gt=silent_since
    )
    return Hold.objects.filter(~Exists(living), created_at__lte=silent_since)


def newest_verification(proof: Proof) -> Verification | None:
    return Verification.objects.filter(proof=proof).order_by("-finished_at").first()


def installed_at() -> datetime | None:
    """Return when the first migration was applied."""
    applied = MigrationRecorder(connection).migration_qs
    first: datetime | None = applied.aggregate(at=Min("applied"))["at"]
    return first


def database_bytes() -> int:
    """Return how much disk the database takes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])
