"""What is left: `GET /v1/key`, and the endpoints that old clients ask for a balance."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import openai
import orjson
import pytest
from django.utils import timezone

from billing.actions.limits import add_soft_limit
from billing.actions.scope_limits import set_key_limit
from billing.models import BillingProfile, CreditGrant
from keys.models import ApiKey
from orgs.models import Organization
from tests import rig
from tests.factories import usd
from tests.gateway.administration import admin_key, get
from tests.gateway.conftest import House, service_key
from tests.gateway.rates import limit_rate
from tests.gateway.raw import nothing_written
from usage.actions import roll_up

pytestmark = pytest.mark.processes
PATHS = ("/dashboard/billing", "/v1/dashboard/billing")


def told(house: House, path: str, **query: str) -> dict[str, Any]:
    answer = get(house.url, house.key, path, **query)
    assert answer.status == 200, answer.body
    document: dict[str, Any] = orjson.loads(answer.body)
    return document


def nanos(value: float, unit: int = 1_000_000_000) -> int:
    return round(Decimal(repr(value)) * unit)


def spend(house: House) -> None:
    orders = orjson.dumps({"output": 900}).decode()
    house.client().chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": orders}],
        max_completion_tokens=1000,
    )
    rig.wait_until(lambda: not house.holds(), what="not settled")
    roll_up(now=timezone.now())


@pytest.mark.parametrize("path", PATHS)
def test_a_client_of_old_computes_what_is_left(house: House, path: str) -> None:
    house.limit("1")
    spend(house)

    terms = told(house, f"{path}/subscription")
    day = timezone.now().astimezone(UTC).date()
    used = told(
        house,
        f"{path}/usage",
        start_date=day.replace(day=1).isoformat(),
        end_date=(day + timedelta(days=1)).isoformat(),
    )

    spent = house.budget().spent_nanos
    assert spent > 0
    assert nanos(used["total_usage"], 10_000_000) == spent
    left = nanos(terms["hard_limit_usd"]) - nanos(used["total_usage"], 10_000_000)
    assert left == usd(1) - spent
    assert (terms["object"], terms["has_payment_method"]) == (
        "billing_subscription",
        True,
    )
    (line,) = used["daily_costs"][-1]["line_items"]
    assert line["name"] == "gpt-4o-mini"


def test_balances_answer_when_nothing_is_left(house: House) -> None:
    house.limit("0")
    with pytest.raises(openai.RateLimitError):
        spend(house)

    with nothing_written():
        assert told(house, f"{PATHS[0]}/subscription")["hard_limit_usd"] == 0
        assert told(house, f"{PATHS[0]}/usage")["total_usage"] == 0
        assert told(house, "/v1/key")["remaining_usd"] == 0


def test_credit_that_still_pays_is_available(house: House, acme: Organization) -> None:
    BillingProfile.objects.all().delete()
    now = timezone.now()
    for amount, days in ((usd(5), 30), (usd(3), -1)):
        CreditGrant.objects.create(
            organization=acme,
            name="Trial",
            amount_nanos=amount,
            effective_at=now - timedelta(days=60),
            expires_at=now + timedelta(days=days),
        )
    spend(house)

    summary = told(house, "/v1/dashboard/billing/credit_grants")

    spent = house.budget().spent_nanos
    assert nanos(summary["total_granted"]) == usd(8)
    assert nanos(summary["total_used"]) == spent > 0
    assert nanos(summary["total_available"]) == usd(5) - spent
    assert len(summary["grants"]["data"]) == 2
    terms = told(house, "/v1/dashboard/billing/subscription")
    assert nanos(terms["hard_limit_usd"]) == usd(5)


def test_a_key_is_told_every_limit_and_which_one_binds(
    house: House, acme: Organization
) -> None:
    now = timezone.now()
    key = ApiKey.objects.get(organization=acme)
    house.limit("1")
    set_key_limit(
        organization=acme,
        api_key=key,
        amount_nanos=usd("0.5"),
        acting_user=None,
        now=now,
    )
    limit_rate(acme, api_key=key, requests_per_minute=40)
    spend(house)

    of_key = told(house, "/v1/key")

    spent = house.budget().spent_nanos
    assert (of_key["id"], of_key["limited_by"]) == (key.public_id, "key_limit")
    assert nanos(of_key["remaining_usd"]) == usd("0.5") - spent
    assert nanos(of_key["spent_usd"]) == spent
    limits = {limit["kind"]: limit for limit in of_key["limits"]}
    assert nanos(limits["hard_limit"]["remaining_usd"]) == usd(1) - spent
    (rate,) = of_key["rate_limits"]
    assert (rate["of"], rate["max_requests_per_1_minute"]) == ("key", 40)


def test_the_lowest_threshold_is_the_soft_limit(
    house: House, acme: Organization
) -> None:
    house.limit("10")
    add_soft_limit(
        organization=acme,
        amount_nanos=usd(4),
        acting_user=None,
        now=timezone.now(),
    )

    assert told(house, f"{PATHS[0]}/subscription")["soft_limit_usd"] == 4


def test_another_key_of_the_organization_has_a_balance_of_its_own(
    house: House, acme: Organization
) -> None:
    spend(house)
    other = House(acme, service_key(acme), house.url)

    assert told(other, "/v1/key")["spent_usd"] == 0
    assert told(house, "/v1/key")["spent_usd"] > 0


def test_an_admin_key_has_no_balance(house: House, acme: Organization) -> None:
    answer = get(house.url, admin_key(acme), "/v1/key")

    assert answer.summary == (401, "invalid_request_error", "invalid_api_key")


@pytest.mark.parametrize(
    "query",
    [
        {"start_date": "soon"},
        {"start_date": "2026-01-01", "end_date": "2026-01-01"},
        {"start_date": "2026-01-01", "end_date": "2026-04-12"},
    ],
)
def test_days_that_are_none_are_told(house: House, query: dict[str, str]) -> None:
    answer = get(house.url, house.key, f"{PATHS[0]}/usage", **query)

    assert answer.summary == (400, "invalid_request_error", None)
