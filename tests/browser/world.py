"""A believable Acme for the browser: people, keys, prices, two months of usage."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from billing.actions.alerts import evaluate_limits
from billing.actions.credit import CreditWish, grant_credit, void_credit
from billing.actions.cycles import close_due_cycles
from billing.actions.funding import BillingDetails, enter_billing_profile
from billing.actions.price_seeding import seed_prices
from billing.actions.prices import add_prices
from billing.actions.quota import deny_request, request_increase
from billing.actions.scope_limits import set_key_limit, set_member_limit
from billing.actions.usage_posting import post_usage
from billing.models import (
    Budget,
    CreditGrant,
    CreditKind,
    GatewayProcess,
    Price,
    PriceSource,
    RateLimit,
    Reconciliation,
    ReconciliationRow,
    SoftLimit,
    SpendLimits,
)
from billing.price_list import rates_of
from billing.price_seed import BEGINNING
from billing.pricing import Tokens, cost_nanos
from core.periods import cycle_of, previous_cycle, start_of_day
from keys.actions.provider_admin_keys import store_admin_key
from keys.actions.webhooks import add_endpoint, send_test
from keys.admin_access import AdminAccess
from keys.models import ApiKey, ProviderKey, WebhookAttempt, WebhookDelivery
from orgs.actions import invite_member, link_siblings
from orgs.models import AuditEvent, Environment, Organization, OutboxMail, Role, User
from orgs.person_models import OptionalMail
from orgs.unsubscribing import Subscription, unsubscribe_url
from tests import factories
from tests.billing.books import book, hold_of
from tests.factories import usd
from tests.prices import prices_not_kept
from tests.usage_factories import add_record, add_refusal, make_key
from usage.actions import roll_up

USED_MODELS = ("gpt-4o-mini", "gpt-5", "text-embedding-3-small")
# As long as they come: pages must have room for it.
TUNED = "ft:gpt-4o-mini-2024-07-18:acme-support::9fkQ2x71"


@dataclass(frozen=True)
class World:
    """Who and what there is."""

    acme: Organization
    staging: Organization
    invitation_path: str
    record_path: str
    audit_path: str
    member_path: str
    quota_path: str
    webhook_path: str
    refusal_path: str
    unsubscribe_path: str


def furnish() -> World:
    """Fill the empty database."""
    ada = factories.make_user("ada@acme.example", name="Ada Moss")
    rita = factories.make_user("rita@acme.example", name="Rita Vale")
    factories.make_user("op@tokenhouse.example", name="Op", is_staff=True)
    acme = factories.make_organization("Acme")
    staging = factories.make_organization(
        "Acme Staging", environment=Environment.STAGING
    )
    for organization in (acme, staging):
        factories.join(ada, organization, Role.OWNER)
        factories.join(rita, organization, Role.READER)
    now = timezone.now()
    link_siblings(one=acme, other=staging, acting_user=ada, now=now)
    set_limits(acme, ada)
    keys = [
        make_key("Ada's laptop", user=ada),
        make_key("Notebook", user=rita),
        make_key("Support bot", organization=acme),
        make_key("Nightly batch", organization=acme),
    ]
    for key, model in ((None, ""), (None, "gpt-5*"), (keys[2], "")):
        RateLimit.objects.create(
            organization=acme, api_key=key, model=model, requests_per_minute=600
        )
    record_path = use(acme, keys, now)
    agree_prices(acme, now)
    hold_for(acme, keys, now)
    compare_bill(acme, ada, now)
    limit_scopes(acme, keys, rita, ada, now)
    evaluate_limits(now=now)
    invitation_path = invitation_of(acme, ada, now)
    event = AuditEvent.objects.filter(organization=acme, action="invite.sent").latest(
        "pk"
    )
    audit_path = f"/o/acme/audit/{event.public_id}"
    member_path = f"/o/acme/members/{rita.public_id}"
    return World(
        acme,
        staging,
        invitation_path,
        record_path,
        audit_path,
        member_path,
        ask_for_more(acme, ada, now),
        webhook_of(acme, ada, now),
        refusal_of(acme, keys[1], now),
        unsubscribe_path_of(acme, ada),
    )


def refusal_of(acme: Organization, key: ApiKey, now: datetime) -> str:
    """Refuse a request of Rita's by the approved limit; return its page's path."""
    refusal = add_refusal(
        acme,
        at=now,
        api_key=key,
        code="organization_usage_limit_exceeded",
        limit_nanos=usd(120),
        spent_nanos=usd("119.5"),
        held_nanos=usd("0.25"),
        bound_nanos=usd("0.75"),
    )
    return f"/o/acme/usage/refusals/{refusal.public_id}"


def unsubscribe_path_of(acme: Organization, ada: User) -> str:
    """Return where the link in a mail about a soft limit leads."""
    url = unsubscribe_url(Subscription(acme.pk, ada.email, OptionalMail.SOFT_LIMIT))
    return url.removeprefix(settings.BASE_URL)


def webhook_of(acme: Organization, ada: User, now: datetime) -> str:
    """Add an endpoint with an event that arrived at last; return its path."""
    url = "https://hooks.acme.example/tokenhouse/production?channel=spend"
    endpoint = add_endpoint(
        organization=acme, url=url, acting_user=ada, now=now
    ).endpoint
    delivery = send_test(endpoint=endpoint, acting_user=ada, now=now)
    for code, error in ((None, "It did not answer within 15 seconds."), (204, "")):
        WebhookAttempt.objects.create(
            organization=acme,
            delivery=delivery,
            at=now,
            status_code=code,
            duration_ms=15_002 if error else 84,
            error=error,
        )
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        status="delivered", attempts=2, delivered_at=now
    )
    return f"/o/acme/settings/webhooks/{endpoint.public_id}"


def ask_for_more(acme: Organization, ada: User, now: datetime) -> str:
    """Have an earlier request denied and one pending; return the operator's path."""
    op = User.objects.get(email="op@tokenhouse.example")
    given: dict[str, Any] = {"organization": acme, "acting_user": ada, "until": None}
    denied = request_increase(
        amount_nanos=usd(5000),
        reason="To be on the safe side.",
        now=now - timedelta(days=9),
        **given,
    )
    deny_request(
        request=denied,
        message="Nobody spends that much. Ask for what the launch needs.",
        acting_user=op,
        now=now - timedelta(days=8),
    )
    request = request_increase(
        amount_nanos=usd(400),
        reason="The support bot goes live for all customers. Cost center 4711.",
        now=now - timedelta(hours=30),
        **given,
    )
    return f"/operator/quota/{request.public_id}"


