"""Where genai-prices says something else than our list. Nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from billing.models import Price, PriceSource
from billing.price_conditions import EVERY_RATE
from billing.price_drafts import TERMS
from billing.rate_words import rate_label, unit_of, units_of

Name = tuple[str, str]


class Difference(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    # The operator said something else, or ended the price.
    YOURS = "yours"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class RateChange:
    """A rate in nano-dollars, before and after; None where there is none."""

    label: str
    unit: str
    units: int
    before: int | None
    after: int | None

    @property
    def percent(self) -> int | None:
        """Return by how many percent it changes, whole, away from zero."""
        if not self.before or self.after is None:
            return None
        share = 100 * (self.after - self.before) / self.before
        return round(share) or (0 if share == 0 else int(share / abs(share)))

    @property
    def percent_words(self) -> str:
        return "" if self.percent is None else f"{self.percent:+,} %"


@dataclass(frozen=True, slots=True)
class PriceDifference:
    """A row to take over, and the one that is in force before it."""

    kind: Difference
    before: Price | None
    after: Price
    # Whether the public list says from when on.
    is_dated: bool = False

    @property
    def key(self) -> str:
        """What names it in a form: as long as the lists are the same."""
        day = f"{self.after.effective_from:%Y-%m-%d}" if self.is_dated else ""
        return f"{self.after.model} {self.after.service_tier} {day}".strip()

    @property
    def is_proposed(self) -> bool:
        """Whether it is taken unless the operator says no."""
        return self.kind in (Difference.NEW, Difference.CHANGED)

    @property
    def rates(self) -> list[RateChange]:
        """The rates that are others; of a new price, all."""
        return [
            each
            for each in rate_changes(self.before, self.after)
            if each.before != each.after or self.kind is Difference.NEW
        ]


def rate_changes(before: Price | None, after: Price) -> list[RateChange]:
    """Return each rate that one of two prices has."""
    changes = [
        RateChange(
            rate_label(name),
            unit_of(name),
            units_of(name),
            getattr(before, name) if before else None,
            getattr(after, name),
        )
        for name in EVERY_RATE
    ]
    return [each for each in changes if (each.before, each.after) != (None, None)]


def differences(
    listed: Iterable[Price], ours: Iterable[Price], *, starts: datetime, now: datetime
) -> list[PriceDifference]:
    """
    Return what to take over so that our list says what the public one does.

    `listed` are the public list's rows, `ours` those of our list, both with all their
    dates. What holds already begins at `starts`, which is not in the past; what is
    announced keeps its day.
    """
    public, own = by_name(listed), by_name(ours)
    found = [
        each
        for name in sorted(public)
        for each in of_name(public[name], own.get(name, []), starts, now)
    ]
    gone = (own[name] for name in sorted(own) if name not in public)
    return found + [each for rows in gone for each in vanished(rows, starts, now)]


def by_name(prices: Iterable[Price]) -> dict[Name, list[Price]]:
    histories: dict[Name, list[Price]] = defaultdict(list)
    for price in sorted(prices, key=lambda price: price.effective_from):
        histories[price.model, price.service_tier].append(price)
    return histories


def of_name(
    public: Sequence[Price], own: Sequence[Price], starts: datetime, now: datetime
) -> Iterator[PriceDifference]:
    in_force, current = newest(own, now), newest(public, now)
    announced = {price.effective_from for price in public if price.effective_from > now}
    planned = {price.effective_from for price in own if price.effective_from > now}
    # What the operator has planned from then on is theirs to decide.
    if planned - announced:
        return
    if current is not None and not says_the_same(in_force, current):
        after = beginning(current, starts)
        yield PriceDifference(kind_of(in_force), in_force, after)
    for price in public:
        if price.effective_from in announced - planned:
            before = newest(public, price.effective_from, strictly=True) or in_force
            yield PriceDifference(kind_of(in_force), before, price, is_dated=True)


def vanished(
    rows: Sequence[Price], starts: datetime, now: datetime
) -> Iterator[PriceDifference]:
    """Yield how a price of theirs ends that they do not have any more."""
    latest = rows[-1]
    is_theirs = latest.source == PriceSource.GENAI_PRICES and not latest.ends
    if is_theirs and latest.effective_from <= now:
        end = Price(
            model=latest.model,
            service_tier=latest.service_tier,
            effective_from=starts,
            ends=True,
        )
        yield PriceDifference(Difference.VANISHED, latest, end)


def newest(
    rows: Sequence[Price], at: datetime, *, strictly: bool = False
) -> Price | None:
    begun = [
        price
        for price in rows
        if price.effective_from < at or (price.effective_from == at and not strictly)
    ]
    return begun[-1] if begun else None


def kind_of(in_force: Price | None) -> Difference:
    if in_force is None:
        return Difference.NEW
    is_theirs = in_force.source == PriceSource.GENAI_PRICES
    return Difference.CHANGED if is_theirs else Difference.YOURS


def says_the_same(price: Price | None, other: Price) -> bool:
    return (
        price is not None
        and not price.ends
        and all(getattr(price, name) == getattr(other, name) for name in TERMS)
    )


def beginning(price: Price, starts: datetime) -> Price:
    """Return a row that says the same from another instant on."""
    return Price(
        model=price.model,
        service_tier=price.service_tier,
        effective_from=starts,
        source_version=price.source_version,
        **{name: getattr(price, name) for name in TERMS},
    )
