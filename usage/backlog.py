"""How much is booked that a follower of the records has not seen yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from usage.models import UsageRecord

# Beyond so many, how many exactly is no matter.
COUNTED_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """Records after a watermark; `oldest_at` is when the first of them was booked."""

    records: int
    oldest_at: datetime | None


def backlog_after(sequence: int) -> Backlog:
    """Count the records booked after a place in the booking order."""
    later = UsageRecord.objects.filter(sequence__gt=sequence)
    first = later.order_by("sequence").values_list("booked_at", flat=True).first()
    if first is None:
        return Backlog(0, None)
    return Backlog(later.order_by()[:COUNTED_MAX].count(), first)
