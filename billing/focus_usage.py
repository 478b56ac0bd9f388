"""
The usage that an invoice bills, as charges of FOCUS: a day and some keys at a time.

A charge sums up what one key used on one UTC day of one kind of tokens of a model, at
one price. Nothing lasts: each statement reads a day, and memory holds some keys of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from billing import focus
from billing.charges_sql import CHARGES_OF_RECORD, SHARES
from billing.explanations import LABELS
from billing.focus import Charge, ChargeCategory, Priced, Unexplained
from billing.invoice_usage import BILLED, TIERS, Range, fetch
from billing.models import Price
from billing.price_book import PriceBook
from billing.price_list import book_of
from billing.pricing import Tokens, charges_of
from core.periods import Interval, start_of_day
from keys.models import ApiKey
from orgs.models import User

KEYS_AT_ONCE = 100
DAYS = f"""
    SELECT DISTINCT (occurred_at AT TIME ZONE 'UTC')::date AS day
    FROM ({BILLED}) AS billed ORDER BY day
"""  # noqa: S608 - our own SQL
OF_DAY = f"""
    SELECT * FROM ({BILLED}) AS billed
    WHERE occurred_at >= %(day_start)s AND occurred_at < %(day_end)s
"""  # noqa: S608 - our own SQL
KEYS = f"""
    SELECT DISTINCT coalesce(api_key_id, 0) AS key FROM ({OF_DAY}) AS record
    ORDER BY key
"""  # noqa: S608 - our own SQL
# What quantities times prices say, first the subject: key, member, cycle and model.
CHARGES = f"""
    SELECT record.api_key_id, record.user_id, record.cycle_start, record.model,
           price.id, price.service_tier, price.organization_id IS NOT NULL,
           charge.kind,
           coalesce(input_tokens > long_context_above AND charge.has_long, false),
           charge.nanos, sum(charge.quantity)::bigint
    FROM ({OF_DAY} AND coalesce(api_key_id, 0) = ANY(%(keys)s)) AS record
    JOIN billing_price AS price ON price.id = record.price_id
    {SHARES}
    CROSS JOIN LATERAL ({CHARGES_OF_RECORD}) AS charge (
        place, kind, quantity, nanos, has_long
    )
    WHERE record.kind = 'actual' AND charge.quantity <> 0 AND charge.nanos IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6, 7, charge.place, 8, 9, 10
    ORDER BY 1, 2, 3, 4, 5, charge.place, 9, 10
"""  # noqa: S608 - our own SQL
# What all of it cost, and what of it nobody knows the price of.
TOTALS = f"""
    SELECT api_key_id, user_id, cycle_start, model, kind,
           price_id = 0 AND cost_nanos = 0 AND outcome <> 'cached'
               AND endpoint <> 'moderations' AND (
                   input_tokens <> 0 OR output_tokens <> 0
                   OR characters <> 0 OR seconds <> 0
               ) AS is_unpriced,
           count(*), sum(cost_nanos)::bigint,
           sum(input_tokens)::bigint, sum(output_tokens)::bigint
    FROM ({OF_DAY} AND coalesce(api_key_id, 0) = ANY(%(keys)s)) AS record
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608 - our own SQL
WORDS = {
    "estimated": "requests charged at the most they can cost",
    "correction": "corrections of estimates",
    "actual": "without a unit price",
}


class Subject(NamedTuple):
    """Whose usage of what, and the cycle that it was of."""

    key_id: int | None
    user_id: int | None
    cycle_start: date
    model: str


