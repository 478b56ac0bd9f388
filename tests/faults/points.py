"""
The moments of a request at which a gateway is killed or stopped.

Nothing in the product knows of them: each is a message that a proxy stops, on its way
to Postgres or to the provider, so that the gateway is at exactly that place.
"""

from __future__ import annotations

from dataclasses import dataclass

# As the books write rows to Postgres (billing.booking_types).
HOLD_ROW = b'"bound_nanos":'
RECORD_ROW = b'"outcome":'
# As the gateway asks a provider.
DISPATCH = b"POST /v1/"


@dataclass(frozen=True, slots=True)
class Point:
    """A moment, and what must be in the books if the gateway dies there."""

    # The link on which it is seen: "postgres" or "provider".
    link: str
    pattern: bytes
    # As a trap has it: None is before the message arrives.
    answers: int | None
    arrives: bool
    kinds: tuple[str, ...]


POINTS = {
    "before_hold": Point("postgres", HOLD_ROW, None, arrives=False, kinds=()),
    "after_hold": Point("postgres", HOLD_ROW, 0, arrives=False, kinds=("estimated",)),
    "in_dispatch": Point(
        "provider", DISPATCH, None, arrives=False, kinds=("estimated",)
    ),
    "dispatched": Point("provider", DISPATCH, 0, arrives=True, kinds=("estimated",)),
    "mid_stream": Point("provider", DISPATCH, 3, arrives=True, kinds=("estimated",)),
    "before_settlement": Point(
        "postgres", RECORD_ROW, None, arrives=True, kinds=("estimated",)
    ),
    "after_settlement": Point(
        "postgres", RECORD_ROW, 0, arrives=True, kinds=("actual",)
    ),
}
