"""Which credit pays, and how much of it can still be held. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

# What people are told of `consumption_order`, on the page and in the documents.
ORDER_IN_WORDS = (
    "The credit that expires first pays first; of those that expire together, the one "
    "with the lower priority number. Credit that never expires pays last."
)
NEVER = datetime.max.replace(tzinfo=UTC)
PRIORITY_USUAL = 50


def consumption_order(
    *, expires_at: datetime | None, priority: int, grant_id: int
) -> tuple[datetime, int, int]:
    """Return what grants are sorted by: the first in this order pays first."""
    return expires_at or NEVER, priority, grant_id


@dataclass(slots=True)
class Grant:
    """
    A credit grant during a booking; amounts in nano-dollars.

    One that has ended (expired, or voided) still pays for requests that were held
    before, and for those alone.
    """

    grant_id: int
    available_nanos: int
    expires_at: datetime | None = None
    priority: int = PRIORITY_USUAL
    # When it expires or was voided, whichever comes first; None: neither.
    ends_at: datetime | None = None
    is_live: bool = True
    # Of one that has ended: what is held for requests from before.
    held_before_nanos: int = 0
    consumed_nanos: int = 0

    @property
    def left_nanos(self) -> int:
        return self.available_nanos - self.consumed_nanos

    def pays_for(self, held_at: datetime | None) -> bool:
        """Say whether it pays for a request held then; None: held just now."""
        if held_at is None or self.ends_at is None:
            return self.is_live
        return held_at < self.ends_at

    def release(self, held_at: datetime, nanos: int) -> None:
        """Note that a hold from then is over."""
        if not self.is_live and self.pays_for(held_at):
            self.held_before_nanos -= nanos


def in_order(grants: Iterable[Grant]) -> list[Grant]:
    """Return grants in the order in which they pay."""
    return sorted(
        grants,
        key=lambda grant: consumption_order(
            expires_at=grant.expires_at,
            priority=grant.priority,
            grant_id=grant.grant_id,
        ),
    )


def consume(
    grants: list[Grant], cost_nanos: int, *, held_at: datetime | None = None
) -> int:
    """
    Take a request's cost from grants in their order; return what they did not cover.

    `held_at` says when the money for it was set aside. A negative cost (a correction
    downwards) gives nothing back to the grants: what a grant paid stays paid, and the
    difference shows in the budget alone.
    """
    rest = max(cost_nanos, 0)
    for grant in grants:
        if grant.pays_for(held_at):
            part = min(rest, grant.left_nanos)
            grant.consumed_nanos += part
            rest -= part
    return rest


def backing_nanos(grants: list[Grant]) -> int:
    """
    Return how much credit stands behind all that is held, in nano-dollars.

    What has ended stands behind the holds from before, as far as it goes: what is
    left after taking off everything held is for new requests.
    """
    backing = covered = 0
    for grant in grants:
        part = grant.left_nanos
        if not grant.is_live:
            part = min(part, max(grant.held_before_nanos - covered, 0))
            covered += part
        backing += part
    return backing
