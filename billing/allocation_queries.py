"""What keys and members may spend together, against what the organization may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum

from billing.limits import Funding
from billing.models import SpendLimits
from billing.scope_models import Scope, ScopeBudget, ScopeLimit
from billing.scope_queries import DEFAULTS
from core.periods import cycle_of
from keys.models import ApiKey
from orgs.models import Membership, Organization


@dataclass(frozen=True, slots=True)
class Allocation:
    """What the keys (or the members) may spend per cycle, all of them together."""

    scope: Scope
    default_nanos: int | None
    count: int
    # How many of them have no limit, neither their own nor a default.
    unlimited: int
    # The limits of the others, added up.
    allowed_nanos: int
    # What the organization may spend; None if nothing says so.
    whole_nanos: int | None
    # How many could use that up alone.
    alone: int

    @property
    def percent(self) -> int | None:
        """How much of the whole is given away; over 100 it is more than there is."""
        if not self.whole_nanos:
            return None
        return 100 * self.allowed_nanos // self.whole_nanos

    @property
    def filled_percent(self) -> int:
        """How far the gauge is filled: to its end at most."""
        return min(self.percent or 0, 100)

    @property
    def is_over(self) -> bool:
        percent = self.percent
        return percent is not None and percent > 100


def allocations_of(
    organization: Organization, funding: Funding, *, now: datetime
) -> list[Allocation]:
    """Return the allocation of keys that work, and of members."""
    limits = (funding.hard_limit_nanos, funding.approved_limit_nanos)
    whole = min((limit for limit in limits if limit is not None), default=None)
    defaults = SpendLimits.objects.filter(organization=organization).first()
    keys = ApiKey.objects.usable_in(organization).live(at=now).distinct()
    members = Membership.objects.filter(organization=organization)
    subjects: dict[Scope, tuple[QuerySet[Any], str]] = {
        Scope.KEY: (keys, "pk"),
        Scope.MEMBER: (members, "user_id"),
    }
    return [
        allocation(
            organization,
            scope,
            rows,
            subject,
            default=getattr(defaults, DEFAULTS[scope], None),
            whole=whole,
        )
        for scope, (rows, subject) in subjects.items()
    ]


def allocation(
    organization: Organization,
    scope: Scope,
    rows: QuerySet[Any],
    subject: str,
    *,
    default: int | None,
    whole: int | None,
) -> Allocation:
    limits = ScopeLimit.objects.filter(
        organization=organization, scope=scope, subject_id=OuterRef(subject)
    )
    sums = rows.annotate(own=Subquery(limits.values("amount_nanos"))).aggregate(
        count=Count("pk"),
        with_own=Count("own"),
        own_nanos=Sum("own", default=0),
        alone=Count("pk", filter=Q(own__gte=whole or 0)),
    )
    others = sums["count"] - sums["with_own"]
    is_enough = whole is not None and (default is None or default >= whole)
    return Allocation(
        scope=scope,
        default_nanos=default,
        count=sums["count"],
        unlimited=others if default is None else 0,
        allowed_nanos=sums["own_nanos"] + others * (default or 0),
        whole_nanos=whole,
        alone=(sums["alone"] + (others if is_enough else 0)) if whole else 0,
    )


def most_used_by_default(
    organization: Organization, scope: Scope, *, now: datetime
) -> int:
    """Return the most that one without a limit of its own spent and holds."""
    own = ScopeLimit.objects.filter(organization=organization, scope=scope)
    parts = ScopeBudget.objects.filter(
        organization=organization, scope=scope, cycle_start=cycle_of(now)
    ).exclude(subject_id__in=own.values("subject_id"))
    used = (part.spent_nanos + part.held_nanos for part in parts)
    return max(used, default=0)
