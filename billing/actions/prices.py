"""The operator's own prices."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.models import Price, PriceSource
from billing.price_conditions import LONG_RATES, MEDIA_RATES, RATES
from orgs import audit
from orgs.models import User

AUDITED = (
    "service_tier",
    *RATES,
    *MEDIA_RATES,
    "long_context_above",
    *LONG_RATES,
)


@transaction.atomic
def add_price(*, price: Price, acting_user: User, now: datetime) -> None:
    """Add the operator's own price. Rows that exist are never changed."""
    price.source = PriceSource.OPERATOR
    price.created_at = now
    price.save(force_insert=True)
    audit.record(
        organization=None,
        actor=acting_user,
        action="price.created",
        target=f"{price.model} from {price.effective_from:%Y-%m-%d %H:%M}"[:120],
        details={"after": {name: getattr(price, name) for name in AUDITED}},
        now=now,
    )
