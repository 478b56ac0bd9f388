"""Rates as people read them: of what, and for how many of it."""

from __future__ import annotations

from typing import NamedTuple

from billing.explanations import LABELS
from billing.models import Price
from billing.price_conditions import EVERY_RATE, LONG_RATES

MILLION = 1_000_000
SECONDS_PER_MINUTE = 60


class RateLine(NamedTuple):
    """A rate of a price in nano-dollars each, told for so many `units`."""

    label: str
    nanos: int
    units: int
    unit: str


def rate_lines(price: Price) -> list[RateLine]:
    """Return the rates that a price has."""
    return [
        RateLine(rate_label(name), nanos, units_of(name), unit_of(name))
        for name in EVERY_RATE
        if (nanos := getattr(price, name)) is not None
    ]


def rate_label(name: str) -> str:
    """Return what a rate is of, in words."""
    if name in LONG_RATES:
        kind = name.removeprefix("long_").removesuffix("_nanos")
        return f"{LABELS[kind]}, long context"
    return LABELS[name.removesuffix("_nanos")]


def units_of(name: str) -> int:
    """Return of how many units a rate is told: a million tokens, or a minute."""
    return SECONDS_PER_MINUTE if name == "second_nanos" else MILLION


def unit_of(name: str) -> str:
    return {
        "second_nanos": "per minute",
        "character_nanos": "per million characters",
    }.get(name, "per million tokens")
