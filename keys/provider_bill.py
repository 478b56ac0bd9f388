"""Ask a provider what it billed and counted, by the SDK's admin client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import openai

from core.periods import start_of_day
from keys.admin_access import AdminAccess
from keys.provider_client import (
    TIMEOUT_S,
    UNREACHED,
    trouble_with,
    vetted_http,
    words_of,
)
from keys.provider_figures import (
    Cost,
    Count,
    MalformedFigures,
    Page,
    costs_in,
    counts_in,
    read_page,
)

# OpenAI's own maxima of days in a page: of costs, of usage.
COST_DAYS, USAGE_DAYS = 180, 31
# A page for each day would be few; beyond this somebody sends us in circles.
PAGES_MAX = 100
RETRIES = 2
# No request begins later: with its retries it ends within the task's time.
ASKS_FOR_S = 80.0
# What is counted by model. The rest (sessions, storage) is told by costs alone.
COUNTED = (
    *("completions", "embeddings", "moderations", "images"),
    *("audio_speeches", "audio_transcriptions"),
)

Ask = Callable[..., Any]


class NotTold(Exception):
    """The provider did not say what it billed; says why."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a provider says of a range of days."""

    costs: Sequence[Cost]
    counts: Sequence[Count]


def read_bill(
    access: AdminAccess,
    *,
    first_day: date,
    last_day: date,
    allowed_networks: Sequence[str],
) -> Bill:
    """
    Return costs by line item and usage by model, of UTC days, both included.

    What fails for a moment (429, 5xx) is asked again, after the time that the provider
    names.

    :raises NotTold: with the provider's own words, if it has any.
    """
    query = query_of(access, first_day, last_day)
    ends = time.monotonic() + ASKS_FOR_S
    with told_by(access, allowed_networks) as usage:
        costs = partial(usage.costs, **query, group_by=["line_item"], limit=COST_DAYS)
        found = [cost for page in pages(costs, ends) for cost in costs_in(page)]
        counts = [
            count
            for name in COUNTED
            for page in pages(
                partial(
                    getattr(usage, name), **query, group_by=["model"], limit=USAGE_DAYS
                ),
                ends,
            )
            for count in counts_in(page)
        ]
    return Bill(found, counts)


def verify_admin_key(
    access: AdminAccess, *, day: date, allowed_networks: Sequence[str]
) -> None:
    """
    Ask for the costs of one day with a key.

    :raises NotTold: with the provider's own words, if it has any.
    """
    query = query_of(access, day, day)
    with told_by(access, allowed_networks, retries=0) as usage:
        page = read_page(usage.costs(**query, limit=1).text)
        list(costs_in(page))


def query_of(access: AdminAccess, first_day: date, last_day: date) -> dict[str, Any]:
    query: dict[str, Any] = {
        "start_time": int(start_of_day(first_day).timestamp()),
        "end_time": int(start_of_day(last_day + timedelta(days=1)).timestamp()),
        "bucket_width": "1d",
    }
    return query | ({"project_ids": [access.project_id]} if access.project_id else {})


@contextmanager
def told_by(
    access: AdminAccess, allowed_networks: Sequence[str], *, retries: int = RETRIES
) -> Iterator[Any]:
    """Yield the SDK's usage resource, whose answers are texts. Raises NotTold."""
    with vetted_http(allowed_networks) as http:
        client = openai.OpenAI(
            base_url=access.base_url,
            admin_api_key=access.secret,
            max_retries=retries,
            timeout=TIMEOUT_S,
            http_client=http,
        )
        try:
            yield client.admin.organization.usage.with_raw_response
        except openai.APIStatusError as error:
            raise NotTold(words_of(error, access.secret)) from None
        except MalformedFigures as error:
            raise NotTold(f"It answered, but not as it should: {error}") from None
        except UNREACHED as error:
            raise NotTold(trouble_with(error)) from None


def pages(ask: Ask, ends: float) -> Iterator[Page]:
    """Yield the pages of an answer, until there is none left. Raises NotTold."""
    cursor: dict[str, str] = {}
    for _ in range(PAGES_MAX):
        if time.monotonic() > ends:
            raise NotTold(f"It told not all within {ASKS_FOR_S:.0f} seconds.")
        page = read_page(ask(**cursor).text)
        yield page
        if page.next_page is None:
            return
        cursor = {"page": page.next_page}
    raise NotTold(f"It has more than {PAGES_MAX} pages.")
