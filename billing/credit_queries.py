"""Reads for the pages of credit: each grant, its state, and in which order they pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from billing.credit import consumption_order
from billing.models import CreditGrant
from orgs.models import Organization

ENDS_SOON = timedelta(days=14)
ROWS_MAX = 100


class CreditState(Enum):
    """What a grant is good for; the words stand on its badge."""

    LIVE = "Live"
    ENDS_SOON = "Expires soon"
    COMING = "Not yet"
    USED_UP = "Used up"
    EXPIRED = "Expired"
    VOIDED = "Voided"

    @property
    def can_pay(self) -> bool:
        return self in (CreditState.LIVE, CreditState.ENDS_SOON)

    @property
    def is_open(self) -> bool:
        """It pays now or later, so that it can be voided."""
        return self.can_pay or self is CreditState.COMING

    @property
    def badge(self) -> str:
        """The badge's class."""
        classes = {CreditState.LIVE: "mark-good", CreditState.ENDS_SOON: "mark-warn"}
        return classes.get(self, "")


@dataclass(frozen=True, slots=True)
class CreditRow:
    """A grant and what it is good for."""

    grant: CreditGrant
    state: CreditState


def credit_page(organization: Organization, *, now: datetime) -> list[CreditRow]:
    """Return the grants: those that pay, in their order, then the others."""
    rows = CreditGrant.objects.filter(organization=organization)
    rows = rows.select_related("created_by", "voided_by").order_by("-created_at", "-pk")
    found = [CreditRow(each, state_of(each, now=now)) for each in rows[:ROWS_MAX]]
    paying = [row for row in found if row.state.can_pay]
    others = [row for row in found if not row.state.can_pay]
    return [*sorted(paying, key=place_of), *others]


def place_of(row: CreditRow) -> tuple[datetime, int, int]:
    return consumption_order(
        expires_at=row.grant.expires_at,
        priority=row.grant.priority,
        grant_id=row.grant.pk,
    )


def state_of(grant: CreditGrant, *, now: datetime) -> CreditState:
    """Return what a grant is good for at an instant."""
    ends_at = grant.ends_at
    if ends_at is not None and ends_at <= now:
        is_voided = ends_at == grant.voided_at
        return CreditState.VOIDED if is_voided else CreditState.EXPIRED
    if grant.left_nanos == 0:
        return CreditState.USED_UP
    if grant.effective_at > now:
        return CreditState.COMING
    if ends_at is not None and ends_at - now <= ENDS_SOON:
        return CreditState.ENDS_SOON
    return CreditState.LIVE
