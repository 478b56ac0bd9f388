"""Owners set requests and tokens per minute; each change is audited."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.actions import rate_limits
from billing.actions.rate_limits import (
    TooManyRateLimits,
    remove_rate_limit,
    set_rate_limit,
)
from billing.models import RateLimit
from billing.rate_limit_list import rate_rules_of
from billing.rate_limits import RateRule
from orgs.models import AuditEvent, Organization, User
from tests.factories import NOW
from tests.usage_factories import make_key

pytestmark = pytest.mark.django_db


def limit(organization: Organization, **given: Any) -> RateLimit:
    options = {
        "api_key": None,
        "model": "",
        "requests_per_minute": 60,
        "tokens_per_minute": None,
        "acting_user": None,
        **given,
    }
    return set_rate_limit(organization=organization, now=NOW, **options)


def test_a_rate_limit_is_audited_under_openais_name(
    acme: Organization, ada: User
) -> None:
    made = limit(acme, model="gpt-5*", acting_user=ada)

    event = AuditEvent.objects.get()
    assert (event.action, event.target, event.actor) == (
        "rate_limit.updated",
        made.public_id,
        ada,
    )
    assert event.details == {
        "subject": {"api_key": None, "model": "gpt-5*"},
        "before": None,
        "after": {"requests_per_minute": 60, "tokens_per_minute": None},
    }


def test_setting_it_again_changes_the_one_that_is_there(acme: Organization) -> None:
    first = limit(acme)
    second = limit(acme, requests_per_minute=None, tokens_per_minute=1000)

    assert first.pk == second.pk
    assert RateLimit.objects.get().tokens_per_minute == 1000
    assert RateLimit.objects.get().requests_per_minute is None
    last = AuditEvent.objects.latest("pk").details
    assert last["before"] == {"requests_per_minute": 60, "tokens_per_minute": None}


def test_the_same_again_records_nothing(acme: Organization) -> None:
    limit(acme)
    limit(acme)

    assert RateLimit.objects.count() == AuditEvent.objects.count() == 1


def test_a_removed_rate_limit_is_gone_and_told_of_once(acme: Organization) -> None:
    made = limit(acme)

    for _ in range(2):
        remove_rate_limit(rate_limit=made, acting_user=None, now=NOW)

    assert not RateLimit.objects.exists()
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["rate_limit.updated", "rate_limit.deleted"]


def test_there_is_an_end_to_how_many_there_are(
    acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "RATE_LIMITS_MAX", 1)
    limit(globex)
    limit(acme)

    with pytest.raises(TooManyRateLimits):
        limit(acme, model="gpt-5")

    assert RateLimit.objects.filter(organization=acme).count() == 1
    assert limit(acme, requests_per_minute=5).requests_per_minute == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"requests_per_minute": 0},
        {"requests_per_minute": 10**6 + 1},
        {"tokens_per_minute": -1},
        {"tokens_per_minute": 10**9 + 1},
    ],
)
def test_the_database_refuses_what_is_no_rate(
    acme: Organization, wrong: dict[str, int]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        RateLimit.objects.create(organization=acme, **wrong)


def test_the_database_refuses_two_for_the_same(acme: Organization) -> None:
    limit(acme)

    with pytest.raises(IntegrityError), transaction.atomic():
        RateLimit.objects.create(organization=acme, requests_per_minute=1)


def test_the_gateway_reads_those_of_one_organization(
    acme: Organization, globex: Organization
) -> None:
    key = make_key("Support bot", organization=acme)
    limit(globex)
    made = limit(acme, api_key=key, model="gpt-5", tokens_per_minute=7)

    assert rate_rules_of(acme.pk) == (
        RateRule(made.public_id, key.pk, "Support bot", "gpt-5", 60, 7),
    )


@pytest.mark.parametrize(
    ("key_id", "model", "meets"),
    [
        (None, "", True),
        (7, "", True),
        (8, "", False),
        (None, "gpt-5-mini", True),
        (None, "gpt-5", False),
        (None, "gpt-5*", True),
        (None, "gpt-5-mini-2*", False),
        (8, "gpt-5*", False),
    ],
)
def test_a_rule_meets_its_key_and_its_models(
    key_id: int | None, model: str, meets: bool
) -> None:
    rule = RateRule("rl_x", key_id, "", model, 1, None)

    assert rule.meets(api_key_id=7, model="gpt-5-mini") is meets
