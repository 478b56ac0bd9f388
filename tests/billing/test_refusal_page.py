"""The page behind a refusal's link: why, until when, and who can do what about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing.limits import REFUSAL_CODES, Binding
from billing.models import Budget, SpendLimits
from billing.refusal_queries import limit_that_refused
from core.periods import cycle_of
from keys.models import ApiKey
from orgs.models import Membership, Organization, User
from tests.factories import usd
from tests.usage_factories import add_refusal, count_refusals, event_id_at, make_key

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def key(acme: Organization) -> ApiKey:
    return make_key("Support bot", organization=acme)


def page_of(client: Client, user: User, public_id: str, *, status: int = 200) -> str:
    client.force_login(user)
    response = client.get(f"/o/acme/usage/refusals/{public_id}")
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def test_it_shows_the_arithmetic_of_the_limit(
    client: Client, acme: Organization, ada: User, key: ApiKey
) -> None:
    refusal = add_refusal(acme, at=NOON, api_key=key)

    page = page_of(client, ada, refusal.public_id)

    assert "The hard limit of Acme left too little" in page
    for amount in ("0.000001", "− $0.0000009", "− $0.00000006", "$0.00000004"):
        assert amount in page
    assert 'data-label="Amount">$0.00000001</td>' in page, "what was missing"
    assert "on 1 December 2026 at 0:00 UTC" in page
    assert f"req_{refusal.event_id.hex}" in page


def test_what_the_limit_leaves_now_says_whether_it_would_pass(
    acme: Organization, ada: User, key: ApiKey
) -> None:
    refusal = add_refusal(acme, at=timezone.now(), api_key=key)
    owner = Membership.objects.get(organization=acme, user=ada)

    def found() -> tuple[int | None, bool]:
        limit = limit_that_refused(owner, refusal, now=timezone.now())
        assert limit is not None
        return limit.now.left_nanos if limit.now else None, limit.fits_now

    SpendLimits.objects.create(organization=acme, hard_limit_nanos=49)
    assert found() == (49, False)
    SpendLimits.objects.update(hard_limit_nanos=50)
    assert found() == (50, True)
    SpendLimits.objects.update(hard_limit_nanos=None)
    assert found() == (None, True)


def test_owners_find_the_request_for_more_filled_in(
    client: Client, acme: Organization, ada: User, key: ApiKey
) -> None:
    refusal = add_refusal(
        acme,
        at=NOON,
        api_key=key,
        code="organization_usage_limit_exceeded",
        limit_nanos=usd(120),
        spent_nanos=usd(119),
        held_nanos=0,
        bound_nanos=usd(2),
    )

    page = page_of(client, ada, refusal.public_id)

    assert f"increase?amount=240.00&amp;reason=Request+{refusal.public_id}" in page
    assert "Ask an owner" not in page


def test_readers_are_told_whom_to_ask(
    client: Client, acme: Organization, rita: User
) -> None:
    refusal = add_refusal(acme, at=NOON, api_key=make_key("R", user=rita))

    page = page_of(client, rita, refusal.public_id)

    assert "mailto:ada%40acme.example?subject=A%20request%20was%20refused" in page
    assert f"usage/refusals/{refusal.public_id}" in page
    assert "Change the limit" not in page


def test_readers_see_their_own_alone(
    client: Client, acme: Organization, rita: User, key: ApiKey
) -> None:
    refusal = add_refusal(acme, at=NOON, api_key=key)
    count_refusals(acme, at=NOON, api_key=key, requests=20, kept=0)

    page_of(client, rita, refusal.public_id, status=404)
    page_of(client, rita, f"ref_{event_id_at(NOON).hex}", status=404)


def test_it_opens_when_everything_is_spent(
    client: Client, acme: Organization, ada: User, key: ApiKey
) -> None:
    SpendLimits.objects.create(organization=acme, hard_limit_nanos=usd(5))
    now = timezone.now()
    cycle = cycle_of(now)
    Budget.objects.create(organization=acme, cycle_start=cycle, spent_nanos=usd(5))
    refusal = add_refusal(acme, at=now, api_key=key)

    page = page_of(client, ada, refusal.public_id)

    assert "Nothing of $5.00 is left now" in page


@pytest.mark.parametrize("binding", Binding)
def test_each_limit_is_named(
    client: Client, acme: Organization, rita: User, binding: Binding
) -> None:
    key = make_key("Rita's", user=rita)
    code, name = REFUSAL_CODES[binding], "Rita's"
    refusal = add_refusal(acme, at=NOON, api_key=key, code=code, scope_name=name)

    page = page_of(client, rita, refusal.public_id)

    assert "left too little" in page
    assert ("Rita&#x27;s left too little" in page) == (
        binding in (Binding.KEY_LIMIT, Binding.MEMBER_LIMIT)
    )
    assert ("does not come back" in page) == (binding is Binding.CREDIT)


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("rate_limit_exceeded", 429, "It passes with time"),
        ("model_not_priced", 400, "The operator adds prices"),
        ("model_not_found", 404, "Look at the spelling"),
        ("provider_not_configured", 400, "An owner adds the provider key"),
        ("budget_unavailable", 503, "Ask again in a moment"),
        ("", 400, "The request has to be changed"),
    ],
)
def test_what_no_limit_of_spending_refused_is_explained_too(
    client: Client,
    acme: Organization,
    ada: User,
    key: ApiKey,
    code: str,
    status: int,
    told: str,
) -> None:
    nothing = dict.fromkeys(("limit_nanos", "spent_nanos", "held_nanos", "bound_nanos"))
    facts = {"code": code, "status_code": status, "message": "No, sorry."}
    refusal = add_refusal(acme, at=NOON, api_key=key, **facts, **nothing)

    page = page_of(client, ada, refusal.public_id)

    assert told in page
    assert "No, sorry." in page
    assert "When it came" not in page


def test_one_that_was_only_counted_leads_to_one_that_was_kept(
    client: Client, acme: Organization, ada: User, key: ApiKey
) -> None:
    kept = add_refusal(acme, at=NOON, api_key=key)
    only_counted = f"ref_{event_id_at(NOON + timedelta(seconds=9)).hex}"
    page_of(client, ada, only_counted, status=404)
    count_refusals(acme, at=NOON, api_key=key, requests=20, kept=0)

    page = page_of(client, ada, only_counted)

    assert f"/usage/refusals/{kept.public_id}" in page
    assert "refused 21 times" in page_of(client, ada, kept.public_id)


@pytest.mark.parametrize(
    "public_id", ["ref_", "ref_zz", "rec_1", "x", "ref_" + "0" * 32]
)
def test_what_is_no_refusal_is_not_there(
    client: Client, acme: Organization, ada: User, public_id: str
) -> None:
    page_of(client, ada, public_id, status=404)
