"""The words of a usage page: what is measured, and what it is told apart by."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from core.templatetags.money import usd_exact


class Metric(enum.StrEnum):
    """What is measured."""

    COST = "cost"
    TOKENS = "tokens"
    REQUESTS = "requests"
    ERRORS = "errors"


class Dimension(enum.StrEnum):
    """What usage is told apart by."""

    MODEL = "model"
    KEY = "key"
    MEMBER = "member"
    ENDPOINT = "endpoint"
    # The kind of tokens: input, cached, output, …
    KIND = "kind"
    # The organization and its pair.
    ENVIRONMENT = "environment"


class Granularity(enum.StrEnum):
    """How much time a bar of a chart shows."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


# What has a column of its own in the rollups, and may narrow them.
IN_ROLLUPS = (Dimension.MODEL, Dimension.KEY, Dimension.MEMBER, Dimension.ENDPOINT)


# What identifies usage without a key or a member in a page's address.
NOBODY = "none"


@dataclass(frozen=True, slots=True)
class Group:
    """
    One model, key or member.

    `value` identifies it in a page's address (empty for the rest, which is many),
    `detail` tells apart two of the same name.
    """

    value: str
    name: str
    detail: str = ""

    @property
    def is_rest(self) -> bool:
        return not self.value


@dataclass(frozen=True, slots=True)
class Filter:
    """
    Only usage of some models, keys, members or endpoints.

    `values` are those of the rollups' column as text; an empty one means none.
    """

    dimension: Dimension
    values: tuple[str, ...]


def written(value: int, metric: Metric) -> str:
    """Return an amount of a metric as people read it, to the last digit."""
    return usd_exact(value) if metric is Metric.COST else f"{value:,}"
