"""What an organization's month came to, as files and programs are told."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import httpx2 as httpx
from django.test import Client
from openai import OpenAI

from core.periods import cycle_interval
from keys.actions import issue_key
from orgs.models import Organization, User
from tests.gateway.administration import admin_key

NANOS_IN_A_DOLLAR = 1_000_000_000
NANOS_IN_A_CENT = 10_000_000
DAYS_IN_A_MONTH_MAX = 31
# Where pages have an amount: as people read it.
USAGE_COST = re.compile(r'label">Cost</span>\s*<span class="figure-value">([^<]+)<')
OVERVIEW_SPENT = re.compile(r'id="spent">([^<]+)<')
# Of the lines that have a unit price, and so are usage.
DRAFT_EXACT = re.compile(r'"Unit price">×[^<]*</td>\s*<td[^>]*"Exactly">([^<]+)<')


class Inside(httpx.BaseTransport):
    """Takes requests to the console in this process, which sees its transaction."""

    def __init__(self) -> None:
        self.console = Client()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.console.generic(
            request.method,
            request.url.raw_path.decode(),
            request.read(),
            headers={k: v for k, v in request.headers.items() if k != "host"},
        )
        return httpx.Response(
            answer.status_code, headers=dict(answer.headers), content=answer.content
        )


@dataclass(frozen=True, slots=True)
class Programs:
    """OpenAI's own client with an admin key, and one that asks for a balance."""

    admin: OpenAI
    balance: httpx.Client

    @classmethod
    def of(cls, organization: Organization, owner: User, **when: Any) -> Programs:
        key = issue_key(
            kind="personal",
            environment=organization.environment,
            name="balance",
            organization=None,
            user=owner,
            acting_user=owner,
            expires_at=None,
            **when,
        )
        inside = Inside()
        bearer = {"Authorization": f"Bearer {key.text}"}
        return cls(
            OpenAI(
                base_url="http://console.acme.example/v1",
                api_key="unused",
                admin_api_key=admin_key(organization),
                max_retries=0,
                http_client=httpx.Client(transport=inside),
            ),
            httpx.Client(
                base_url="http://console.acme.example", transport=inside, headers=bearer
            ),
        )

    def costs_nanos(self, month: date) -> int:
        """Return the sum of the Costs API's days, in nanos."""
        interval = cycle_interval(month)
        page = self.admin.admin.organization.usage.costs(
            start_time=int(interval.start.timestamp()),
            end_time=int(interval.end.timestamp()),
            limit=DAYS_IN_A_MONTH_MAX,
        )
        results: list[Any] = [each for day in page.data for each in day.results]
        return sum(exact(each.amount.value, NANOS_IN_A_DOLLAR) for each in results)

    def balance_nanos(self, month: date) -> int:
        """Return what the balance of old says that a month's usage came to."""
        interval = cycle_interval(month)
        days = {
            "start_date": f"{interval.start:%Y-%m-%d}",
            "end_date": f"{interval.end:%Y-%m-%d}",
        }
        answer = self.balance.get("/v1/dashboard/billing/usage", params=days)
        return exact(answer.raise_for_status().json()["total_usage"], NANOS_IN_A_CENT)


def exact(value: float, unit_nanos: int) -> int:
    """Return a number of JSON in whole nanos, as exact as it was written."""
    return round(Decimal(repr(value)) * unit_nanos)


def read_dollars(text: str) -> int:
    """Return an amount as a page writes it (`$1,234.5006`), in nanos."""
    return int(Decimal(text.strip().lstrip("$").replace(",", "")) * NANOS_IN_A_DOLLAR)


def usage_page_nanos(browser: Client, slug: str, month: date) -> int:
    """Return the cost that the usage page shows for a month; its table adds up."""
    page = browser.get(f"/o/{slug}/usage", {"cycle": f"{month:%Y-%m}"})
    text = page.content.decode()
    (cost,) = USAGE_COST.findall(text)
    is_empty = 'class="empty-note">No usage' in text
    assert is_empty or f"the groups both add up to {cost}." in text
    return read_dollars(cost)


def overview_nanos(browser: Client, slug: str) -> int:
    """Return what the overview says was spent in the running cycle."""
    text = browser.get(f"/o/{slug}/overview").content.decode()
    (spent,) = OVERVIEW_SPENT.findall(text)
    return read_dollars(spent)


def draft_page_nanos(browser: Client, slug: str) -> int:
    """Return the sum of what the draft's page shows exactly, of usage alone."""
    text = browser.get(f"/o/{slug}/billing/draft").content.decode()
    return sum(read_dollars(exact) for exact in DRAFT_EXACT.findall(text))


def usage_csv_nanos(browser: Client, slug: str, month: date) -> int:
    """Return the total of the usage page's file, which its days add up to."""
    asked = {"cycle": f"{month:%Y-%m}", "metric": "cost", "format": "csv"}
    answer = browser.get(f"/o/{slug}/usage", asked)
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    *days, total = (Decimal(row[-1]) for row in rows[1:])
    assert sum(days) == total
    return int(total * NANOS_IN_A_DOLLAR)
