"""What a chart says, in a sentence."""

from __future__ import annotations

from usage.amounts import Series, Usage
from usage.dimensions import Dimension, Metric, written
from usage.tables import percent_of

UNITS = {Metric.COST: "", Metric.TOKENS: " tokens", Metric.REQUESTS: " requests"}
# The words of dimensions inside a sentence.
WORDS = {Dimension.MODEL: "model", Dimension.KEY: "API key", Dimension.MEMBER: "member"}


def usage_sentence(usage: Usage, metric: Metric, dimension: Dimension) -> str:
    """Return the busiest day and the largest group in words."""
    total = usage.total.of(metric)
    if total <= 0:
        return "Nothing was used."
    amounts = [amounts.of(metric) for amounts in usage.by_period]
    place = amounts.index(max(amounts))
    peak = f"{written(amounts[place], metric)}{UNITS[metric]}"
    sentence = f"The busiest day was {usage.days[place]:%-d %B} with {peak}"
    largest = largest_named(usage, metric)
    if largest is None:
        return f"{sentence}."
    percent = percent_of(largest.total.of(metric), total)
    name = f"The {WORDS[dimension]} {largest.group.name}"
    return f"{sentence}. {name} is {percent} % of the total."


def largest_named(usage: Usage, metric: Metric) -> Series | None:
    """Return the largest group that has a name."""
    named = [series for series in usage.series if not series.group.is_rest]
    return max(named, key=lambda series: series.total.of(metric), default=None)
