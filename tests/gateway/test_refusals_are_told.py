"""A hard limit that is all but spent refuses, and its owners are told."""

from __future__ import annotations

import openai
import pytest
from django.utils import timezone

from billing.actions.alerts import evaluate_limits
from billing.models import Alert, LimitRefusal
from billing.scope_models import ScopeLimit
from core.money import exact_usd
from keys.models import ApiKey
from orgs.models import OutboxMail
from tests.factories import usd
from tests.gateway.conftest import House

pytestmark = pytest.mark.processes

# 500 tokens of output at 600 nanos, a few of input at 150: some 310,000 nanos.
ASK = {
    "model": "gpt-4o-mini",
    "max_completion_tokens": 500,
    "messages": [{"role": "user", "content": '{"output": 500}'}],
}


def is_refused(house: House) -> bool:
    try:
        house.client().chat.completions.create(**ASK)  # type: ignore[call-overload]
    except openai.RateLimitError:
        return True
    return False


def ask_until_refused(house: House) -> None:
    assert any(is_refused(house) for _ in range(50))


def test_owners_are_told_though_the_last_cents_are_never_spent(house: House) -> None:
    house.limit("0.005")
    ask_until_refused(house)
    ask_until_refused(house)

    evaluate_limits(now=timezone.now())

    assert house.budget().spent_nanos < usd("0.005")
    alert = Alert.objects.get(kind="hard_limit")
    assert alert.limit_nanos == usd("0.005")
    assert OutboxMail.objects.get(kind="hard_limit").recipient == "ada@acme.example"


def test_one_request_too_large_for_a_fresh_limit_alarms_nobody(house: House) -> None:
    house.limit(exact_usd(200_000))
    ask_until_refused(house)

    evaluate_limits(now=timezone.now())

    assert not LimitRefusal.objects.exists()
    assert not OutboxMail.objects.exists()


def test_who_has_a_key_is_told_that_its_limit_refuses(house: House) -> None:
    key = ApiKey.objects.get()
    ScopeLimit.objects.create(
        organization=house.organization,
        scope="key",
        subject_id=key.pk,
        api_key=key,
        amount_nanos=usd("0.005"),
    )
    ask_until_refused(house)
    ask_until_refused(house)

    evaluate_limits(now=timezone.now())

    alert = Alert.objects.get()
    assert (alert.kind, alert.subject_id) == ("key_limit", key.pk)
    assert usd("0.00475") <= alert.spent_nanos < alert.limit_nanos == usd("0.005")
    mail = OutboxMail.objects.get(kind="key_limit")
    assert f"{key.name} (…{key.last_four})" in mail.subject
    assert "key_spend_limit_exceeded" in mail.body_text
