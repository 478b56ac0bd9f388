"""
What a provider says that it billed and counted: its pages, read exactly. Pure.

Shapes of OpenAI's Costs and Usage API: pages of buckets (days in UTC) of results.
Amounts are read from the text as decimals: a float would round them before we see them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

CURRENCY = "usd"
LONGEST_NAME = 200


class MalformedFigures(ValueError):
    """The answer is none of the provider's pages; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What was billed on a UTC day for a line item, in dollars."""

    day: date
    line_item: str
    dollars: Decimal


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted on a UTC day for a model: requests, tokens in and out."""

    day: date
    model: str
    requests: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Page:
    """The results of a page with their days, and the cursor of the next page."""

    results: list[tuple[date, dict[str, Any]]]
    next_page: str | None


def read_page(text: str) -> Page:
    """
    Read a page.

    :raises MalformedFigures: if it is none.
    """
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=refuse_constant)
        has_more, next_page = document["has_more"], document.get("next_page")
        results = [
            (day_of(bucket["start_time"]), result)
            for bucket in document["data"]
            for result in bucket["results"]
        ]
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise MalformedFigures("The answer is no page of buckets.") from error
    if not all(isinstance(result, dict) for _, result in results):
        raise MalformedFigures("A bucket has a result that is no object.")
    if not has_more:
        return Page(results, None)
    if not (isinstance(next_page, str) and next_page):
        raise MalformedFigures("There are more pages, and no way to them.")
    return Page(results, next_page)


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no amount")


def day_of(start_time: Any) -> date:
    if type(start_time) is not int:
        raise MalformedFigures("A bucket says no time.")
    return datetime.fromtimestamp(start_time, UTC).date()


def costs_in(page: Page) -> Iterator[Cost]:
    """Yield the costs of a page of costs by line item. Raises MalformedFigures."""
    for day, result in page.results:
        amount = result.get("amount")
        if not isinstance(amount, dict):
            raise MalformedFigures("A cost has no amount.")
        currency = amount.get("currency", CURRENCY)
        if str(currency).lower() != CURRENCY:
            raise MalformedFigures("A cost is not in US dollars.")
        line_item = str(result.get("line_item") or "")[:LONGEST_NAME]
        yield Cost(day, line_item, dollars_from(amount.get("value")))


def dollars_from(value: Any) -> Decimal:
    """Return an amount that is a number of the text, or a text with one."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise MalformedFigures("An amount is no number.")
    try:
        dollars = Decimal(value)
    except InvalidOperation:
        raise MalformedFigures("An amount is no number.") from None
    if not dollars.is_finite():
        raise MalformedFigures("An amount is no number.")
    return dollars


def counts_in(page: Page) -> Iterator[Count]:
    """Yield the counts of a page of usage by model. Raises MalformedFigures."""
    for day, result in page.results:
        tokens = whole(result, "input_tokens") + whole(result, "output_tokens")
        model = str(result.get("model") or "")[:LONGEST_NAME]
        yield Count(day, model, whole(result, "num_model_requests"), tokens)


def whole(result: dict[str, Any], name: str) -> int:
    """Return a number of things; what a result does not tell is none."""
    value = result.get(name) or 0
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise MalformedFigures(f"{name} is no number.")
    return int(value)
