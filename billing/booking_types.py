"""What is booked: holds, settlements, releases, and the records they leave."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from billing.pricing import Tokens
from core.ids import event_time
from core.periods import cycle_of
from usage.counts import COUNTS

# The fields of `Tokens` in the order of the columns that keep them.
TOKEN_COUNTS = attrgetter(*(name.removesuffix("_tokens") for name in COUNTS))

BudgetKey = tuple[int, date]
# Organization, cycle, scope (billing.models.Scope's value), key's or person's id.
ScopeKey = tuple[int, date, str, int]


def scope_keys(
    key: BudgetKey, api_key_id: int | None, user_id: int | None
) -> list[ScopeKey]:
    """Return the parts of a budget that a request of a key and a person counts in."""
    subjects = ("key", api_key_id), ("member", user_id)
    return [(*key, scope, id_) for scope, id_ in subjects if id_ is not None]


@dataclass(frozen=True, slots=True)
class Hold:
    """
    Money to set aside for one request.

    A bound of None means that nobody can say what the request may cost: it is held
    (at zero) only where no limit applies.
    """

    event_id: uuid.UUID
    organization_id: int
    api_key_id: int
    user_id: int | None
    gateway_id: uuid.UUID
    endpoint: str
    model: str
    simulated: bool
    streamed: bool
    price_id: int
    bound_nanos: int | None
    # Both follow from the event id.
    occurred_at: datetime = field(init=False)
    cycle_start: date = field(init=False)

    def __post_init__(self) -> None:
        occurred_at = event_time(self.event_id)
        object.__setattr__(self, "occurred_at", occurred_at)
        object.__setattr__(self, "cycle_start", cycle_of(occurred_at))

    @property
    def key(self) -> BudgetKey:
        """Which budget row pays."""
        return self.organization_id, self.cycle_start

    @property
    def scope_keys(self) -> list[ScopeKey]:
        return scope_keys(self.key, self.api_key_id, self.user_id)

    def as_release(self) -> Release:
        return Release(self.event_id, self.key)

    def as_row(self, *, budget_id: int) -> dict[str, Any]:
        return {
            "event_id": self.event_id,
            "organization_id": self.organization_id,
            "api_key_id": self.api_key_id,
            "user_id": self.user_id,
            "budget_id": budget_id,
            "cycle_start": self.cycle_start,
            "gateway_id": self.gateway_id,
            "endpoint": self.endpoint,
            "model": self.model,
            "simulated": self.simulated,
            "streamed": self.streamed,
            "price_id": self.price_id,
            "bound_nanos": self.bound_nanos or 0,
        }


@dataclass(frozen=True, slots=True)
class Release:
    """A hold to give back undispatched. Only the gateway that made it may."""

    event_id: uuid.UUID
    key: BudgetKey


@dataclass(frozen=True, slots=True)
class Record:
    """A usage record to be. `kind` is usage.models.RecordKind's value."""

    hold: Hold
    event_id: uuid.UUID
    kind: str
    corrects: uuid.UUID | None
    outcome: str
    status_code: int
    tokens: Tokens
    cost_nanos: int
    latency_ms: int
    first_token_ms: int | None
    # The price that the cost was computed by: the hold's, or another tier's.
    price_id: int
    # As the provider's answer said; empty if it did not.
    service_tier: str

    def as_correction(
        self, event_id: uuid.UUID, corrects: uuid.UUID, past_cost_nanos: int
    ) -> Record:
        """Return the record that makes an estimate true: their difference."""
        return replace(
            self,
            event_id=event_id,
            kind="correction",
            corrects=corrects,
            cost_nanos=self.cost_nanos - past_cost_nanos,
        )

    def as_row(self, *, credit_nanos: int) -> dict[str, Any]:
        """Return the row to be; `credit_nanos` of the cost were paid by credit."""
        hold = self.hold
        return {
            "event_id": self.event_id,
            "occurred_at": hold.occurred_at,
            "organization_id": hold.organization_id,
            "api_key_id": hold.api_key_id,
            "user_id": hold.user_id,
            "endpoint": hold.endpoint,
            "model": hold.model,
            "simulated": hold.simulated,
            **dict(zip(COUNTS, TOKEN_COUNTS(self.tokens), strict=True)),
            "cost_nanos": self.cost_nanos,
            "cycle_start": hold.cycle_start,
            "kind": self.kind,
            "corrects": self.corrects,
            "outcome": self.outcome,
            "status_code": self.status_code,
            "streamed": hold.streamed,
            "service_tier": self.service_tier,
            "price_id": self.price_id,
            "held_nanos": hold.bound_nanos or 0,
            "credit_nanos": credit_nanos,
            "latency_ms": self.latency_ms,
            "first_token_ms": self.first_token_ms,
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of a request that was dispatched: its hold and its record."""

    hold: Hold
    record: Record
    # The sweep's: its hold may have been released since it was found.
    only_if_held: bool = False
    # Of a request that was never sent: takes back what the sweep charged for it.
    only_if_estimated: bool = False

    @property
    def event_id(self) -> uuid.UUID:
        return self.hold.event_id

    @property
    def exceeds_bound(self) -> bool:
        """It costs more than was ever thought possible: the bound was none."""
        bound = self.hold.bound_nanos
        return bound is not None and self.record.cost_nanos > bound


def settlement(
    hold: Hold,
    *,
    outcome: str,
    status_code: int,
    tokens: Tokens,
    cost_nanos: int,
    latency_ms: int,
    first_token_ms: int | None = None,
    is_estimated: bool = False,
    price_id: int | None = None,
    service_tier: str = "",
) -> Settlement:
    """
    Return the settlement of a hold. Cost in nano-dollars, times in ms.

    The price is the hold's, unless the answer was of another service tier.
    """
    record = Record(
        hold=hold,
        event_id=hold.event_id,
        kind="estimated" if is_estimated else "actual",
        corrects=None,
        outcome=outcome,
        status_code=status_code,
        tokens=tokens,
        cost_nanos=cost_nanos,
        latency_ms=latency_ms,
        first_token_ms=first_token_ms,
        price_id=hold.price_id if price_id is None else price_id,
        service_tier=service_tier[:16],
    )
    return Settlement(hold=hold, record=record)