@dataclass(frozen=True, slots=True)
class Day:
    """A day of usage that is billed, and what its charges need to be told."""

    billed: Range
    period: Interval
    list_prices: ListPrices

    def fetch(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        days = {"day_start": self.period.start, "day_end": self.period.end}
        return fetch(statement, self.billed.parameters() | days | more)


def usage_charges(billed: Range) -> Iterator[list[Charge]]:
    """Yield the charges of usage, some at a time: together, what the records cost."""
    list_prices = ListPrices()
    for (day,) in fetch(DAYS, billed.parameters()):
        period = Interval(start_of_day(day), start_of_day(day + timedelta(days=1)))
        of_day = Day(billed, period, list_prices)
        keys = [key for (key,) in of_day.fetch(KEYS)]
        for start in range(0, len(keys), KEYS_AT_ONCE):
            yield charges_of_keys(of_day, keys[start : start + KEYS_AT_ONCE])


def charges_of_keys(day: Day, keys: list[int]) -> list[Charge]:
    """Return what some keys used on a day."""
    priced = [
        (Subject(*row[:4]), priced_of(day, row))
        for row in day.fetch(CHARGES, keys=keys)
    ]
    totals = day.fetch(TOTALS, keys=keys)
    explained: dict[Subject, int] = defaultdict(int)
    for subject, each in priced:
        explained[subject] += each.cost_nanos
    users = Users(Subject(*row[:4]) for row in totals)
    charges = [charge_of_usage(day, users, *each) for each in priced]
    for row in totals:
        subject, kind, is_unpriced = Subject(*row[:4]), row[4], row[5]
        cost_nanos = row[7]
        if kind == "actual" and not is_unpriced:
            cost_nanos -= explained[subject]
        if cost_nanos or is_unpriced:
            rest = Unexplained(subject.model, kind, row[6], is_unpriced, row[8], row[9])
            charges.append(charge_without_price(day, users, subject, rest, cost_nanos))
    return charges


def priced_of(day: Day, row: tuple[Any, ...]) -> Priced:
    _, _, _, model, price_id, tier, is_own, kind, is_long, unit, quantity = row
    listed = None
    if is_own:
        listed = day.list_prices.find(model, tier, kind, is_long, day.period)
    return Priced(
        model=model,
        kind=kind,
        meter=LABELS[kind],
        tier=tier,
        is_long=is_long,
        quantity=quantity,
        unit_nanos=unit,
        list_unit_nanos=unit if listed is None else listed,
        price_id=price_id,
    )


def charge_of_usage(day: Day, users: Users, subject: Subject, of: Priced) -> Charge:
    words = [of.model, of.meter]
    words += [TIERS[of.tier].lower()] if of.tier else []
    words += ["long context"] if of.is_long else []
    return Charge(
        category=ChargeCategory.USAGE,
        description=", ".join(words),
        billed_nanos=of.cost_nanos,
        is_correction=subject.cycle_start < day.billed.cycle_start,
        period=day.period,
        user=users.find(subject),
        of=of,
    )


def charge_without_price(
    day: Day, users: Users, subject: Subject, of: Unexplained, cost_nanos: int
) -> Charge:
    """Return an adjustment: the specification wants a price of whatever is usage."""
    words = "used without a price, not billed" if of.is_unpriced else None
    return Charge(
        category=ChargeCategory.ADJUSTMENT,
        description=f"{of.model}, {words or WORDS[of.record_kind]}",
        billed_nanos=cost_nanos,
        is_correction=subject.cycle_start < day.billed.cycle_start,
        period=day.period,
        user=users.find(subject),
        of=of,
    )


class Users:
    """The keys and members of some charges, by their names of now."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        subjects = list(subjects)
        self.keys = ApiKey.objects.in_bulk({each.key_id or 0 for each in subjects})
        self.people = User.objects.in_bulk({each.user_id or 0 for each in subjects})

    def find(self, subject: Subject) -> focus.User:
        key = self.keys.get(subject.key_id or 0)
        person = self.people.get(subject.user_id or 0)
        return focus.User(
            key_id=key.public_id if key else "",
            key_name=key.name if key else "",
            key_kind=key.kind if key else "",
            member_id=person.public_id if person else "",
            member_name=person.get_full_name() if person else "",
        )


class ListPrices:
    """What the list asks where an organization has a price of its own."""

    def __init__(self) -> None:
        self._book: PriceBook | None = None

    def find(
        self, model: str, tier: str, kind: str, is_long: bool, day: Interval
    ) -> int | None:
        """Return the list's rate at the beginning of a day; None if it has none."""
        if self._book is None:
            self._book = book_of(Price.objects.filter(organization=None))
        rates = self._book.find_listed(model, day.start, tier)
        if rates is None:
            return None
        if is_long and rates.long_context is not None:
            rates = rates.long_context.rates
        by_kind = {each.kind: each.rate_nanos for each in charges_of(rates, Tokens())}
        return by_kind[kind]
