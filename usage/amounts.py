"""Sums of usage, by period and group. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date

from usage.dimensions import Group, Metric
from usage.spans import Period


@dataclass(frozen=True, slots=True)
class Amounts:
    """Sums of usage: cost in nano-dollars, tokens as in `usage.models`."""

    requests: int = 0
    failed_requests: int = 0
    estimated_requests: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    audio_input_tokens: int = 0
    cached_audio_input_tokens: int = 0
    image_input_tokens: int = 0
    cached_image_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    image_output_tokens: int = 0
    characters: int = 0
    seconds: int = 0
    cost_nanos: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def of(self, metric: Metric) -> int:
        """Return the one amount that a metric means."""
        match metric:
            case Metric.COST:
                return self.cost_nanos
            case Metric.TOKENS:
                return self.tokens
            case Metric.REQUESTS:
                return self.requests
            case Metric.ERRORS:
                return self.failed_requests


AMOUNT_NAMES = tuple(field.name for field in fields(Amounts))


def total_of(amounts: Iterable[Amounts]) -> Amounts:
    """Add amounts up."""
    columns = zip(
        *([getattr(a, n) for n in AMOUNT_NAMES] for a in amounts), strict=True
    )
    return Amounts(*(sum(column) for column in columns))


@dataclass(frozen=True, slots=True)
class Series:
    """A group's amounts, one for each period of the span; those without usage too."""

    group: Group
    by_period: tuple[Amounts, ...]

    @property
    def total(self) -> Amounts:
        return total_of(self.by_period)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used in a span, by period and group, largest group first."""

    periods: tuple[Period, ...]
    series: tuple[Series, ...]

    @property
    def days(self) -> tuple[date, ...]:
        """The day that each period begins on."""
        return tuple(period.day for period in self.periods)

    @property
    def by_period(self) -> tuple[Amounts, ...]:
        """All groups together, one for each period."""
        return tuple(
            total_of(series.by_period[n] for series in self.series)
            for n in range(len(self.periods))
        )

    @property
    def total(self) -> Amounts:
        return total_of(self.by_period)
