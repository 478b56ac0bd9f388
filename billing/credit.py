"""Which credit pays: earliest expiry first. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Grant:
    """An unexpired credit grant during a booking; amounts in nano-dollars."""

    grant_id: int
    available_nanos: int
    consumed_nanos: int = 0

    @property
    def left_nanos(self) -> int:
        return self.available_nanos - self.consumed_nanos


def consume(grants: list[Grant], cost_nanos: int) -> int:
    """
    Take a cost from grants in their order and return what they did not cover.

    A negative cost (a correction downwards) gives nothing back to the grants: what
    a grant paid stays paid, and the difference shows in the budget alone.
    """
    rest = max(cost_nanos, 0)
    for grant in grants:
        part = min(rest, grant.left_nanos)
        grant.consumed_nanos += part
        rest -= part
    return rest
