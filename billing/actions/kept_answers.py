"""Answers that nobody may ask for again are forgotten."""

from __future__ import annotations

from datetime import datetime

from billing.gateway_models import KeptAnswer

BATCH_MAX = 1000


def forget_kept_answers(*, now: datetime, batch_max: int = BATCH_MAX) -> int:
    """
    Delete some kept answers whose time is over; return how many.

    Safe to repeat and to run twice at once. A place that is claimed anew meanwhile
    has a new time, and stays.
    """
    over = KeptAnswer.objects.filter(expires_at__lt=now)
    some = list(over.order_by("expires_at").values_list("pk", flat=True)[:batch_max])
    deleted, _ = over.filter(pk__in=some).delete()
    return deleted
