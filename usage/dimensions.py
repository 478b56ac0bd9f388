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


class Dimension(enum.StrEnum):
    """What usage is told apart by."""

    MODEL = "model"
    KEY = "key"
    MEMBER = "member"


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


def written(value: int, metric: Metric) -> str:
    """Return an amount of a metric as people read it, to the last digit."""
    return usd_exact(value) if metric is Metric.COST else f"{value:,}"