def set_limits(acme: Organization, ada: User) -> None:
    SpendLimits.objects.create(
        organization=acme,
        hard_limit_nanos=usd(60),
        approved_limit_nanos=usd(120),
        updated_by=ada,
    )
    for amount in (usd("0.5"), usd(40)):
        SoftLimit.objects.create(organization=acme, amount_nanos=amount)
    SoftLimit.objects.create(
        organization=acme,
        percent=80,
        basis="forecast",
        recipients=["controlling@acme.example"],
    )
    enter_billing_profile(
        organization=acme,
        legal_name="Acme Inc.",
        details=BillingDetails(
            address_line1="1 Main Street",
            postal_code="62701",
            city="Springfield",
            region="Illinois",
            country="US",
            tax_id="04-2103594",
            billing_emails=["invoices@acme.example", "controlling@acme.example"],
            reference="PO 2026-118",
        ),
        acting_user=ada,
        now=timezone.now(),
    )
    give_credit(acme)
    ProviderKey.objects.create(
        organization=acme,
        base_url="https://api.openai.com/v1",
        ciphertext="-",
        last_four="wxyz",
    )


def give_credit(acme: Organization) -> None:
    """Grant credit that expires soon, that never does, and that was voided."""
    now = timezone.now()
    wishes = (
        ("Launch offer", CreditKind.PROMOTIONAL, 25, 9),
        ("Prepaid 2026", CreditKind.PAID, 200, None),
        ("For the outage in May", CreditKind.GOODWILL, 10, 200),
    )
    for name, kind, amount, days in wishes:
        wish = CreditWish(
            name=name,
            kind=kind,
            amount_nanos=usd(amount),
            effective_at=now,
            expires_at=None if days is None else now + timedelta(days=days),
        )
        grant_credit(organization=acme, wish=wish, acting_user=None, now=now)
    void_credit(
        grant=CreditGrant.objects.get(name__startswith="For the outage"),
        reason="Granted twice",
        acting_user=None,
        now=timezone.now(),
    )


def use(acme: Organization, keys: list[ApiKey], now: datetime) -> str:
    """Book requests since the start of the previous cycle; return a record's path."""
    prices = price_list(now)
    chance, spent = random.Random(7), dict.fromkeys(cycles(now), 0)
    path = ""
    for at in instants(now, chance):
        price, key = chance.choice(prices), chance.choice(keys)
        tokens = Tokens(
            input=chance.randint(2_000, 400_000),
            cached_input=chance.randint(0, 1_000),
            output=chance.randint(200, 90_000) if price.output_nanos else 0,
        )
        cost = cost_nanos(rates_of(price), tokens)
        spent[cycle_of(at)] += cost
        record = add_record(
            acme,
            at=at,
            cost_nanos=cost,
            api_key=key,
            model=TUNED if price.model == USED_MODELS[0] else price.model,
            price_id=price.pk,
            input_tokens=tokens.input,
            cached_input_tokens=tokens.cached_input,
            output_tokens=tokens.output,
            held_nanos=2 * cost,
        )
        path = f"/o/acme/usage/records/{record.public_id}"
    for cycle_start, nanos in spent.items():
        Budget.objects.create(
            organization=acme, cycle_start=cycle_start, spent_nanos=nanos
        )
    unpriced: dict[str, Any] = {"model": "gpt-7-preview", "api_key": keys[2]}
    add_record(acme, at=now, cost_nanos=0, input_tokens=48_210, **unpriced)
    with connection.cursor() as cursor:
        cursor.execute(import_module("billing.migrations.0009_fill_scope_budgets").FILL)
    roll_up(now=now)
    post_usage(now=now)
    close_due_cycles(now=now)
    return path


