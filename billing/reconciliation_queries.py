"""Reads for comparisons with a provider's bill: what was booked, what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from billing.reconciliation_models import (
    Reconciliation,
    ReconciliationRow,
    ReconciliationStatus,
    Verdict,
)
from billing.reconciling import Booked
from core.periods import start_of_day
from keys.models import ProviderAdminKey
from orgs.models import Organization
from usage.models import UsageHour


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of rows, in nano-dollars, and how many there are of each verdict."""

    ours_nanos: int
    theirs_nanos: int
    counts: dict[str, int]

    @property
    def difference_nanos(self) -> int:
        return self.theirs_nanos - self.ours_nanos


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the newest comparisons say of some days; when the oldest of them was."""

    rows: Sequence[ReconciliationRow]
    totals: Totals
    runs: Sequence[Reconciliation]
    days_missing: Sequence[date]


def booked_between(
    organization: Organization, first_day: date, last_day: date
) -> Iterable[Booked]:
    """Return what was booked on UTC days, both included; simulated usage is none."""
    hours = UsageHour.objects.filter(
        organization=organization,
        simulated=False,
        hour__gte=start_of_day(first_day),
        hour__lt=start_of_day(last_day + timedelta(days=1)),
    )
    sums = (
        hours.order_by()
        .values("model", day=TruncDate("hour"))
        .annotate(
            cost=Sum("cost_nanos"),
            n=Sum("requests"),
            estimated=Sum("estimated_requests"),
            tokens=Sum(F("input_tokens") + F("output_tokens")),
        )
    )
    return [
        Booked(r["day"], r["model"], r["cost"], r["n"], r["estimated"], r["tokens"])
        for r in sums
    ]


def comparable_organizations() -> QuerySet[Organization]:
    """Return those whose provider can be asked, or was asked before, by name."""
    keys = ProviderAdminKey.objects.filter(organization=OuterRef("pk"))
    runs = Reconciliation.objects.filter(organization=OuterRef("pk"))
    return Organization.objects.filter(Exists(keys) | Exists(runs)).order_by("name")


def comparison_of(
    organization: Organization, days: Sequence[date], *, only_differences: bool
) -> Comparison:
    """Return, for each day, what the newest comparison with it found."""
    newest = newest_runs(organization, days)
    condition = Q(pk__in=[])
    for day, run in newest.items():
        condition |= Q(reconciliation=run, day=day)
    found = ReconciliationRow.objects.filter(condition).order_by("day", "model")
    rows = list(found)
    shown = [row for row in rows if not only_differences or is_different(row)]
    return Comparison(
        rows=shown,
        totals=totals_of(rows),
        runs=list({run.pk: run for run in newest.values()}.values()),
        days_missing=[day for day in days if day not in newest],
    )


def newest_runs(
    organization: Organization, days: Sequence[date]
) -> dict[date, Reconciliation]:
    """Return the newest run that succeeded for each day that has one."""
    runs = Reconciliation.objects.filter(
        organization=organization,
        status=ReconciliationStatus.SUCCEEDED,
        first_day__lte=max(days),
        last_day__gte=min(days),
    ).order_by("finished_at", "pk")
    return {
        day: run for run in runs for day in days if run.first_day <= day <= run.last_day
    }


def is_different(row: ReconciliationRow) -> bool:
    return row.verdict != Verdict.MATCHED


def totals_of(rows: Iterable[ReconciliationRow]) -> Totals:
    """Sum rows up."""
    ours = theirs = 0
    counts = dict.fromkeys(Verdict.values, 0)
    for row in rows:
        ours += row.ours_nanos or 0
        theirs += row.theirs_nanos or 0
        counts[row.verdict] += 1
    return Totals(ours, theirs, counts)


def newest_run_of(organization: Organization) -> Reconciliation | None:
    """Return the comparison that was asked for last, whatever became of it."""
    runs = Reconciliation.objects.filter(organization=organization)
    return runs.order_by("-requested_at", "-pk").first()


def failed_comparisons() -> Sequence[Reconciliation]:
    """Return the newest comparison of each admin key, where it failed."""
    ended = Reconciliation.objects.exclude(status=ReconciliationStatus.WAITING).filter(
        Exists(ProviderAdminKey.objects.filter(organization=OuterRef("organization")))
    )
    newest = ended.order_by("organization", "-finished_at", "-pk")
    found = newest.distinct("organization").select_related("organization")
    return [run for run in found if run.status == ReconciliationStatus.FAILED]
