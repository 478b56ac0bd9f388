"""Higher limits are asked for, and credit is read, with OpenAI's admin client."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import openai
import pytest
from django.utils import timezone
from openai import OpenAI

from billing.actions.funding import set_approved_limit
from billing.actions.quota import approve_request
from billing.models import CreditGrant, QuotaRequest
from orgs.models import AuditEvent, Organization, OutboxMail, User
from tests import rig
from tests.factories import usd
from tests.gateway.administration import admin_client, admin_key, what_is_kept

pytestmark = pytest.mark.processes

PATH = "/organization/quota_increase_requests"
CREDITS = "/organization/credit_grants"
OURS: Any = {"security": {"admin_api_key_auth": True}}
ASKED = {
    "threshold_amount": 500_00,
    "currency": "USD",
    "interval": "month",
    "reason": "A launch,\nand another",
}


@pytest.fixture
def client(gateway: rig.Process, acme: Organization, ada: User) -> Any:
    with admin_client(gateway.url, admin_key(acme, ada)) as client:
        yield client


@pytest.fixture
def funded(acme: Organization) -> Organization:
    """Acme, which may spend $120 a cycle."""
    set_approved_limit(
        organization=acme,
        amount_nanos=usd(120),
        acting_user=None,
        now=timezone.now(),
    )
    return acme


def get(client: OpenAI, path: str, **query: Any) -> Any:
    options: Any = {**OURS, "params": query}
    return client.get(path, cast_to=object, options=options)


def post(client: OpenAI, path: str, body: Any = None) -> Any:
    return client.post(path, cast_to=object, body=body, options=OURS)


def test_a_request_is_made_and_withdrawn_as_on_the_page(
    client: OpenAI, funded: Organization, ada: User
) -> None:
    until = timezone.now().date() + timedelta(days=9)

    made = post(client, PATH, ASKED | {"until": until.isoformat()})

    row = QuotaRequest.objects.get()
    assert (row.organization, row.requested_by) == (funded, ada)
    assert (row.requested_nanos, row.requested_until) == (usd(500), until)
    assert row.reason == ASKED["reason"]
    assert (made["id"], made["status"]) == (row.public_id, "pending")
    assert (made["threshold_amount"], made["until"]) == (500_00, until.isoformat())
    assert made["requested_by"] == ada.public_id
    assert get(client, f"{PATH}/{made['id']}") == made
    assert get(client, PATH)["data"] == [made]
    assert OutboxMail.objects.exists()

    withdrawn = post(client, f"{PATH}/{made['id']}/withdraw")

    assert (withdrawn["status"], withdrawn["id"]) == ("withdrawn", made["id"])
    assert get(client, PATH, status="pending")["data"] == []
    assert get(client, PATH, status="withdrawn")["data"] == [withdrawn]
    events = AuditEvent.objects.filter(target=made["id"]).order_by("pk")
    assert [(event.action, event.actor) for event in events] == [
        ("quota_request.created", ada),
        ("quota_request.withdrawn", ada),
    ]


def test_a_decision_is_told(client: OpenAI, funded: Organization) -> None:
    made = post(client, PATH, ASKED)
    approve_request(
        request=QuotaRequest.objects.get(),
        amount_nanos=usd(300),
        until=None,
        message="For now",
        acting_user=None,  # type: ignore[arg-type]
        now=timezone.now(),
    )

    told = get(client, f"{PATH}/{made['id']}")

    assert (told["status"], told["message"]) == ("partially_approved", "For now")
    assert (told["granted_amount"], told["granted_until"]) == (300_00, None)
    assert told["threshold_amount_before"] == 120_00
    assert told["decided_at"] >= told["created_at"]


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"threshold_amount": 120_00}, "threshold_amount", "not_an_increase"),
        ({"threshold_amount": 1.5}, "threshold_amount", None),
        ({"reason": " "}, "reason", None),
        ({"reason": "a\0b"}, "reason", None),
        ({"until": "soon"}, "until", None),
        ({"until": "2020-01-01"}, "until", None),
        ({"until": "9999-12-31"}, "until", None),
        ({"currency": "EUR"}, "currency", None),
        ({"status": "approved"}, "status", None),
    ],
)
def test_what_cannot_be_asked_for_changes_nothing(
    client: OpenAI, funded: Organization, change: Any, param: str, code: str | None
) -> None:
    before = what_is_kept()

    with pytest.raises(openai.BadRequestError) as refusal:
        post(client, PATH, ASKED | change)

    assert (refusal.value.param, refusal.value.code) == (param, code)
    assert what_is_kept() == before


def test_without_an_approved_limit_nothing_is_raised(
    client: OpenAI, acme: Organization
) -> None:
    before = what_is_kept()

    with pytest.raises(openai.BadRequestError) as refusal:
        post(client, PATH, ASKED)

    assert refusal.value.code == "no_approved_limit"
    assert what_is_kept() == before


def test_one_request_waits_and_ends_once(client: OpenAI, funded: Organization) -> None:
    made = post(client, PATH, ASKED)
    before = what_is_kept()
    with pytest.raises(openai.BadRequestError) as refusal:
        post(client, PATH, ASKED)
    assert refusal.value.code == "quota_request_pending"
    assert what_is_kept() == before

    post(client, f"{PATH}/{made['id']}/withdraw")
    before = what_is_kept()
    with pytest.raises(openai.BadRequestError) as refusal:
        post(client, f"{PATH}/{made['id']}/withdraw")
    assert refusal.value.code == "quota_request_closed"
    assert what_is_kept() == before


def test_credit_is_told_in_pages_to_the_nano_dollar(
    client: OpenAI, acme: Organization
) -> None:
    now = timezone.now()
    for number, days in enumerate((90, -1, 3)):
        CreditGrant.objects.create(
            organization=acme,
            name=f"Grant {number}",
            amount_nanos=usd(5) + number,
            consumed_nanos=1,
            effective_at=now - timedelta(days=9),
            expires_at=now + timedelta(days=days),
        )

    first = get(client, CREDITS, limit=2)
    second = get(client, CREDITS, limit=2, after=first["last_id"])

    assert (first["has_more"], second["has_more"]) == (True, False)
    grants = [*first["data"], *second["data"]]
    assert [grant["status"] for grant in grants] == ["live", "expired", "ends_soon"]
    nanos = [round(grant["available_amount"]["value"] * 10**9) for grant in grants]
    assert nanos == [usd(5) - 1, 0, usd(5) + 1]
    assert [grant["used_amount"]["value"] for grant in grants] == [1e-9] * 3
    assert get(client, f"{CREDITS}/{grants[2]['id']}") == grants[2]