def compare_bill(acme: Organization, ada: User, now: datetime) -> None:
    """Have the provider's bill compared: two days, with and without a difference."""
    access = AdminAccess("https://api.openai.com/v1", "sk-admin-of-the-world", "proj_a")
    store_admin_key(
        organization=acme, access=access, acting_user=ada, is_verified=True, now=now
    )
    run = Reconciliation.objects.create(
        organization=acme,
        first_day=now.date(),
        last_day=now.date(),
        status="succeeded",
        requested_at=now,
        finished_at=now,
        base_url=access.base_url,
        tolerance_nanos=10_000_000,
        tolerance_percent=1,
    )
    sides: list[tuple[str, str, int | None, int]] = [
        ("matched", "gpt-5", 1_250_000_125, 1_250_000_125),
        ("theirs_only", "code interpreter sessions", None, 400_000_000),
        ("differs", "gpt-4o-mini", 900_000_000, 1_000_000_000),
    ]
    for verdict, model, ours, theirs in sides:
        ReconciliationRow.objects.create(
            reconciliation=run,
            organization=acme,
            day=now.date(),
            model=model,
            verdict=verdict,
            ours_nanos=ours,
            theirs_nanos=theirs,
            ours_tokens=12_345 if ours else 0,
            theirs_tokens=12_345 if ours else None,
            is_provisional=True,
        )


def limit_scopes(
    acme: Organization, keys: list[ApiKey], rita: User, ada: User, now: datetime
) -> None:
    """Limit two keys, one of them to less than it spent, and a member."""
    given: dict[str, Any] = {"organization": acme, "acting_user": ada, "now": now}
    set_key_limit(api_key=keys[1], amount_nanos=usd(25), **given)
    set_key_limit(api_key=keys[2], amount_nanos=usd("0.50"), **given)
    set_member_limit(user=rita, amount_nanos=usd(30), **given)


def hold_for(acme: Organization, keys: list[ApiKey], now: datetime) -> None:
    """Have requests of two keys under way, at one gateway."""
    gateway = GatewayProcess.objects.create(
        id=uuid.uuid4(), host="gateway-1", pid=4242, started_at=now, beat_at=now
    )
    holds = [hold_of(acme, usd("0.031"), api_key_id=key.pk) for key in keys[1:3]]
    for hold, key in zip(holds, keys[1:3], strict=True):
        made = replace(hold, gateway_id=gateway.id, user_id=key.user_id)
        book(made)


def price_list(now: datetime) -> list[Price]:
    """Fill the price list, a little behind genai-prices; return what is used."""
    seed_prices(now=now)
    with prices_not_kept():
        Price.objects.filter(model="o3-mini").delete()
        Price.objects.filter(model="gpt-4.1", service_tier="").update(input_nanos=3000)
    old = {"model": "gpt-3-classic", "effective_from": BEGINNING, "input_nanos": 900}
    Price.objects.create(**old, source=PriceSource.GENAI_PRICES)
    return [Price.objects.get(model=model, service_tier="") for model in USED_MODELS]


def agree_prices(acme: Organization, now: datetime) -> None:
    """Have Acme pay a tenth less for one model, and less again from a day on."""
    op = User.objects.get(is_staff=True)
    terms: dict[str, Any] = {"organization": acme, "model": "gpt-5"}
    rates = {"input_nanos": 1125, "cached_input_nanos": 113, "output_nanos": 9000}
    later = start_of_day(now.date() + timedelta(days=20))
    prices = [
        Price(effective_from=now, **terms, **rates),
        Price(effective_from=later, **terms, **(rates | {"input_nanos": 1000})),
    ]
    add_prices(prices=prices, acting_user=op, now=now)


def cycles(now: datetime) -> list[date]:
    return [previous_cycle(cycle_of(now)), cycle_of(now)]


def instants(now: datetime, chance: random.Random) -> Iterator[datetime]:
    """Yield moments since the start of the previous cycle, fewer on weekends."""
    day = start_of_day(previous_cycle(cycle_of(now)))
    while day < now:
        for _ in range(chance.randint(2, 5) if day.weekday() < 5 else 1):
            at = day + timedelta(hours=chance.randint(7, 20), minutes=chance.random())
            yield min(at, now)
        day += timedelta(days=1)


def invitation_of(acme: Organization, ada: User, now: datetime) -> str:
    """Invite somebody new; return the path of the mailed link."""
    invite_member(
        organization=acme,
        email="nora@acme.example",
        role=Role.READER,
        acting_user=ada,
        now=now,
    )
    body = OutboxMail.objects.get(recipient="nora@acme.example").body_text
    found = re.search(rf"{re.escape(settings.BASE_URL)}(/invitations/\S+)", body)
    assert found is not None, "the mail holds the link"
    return found[1]
