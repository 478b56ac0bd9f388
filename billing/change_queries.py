"""What changed between two periods: one answer for the page and its files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from django.db.models import F
from django.db.models.functions import Abs

from billing.models import Price
from billing.price_list import load_price_book
from billing.pricing import Rates, Tokens
from billing.spend_changes import ModelChange, Parts, Spent, changes_by_model, priced
from core.periods import Interval
from orgs.models import Membership
from usage.amounts import Amounts
from usage.comparisons import (
    ModelSums,
    cost_sum,
    largest_groups,
    sums_by_model,
)
from usage.counts import COUNTS
from usage.dimensions import Dimension, Filter, Group
from usage.spans import Span


@dataclass(frozen=True, slots=True)
class Periods:
    """What is compared: two spans, either may be the longer one."""

    before: Span
    after: Span

    @property
    def whole(self) -> Interval:
        """The instants from the first to the last of both."""
        both = self.before.interval, self.after.interval
        return Interval(
            min(each.start for each in both), max(each.end for each in both)
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """Why the spend of a period is another than that of one before."""

    periods: Periods
    # All of them, the largest change first.
    models: tuple[ModelChange, ...]

    @property
    def before(self) -> Spent:
        return reduce(Spent.plus, (each.before for each in self.models), Spent())

    @property
    def after(self) -> Spent:
        return reduce(Spent.plus, (each.after for each in self.models), Spent())

    @property
    def parts(self) -> Parts:
        return reduce(Parts.plus, (each.parts for each in self.models), Parts())

    @property
    def difference(self) -> int:
        return self.after.cost_nanos - self.before.cost_nanos


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What an API key cost before and after."""

    group: Group
    before: Amounts
    after: Amounts

    @property
    def difference(self) -> int:
        return self.after.cost_nanos - self.before.cost_nanos


def changes_between(
    viewer: Membership, periods: Periods, filters: Collection[Filter] = ()
) -> Changes:
    """Return what changed for the organization, by model; a reader sees it too."""
    organization, whole = viewer.organization, periods.whole
    begun = Price.objects.filter(
        effective_from__gt=whole.start, effective_from__lt=whole.end
    )
    borders = sorted(set(begun.values_list("effective_from", flat=True)))
    rows = list(
        sums_by_model(organization, (periods.before, periods.after), borders, filters)
    )
    prices = Prices(organization.pk, (whole.start, *borders))
    before, after = (spends(rows, place, prices) for place in range(2))
    models = {row.model for row in rows}
    rates = {model: prices.before(model, periods) for model in models}
    return Changes(periods, tuple(changes_by_model(before, after, rates)))


class Prices:
    """The rates of each model in each era of a comparison."""

    def __init__(self, organization_id: int, eras: tuple[datetime, ...]) -> None:
        self._book = load_price_book().of(organization_id)
        self._eras = eras

    def at(self, model: str, era: int) -> Rates | None:
        return self._book.find(model, self._eras[era])

    def before(self, model: str, periods: Periods) -> Rates | None:
        """Return the last rates of the period before, or else the first there are."""
        last = max(
            era
            for era, begins in enumerate(self._eras)
            if begins < periods.before.shown.end or not era
        )
        eras = (last, *range(len(self._eras)))
        return next((found for era in eras if (found := self.at(model, era))), None)


def spends(
    rows: Iterable[ModelSums], place: int, prices: Prices
) -> Mapping[str, Spent]:
    """Return what each model used in one of the spans."""
    found: dict[str, Spent] = defaultdict(Spent)
    for row in rows:
        amounts = row.by_span[place]
        if amounts == Amounts():
            continue
        tokens = tokens_of(amounts)
        listed = priced(prices.at(row.model, row.era), tokens)
        spent = Spent(amounts.requests, tokens, amounts.cost_nanos, listed)
        found[row.model] = found[row.model].plus(spent)
    return found


def tokens_of(amounts: Amounts) -> Tokens:
    return Tokens(
        **{name.removesuffix("_tokens"): getattr(amounts, name) for name in COUNTS}
    )


def changes_by_key(
    viewer: Membership,
    periods: Periods,
    filters: Collection[Filter] = (),
    *,
    count: int | None,
) -> list[KeyChange]:
    """
    Return the keys whose cost changed most.

    None of the keys of others to a reader; a count of None means all.
    """
    found = largest_groups(
        viewer.organization,
        (periods.before, periods.after),
        dimension=Dimension.KEY,
        viewer=viewer,
        count=count,
        size=Abs(F(cost_sum(1)) - F(cost_sum(0))),
        filters=filters,
    )
    return [KeyChange(each.group, *each.by_span) for each in found]


def other_keys(changes: Changes, keys: Sequence[KeyChange]) -> KeyChange | None:
    """Return what is not of these keys, if anything is: keys of others, or without."""
    totals = changes.before, changes.after
    known = [each.before for each in keys], [each.after for each in keys]
    rest = [
        Amounts(
            requests=whole.requests - sum(each.requests for each in of_keys),
            cost_nanos=whole.cost_nanos - sum(each.cost_nanos for each in of_keys),
        )
        for whole, of_keys in zip(totals, known, strict=True)
    ]
    if rest == [Amounts(), Amounts()]:
        return None
    return KeyChange(Group("", "All others"), *rest)
