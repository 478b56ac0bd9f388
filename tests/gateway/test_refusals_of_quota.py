"""Limits refuse before the provider hears of it, and explain themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import orjson
import psycopg
import pytest
from django.utils import timezone

from billing.actions.quota import approve_request, request_increase
from billing.models import CreditGrant, SpendLimits
from core.periods import cycle_of, next_cycle
from orgs.models import Organization
from tests import rig
from tests.factories import make_user, usd
from tests.gateway.conftest import House
from tests.gateway.raw import BODY, Answer, call, nothing_written

pytestmark = pytest.mark.processes

QUOTA = "insufficient_quota"
# Bounded at little: gpt-4o-mini costs 600 nano-dollars a token of output.
SMALL = {**BODY, "max_completion_tokens": 10}


def cost_bound(body: dict[str, Any]) -> int:
    """Return the bound of a small request to gpt-4o-mini, in nano-dollars."""
    # As it is sent: the tier by name, since the model has a dearer one.
    sent = orjson.dumps({**body, "service_tier": "default"})
    return len(sent) * 150 + int(body["max_completion_tokens"]) * 600


def approve(organization: Organization, amount: str | None) -> None:
    nanos = None if amount is None else usd(amount)
    SpendLimits.objects.update_or_create(
        organization=organization, defaults={"approved_limit_nanos": nanos}
    )


def on_credit(organization: Organization, amount: str, *, days: int = 30) -> None:
    """Leave the organization a credit (expired if `days` is negative) and no more."""
    organization.billing_profile.delete()
    now = timezone.now()
    CreditGrant.objects.create(
        organization=organization,
        name="Trial",
        amount_nanos=usd(amount),
        effective_at=now - timedelta(days=60),
        expires_at=now + timedelta(days=days),
    )


def refused(house: House, provider: rig.Provider, body: object = SMALL) -> Answer:
    """Send a request that a limit refuses without a trace."""
    with nothing_written(provider):
        answer = call(house.url, house.key, body)
    assert answer.headers["x-should-retry"] == "false"
    return answer


def test_the_hard_limit_refuses_and_explains(
    house: House, provider: rig.Provider
) -> None:
    call(house.url, house.key, SMALL)
    spent = house.budget().spent_nanos
    house.limit("0.000001")

    answer = refused(house, provider)

    assert answer.summary == (429, QUOTA, "organization_spend_limit_exceeded")
    resets_at = datetime.fromisoformat(answer.error["resets_at"])
    assert resets_at.tzinfo is not None
    assert resets_at.date() == next_cycle(cycle_of(datetime.now(UTC)))
    assert answer.error["limit_usd"] == 0.000001
    assert answer.error["spent_usd"] == float(Decimal(spent) / 10**9)
    assert answer.error["held_usd"] == 0
    refusal_id = answer.headers["x-request-id"].replace("req_", "ref_")
    help_url = urlsplit(answer.error["help_url"])
    assert help_url.scheme == "http"
    assert help_url.path == f"/o/acme/usage/refusals/{refusal_id}"


def test_the_hard_limit_counts_what_requests_under_way_hold(
    house: House, provider: rig.Provider
) -> None:
    with slow_request(house) as bound:
        house.limit(str(Decimal(bound) / 10**9))
        answer = refused(house, provider)

        assert answer.error["held_usd"] == float(Decimal(bound) / 10**9)
        assert answer.error["spent_usd"] == 0


@contextmanager
def slow_request(house: House) -> Iterator[int]:
    """Have a request under way; yield what it holds."""
    content = orjson.dumps({"output": 1, "pause_s": 2}).decode()
    body = {**SMALL, "messages": [{"role": "user", "content": content}]}
    thread = threading.Thread(target=call, args=(house.url, house.key, body))
    thread.start()
    rig.wait_until(lambda: len(house.holds()) == 1)
    yield house.holds()[0].bound_nanos
    thread.join()


def test_the_approved_limit_refuses(house: House, provider: rig.Provider) -> None:
    approve(house.organization, "0.000001")
    house.limit("1")

    answer = refused(house, provider)

    assert answer.summary == (429, QUOTA, "organization_usage_limit_exceeded")
    assert answer.error["limit_usd"] == 0.000001
    assert answer.error["resets_at"] is not None


def test_an_approved_request_counts_for_the_next_call(
    house: House, provider: rig.Provider
) -> None:
    approve(house.organization, "0.000001")
    owner = make_user("olga@acme.example")
    request = request_increase(
        organization=house.organization,
        amount_nanos=usd(50),
        until=None,
        reason="A launch",
        acting_user=owner,
        now=timezone.now(),
    )
    refused(house, provider)

    approve_request(
        request=request,
        amount_nanos=usd(50),
        until=None,
        message="",
        acting_user=owner,
        now=timezone.now(),
    )

    assert call(house.url, house.key, SMALL).status == 200


def test_the_tighter_limit_is_the_one_that_is_named(
    house: House, provider: rig.Provider
) -> None:
    approve(house.organization, "0.000002")
    house.limit("0.000001")

    answer = refused(house, provider)

    assert answer.error["code"] == "organization_spend_limit_exceeded"


def test_used_up_credit_refuses(house: House, provider: rig.Provider) -> None:
    on_credit(house.organization, "0.000001")

    answer = refused(house, provider)

    assert answer.summary == (429, QUOTA, "credit_balance_exhausted")
    assert answer.error["limit_usd"] == 0.000001
    assert answer.error["resets_at"] is None
    assert "no billing information" in answer.error["message"]


def test_expired_credit_refuses(house: House, provider: rig.Provider) -> None:
    on_credit(house.organization, "5", days=-1)

    answer = refused(house, provider)

    assert answer.error["code"] == "credit_balance_exhausted"
    assert answer.error["limit_usd"] == 0


def test_credit_that_is_left_is_spent(house: House) -> None:
    on_credit(house.organization, "5")

    assert call(house.url, house.key, SMALL).status == 200

    spent = house.budget().spent_nanos
    assert spent > 0
    assert CreditGrant.objects.get().consumed_nanos == spent


def test_a_request_whose_bound_just_fits_passes(
    house: House, provider: rig.Provider
) -> None:
    bound = cost_bound(SMALL)
    house.limit(str(Decimal(bound - 1) / 10**9))
    refused(house, provider)

    house.limit(str(Decimal(bound) / 10**9))
    assert call(house.url, house.key, SMALL).status == 200
    (record,) = house.records()
    assert record.held_nanos == bound


def test_a_request_that_can_never_fit_is_told_how_to_fit(
    house: House, provider: rig.Provider
) -> None:
    house.limit("0.001")

    unbounded = refused(house, provider, BODY)
    assert "Alone it exceeds the whole limit" in unbounded.error["message"]
    assert "max_completion_tokens" in unbounded.error["message"]

    assert call(house.url, house.key, SMALL).status == 200


def test_one_that_would_fit_an_unspent_limit_is_not_told_so(
    house: House, provider: rig.Provider
) -> None:
    call(house.url, house.key, SMALL)
    house.limit(str(Decimal(cost_bound(SMALL)) / 10**9))

    answer = refused(house, provider)

    assert "Alone it exceeds" not in answer.error["message"]


def test_raising_the_limit_lets_the_next_one_through_at_once(
    house: House, provider: rig.Provider
) -> None:
    house.limit("0")
    refused(house, provider)

    house.limit("1")

    assert call(house.url, house.key, SMALL).status == 200


def test_a_streamed_request_is_refused_as_json(
    house: House, provider: rig.Provider
) -> None:
    house.limit("0")

    answer = refused(house, provider, {**SMALL, "stream": True})

    assert answer.headers["content-type"] == "application/json"
    assert answer.error["code"] == "organization_spend_limit_exceeded"


def test_the_sandbox_has_limits_too(staging: House) -> None:
    staging.limit("0.000001")

    with nothing_written():
        answer = call(staging.url, staging.key, {**SMALL, "model": "sandbox-1"})

    assert answer.summary == (429, QUOTA, "organization_spend_limit_exceeded")


def test_the_sdk_raises_and_does_not_try_again(
    house: House, provider: rig.Provider
) -> None:
    house.limit("0")
    sent: list[str] = []
    hooks: dict[str, list[Any]] = {"request": [lambda r: sent.append(r.url.path)]}
    with openai.DefaultHttpxClient(event_hooks=hooks) as http_client:
        client = house.client(max_retries=2, http_client=http_client)
        with nothing_written(provider), pytest.raises(openai.RateLimitError) as refusal:
            client.embeddings.create(model="text-embedding-3-small", input="house")

    assert refusal.value.code == "organization_spend_limit_exceeded"
    assert refusal.value.type == QUOTA
    assert sent == ["/v1/embeddings"]


def test_accounts_that_do_not_answer_spend_nothing_and_are_no_quota_refusal(
    house: House, provider: rig.Provider
) -> None:
    call(house.url, house.key, SMALL)
    with nothing_written(provider), locked_budget(house):
        answer = call(house.url, house.key, SMALL)

    assert answer.summary == (503, "server_error", "budget_unavailable")
    assert "x-should-retry" not in answer.headers
    time.sleep(0.2)
    assert call(house.url, house.key, SMALL).status == 200


@contextmanager
def locked_budget(house: House) -> Iterator[None]:
    """Keep the budget row locked for longer than the gateway waits for it."""
    with psycopg.connect(rig.test_database_url()) as connection:
        connection.execute(
            "SELECT 1 FROM billing_budget WHERE id = %s FOR UPDATE",
            (house.budget().pk,),
        )
        yield
        connection.rollback()


def test_without_a_database_nobody_is_identified_and_nothing_spent(
    house: House, provider: rig.Provider, folder: Path
) -> None:
    nowhere = f"postgres://nobody@127.0.0.1:{rig.free_port()}/nothing"
    with (
        rig.gateway(folder, DATABASE_URL=nowhere) as cut_off,
        nothing_written(provider),
    ):
        answer = call(cut_off.url, house.key, SMALL)

    assert answer.summary == (503, "server_error", "budget_unavailable")
