"""What a chart says, in a sentence."""

from __future__ import annotations

from datetime import datetime

from usage.amounts import Series, Usage, total_of
from usage.dimensions import Dimension, Granularity, Metric, written
from usage.spans import Period
from usage.tables import percent_of

UNITS = {
    Metric.COST: "",
    Metric.TOKENS: " tokens",
    Metric.REQUESTS: " requests",
    Metric.ERRORS: " errors",
}
# The words of dimensions inside a sentence.
WORDS = {
    Dimension.MODEL: "model",
    Dimension.KEY: "API key",
    Dimension.MEMBER: "member",
    Dimension.ENDPOINT: "endpoint",
    Dimension.KIND: "kind of token",
    Dimension.ENVIRONMENT: "organization",
}
PEAKS = {
    Granularity.HOUR: "The busiest hour began on",
    Granularity.DAY: "The busiest day was",
    Granularity.WEEK: "The busiest week began on",
    Granularity.MONTH: "The busiest month was",
}


def usage_sentence(
    usage: Usage,
    metric: Metric,
    dimension: Dimension,
    granularity: Granularity = Granularity.DAY,
) -> str:
    """Return the busiest period and the largest group in words."""
    total = usage.total.of(metric)
    if total <= 0:
        return f"No{UNITS[metric] or ' cost'} in these days."
    amounts = [amounts.of(metric) for amounts in usage.by_period]
    place = amounts.index(max(amounts))
    peak = f"{written(amounts[place], metric)}{UNITS[metric]}"
    when = period_name(usage.periods[place], granularity)
    sentence = f"{PEAKS[granularity]} {when} with {peak}"
    largest = largest_named(usage, metric)
    if largest is None:
        return f"{sentence}."
    percent = percent_of(largest.total.of(metric), total)
    name = f"The {WORDS[dimension]} {largest.group.name}"
    return f"{sentence}. {name} is {percent} % of the total."


def period_name(period: Period, granularity: Granularity) -> str:
    """Return a period as people say it inside a sentence: `3 November`."""
    match granularity:
        case Granularity.HOUR:
            return f"{period.begins:%-d %B, %H:%M}"
        case Granularity.MONTH:
            return f"{period.begins:%B %Y}"
        case _:
            return f"{period.begins:%-d %B}"


def largest_named(usage: Usage, metric: Metric) -> Series | None:
    """Return the largest group that has a name."""
    named = [series for series in usage.series if not series.group.is_rest]
    return max(named, key=lambda series: series.total.of(metric), default=None)


def change_percent(
    usage: Usage, before: Usage, metric: Metric, *, now: datetime
) -> int | None:
    """
    Return by how many percent a usage is more than the one before.

    Of both as many periods count as are over; None means nothing to compare with.
    """
    over = sum(period.is_over(at=now) for period in usage.periods)
    spent = total_of(usage.by_period[:over]).of(metric)
    past = total_of(before.by_period[:over]).of(metric)
    return round(100 * (spent - past) / past) if past > 0 else None
