"""An organization's thresholds, each with the amount that it stands for now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.alert_models import Basis, SoftLimit
from billing.models import SpendLimits
from orgs.models import Organization


@dataclass(frozen=True, slots=True)
class Threshold:
    """A soft limit. Without a limit, a percentage of it is no amount: None."""

    public_id: str
    amount_nanos: int | None
    percent: int | None
    basis: str
    recipients: tuple[str, ...]
    created_at: datetime
    created_by: str

    @property
    def is_forecast(self) -> bool:
        return self.basis == Basis.FORECAST


@dataclass(frozen=True, slots=True)
class ReachableLimit:
    """A threshold that the spend of a cycle can reach, and its amount."""

    public_id: str
    amount_nanos: int


def reachable_limits(
    organization: Organization, whole_nanos: int | None
) -> tuple[ReachableLimit, ...]:
    """Return the thresholds that compare with what is spent, lowest first."""
    return tuple(
        ReachableLimit(each.public_id, each.amount_nanos)
        for each in thresholds_within(organization, whole_nanos)
        if not each.is_forecast and each.amount_nanos
    )


def thresholds_of(organization: Organization) -> list[Threshold]:
    """Return the thresholds, lowest amount first; those of no amount last."""
    limits = SpendLimits.objects.filter(organization=organization).first()
    whole_nanos = (
        lower_of(limits.hard_limit_nanos, limits.approved_limit_nanos)
        if limits
        else None
    )
    return thresholds_within(organization, whole_nanos)


def thresholds_within(
    organization: Organization, whole_nanos: int | None
) -> list[Threshold]:
    """Do the same where it is known what percentages are of."""
    rows = SoftLimit.objects.filter(organization=organization)
    found = [
        Threshold(
            public_id=row.public_id,
            amount_nanos=amount_of(row, whole_nanos),
            percent=row.percent,
            basis=row.basis,
            recipients=tuple(row.recipients),
            created_at=row.created_at,
            created_by=row.created_by.get_full_name() if row.created_by else "",
        )
        for row in rows.select_related("created_by").order_by("pk")
    ]
    return sorted(found, key=by_amount)


def by_amount(threshold: Threshold) -> tuple[bool, int]:
    return threshold.amount_nanos is None, threshold.amount_nanos or 0


def lower_of(hard_nanos: int | None, approved_nanos: int | None) -> int | None:
    """Return what percentages are of: the lower of both limits, if there is one."""
    both = (hard_nanos, approved_nanos)
    return min((each for each in both if each is not None), default=None)


def amount_of(row: SoftLimit, whole_nanos: int | None) -> int | None:
    """Return the amount; as `billing.alert_sql` computes it, rounded down."""
    if row.percent is None:
        return row.amount_nanos
    return whole_nanos * row.percent // 100 if whole_nanos else None
