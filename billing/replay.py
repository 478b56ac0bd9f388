"""What a hard limit would have refused in a cycle that is over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Reached:
    """The hour in which the spend passes a limit, and what is spent by its end."""

    hour: datetime
    # Of the hour's cost: what no longer fits.
    excess_nanos: int


def passed_in(
    hours: Iterable[tuple[datetime, int]], limit_nanos: int
) -> Reached | None:
    """
    Return the first hour whose cost does not fit into a limit, or None.

    `hours` are hours in their order with their cost.
    """
    hours = list(hours)
    for (hour, _), until in zip(
        hours, accumulate(cost for _, cost in hours), strict=True
    ):
        if until > limit_nanos:
            return Reached(hour, until - limit_nanos)
    return None


def refused_by(
    within: Mapping[int | None, int], after: Mapping[int | None, int], reached: Reached
) -> dict[int | None, int]:
    """
    Return what of each key's cost would have been refused, dearest first.

    `within` is each key's cost in the hour that passes the limit, `after` that of all
    later hours. Who came first within the hour is not known: what no longer fits is
    shared out by cost, to the nano-dollar.
    """
    shares = shared_out(reached.excess_nanos, within)
    refused = {key: after.get(key, 0) + shares.get(key, 0) for key in {*after, *within}}
    dearest = sorted(refused.items(), key=lambda item: -item[1])
    return {key: nanos for key, nanos in dearest if nanos}


def shared_out(nanos: int, costs: Mapping[int | None, int]) -> dict[int | None, int]:
    """
    Share an amount out in proportion to costs, none above its own.

    What rounding leaves goes to as many as it takes, a nano-dollar each.
    """
    positive = {key: cost for key, cost in costs.items() if cost > 0}
    whole = sum(positive.values())
    if not whole:
        return {}
    shares = {key: nanos * cost // whole for key, cost in positive.items()}
    rounded = [key for key, cost in positive.items() if nanos * cost % whole]
    for key in rounded[: nanos - sum(shares.values())]:
        shares[key] += 1
    return shares
