"""Every form, with what its sender would send, and what has to be so before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.utils import timezone

from billing.actions.invoices import issue_invoice
from billing.actions.prices import mark_of_prices
from billing.invoice_models import Invoice
from billing.models import QuotaRequest, SpendLimits
from billing.payment_models import InvoiceCharge
from core.periods import cycle_interval, cycle_of, previous_cycle
from keys.models import ApiKey
from orgs.models import Membership, Organization, User
from tests.architecture import routes
from tests.architecture.routes import OWNER_FORMS, Addresses
from tests.factories import usd
from tests.usage_factories import add_record
from tests.visits import browser_of

Data = dict[str, Any]
ABOUT_MONEY = ("billing:", "keys:", "operator:")
# What others have to answer, or a first visit; tried by tests of their own.
ELSEWHERE = {
    *("operator:begin_viewing", "operator:stop_viewing", "operator:send_again"),
    *("billing:enter_card", "billing:save_card", "billing:payment_events"),
    *("operator:import_prices", "orgs:accept_invitation", "orgs:first_set_up"),
    # Of mails, and of the looks of a browser.
    *("orgs:unsubscribe", "orgs:theme"),
}
OPERATORS_FORMS: dict[str, Data] = {
    "operator:approve_quota": {"amount": "300", "message": "Fine"},
    "operator:deny_quota": {"message": "Not now"},
    "operator:decide_many_quotas": {"decision": "approve", "confirmed": "on"},
    "operator:note_payment": {"paid_on": "2026-11-02", "reference": "W-1"},
    "operator:abandon_charge": {},
    "operator:take_back": {"new_id": f"inv_{'a' * 24}", "reason": "Wrong buyer"},
    "operator:take_back_part": {
        "new_id": f"inv_{'b' * 24}",
        **{"amount": "3", "reason": "Outage", "confirmed": "on"},
    },
    "operator:set_approved_limit": {"amount": "500", "reason": "A good payer"},
    "operator:adjust": {
        "new_id": f"adj_{'c' * 24}",
        **{"direction": "credit", "amount": "5", "memo": "Sorry", "confirmed": "on"},
    },
    "operator:suspend": {"message": "A bill is open."},
    "operator:reactivate": {},
    "operator:grant_credit": {
        "new_id": f"credit_{'d' * 24}",
        **{"name": "Launch", "amount": "9", "kind": "goodwill", "priority": "50"},
    },
    "operator:void_credit": {"reason": "A slip"},
    # Of the organization that comes first.
    "operator:compare_now": {},
    "operator:new_price": {"model": "gpt-5", "input_nanos": "1.25"},
    "operator:withdraw_price": {},
}
MEMBERS_FORMS: dict[str, Data] = {
    "keys:create": {
        "new_id": f"key_{'e' * 24}",
        **{"name": "Search", "kind": "service", "expires_in": "90"},
    },
    "keys:rotate": {"grace": "24"},
    "keys:revoke": {},
    "keys:end_former": {},
    "billing:new_organization": {
        "new_id": f"org-{'f' * 24}",
        **{"name": "Initech", "environment": "production", "with_sibling": "on"},
    },
}
FORMS: dict[str, Data] = {
    **{name: OWNER_FORMS[name] for name in OWNER_FORMS if name.startswith(ABOUT_MONEY)},
    **MEMBERS_FORMS,
    **OPERATORS_FORMS,
}
# About people; that they change nothing twice is shown by sending them at once.
OF_PEOPLE: dict[str, Data] = {
    **{name: OWNER_FORMS[name] for name in OWNER_FORMS if name not in FORMS},
    "orgs:leave": {},
    "orgs:save_profile": {"name": "Ada M.", "time_zone": "Europe/Berlin"},
    "orgs:save_mails": {},
    "orgs:set_default_organization": {},
    "keys:add_webhook": {"url": "https://hooks.acme.example/tokenhouse"},
}


def furnish_with_invoice(
    acme: Organization, ada: User, rita: User, **names: str
) -> Addresses:
    """Give Acme something of every kind, limits, and an invoice over $12."""
    found = routes.furnish(acme, ada, rita, **names)
    SpendLimits.objects.update_or_create(
        organization=acme,
        defaults={
            "approved_limit_nanos": usd(120),
            "hard_limit_nanos": usd(50),
            "key_default_nanos": usd(30),
            "member_default_nanos": usd(30),
        },
    )
    cycle = previous_cycle(cycle_of(timezone.now()))
    record = add_record(acme, at=cycle_interval(cycle).start, cost_nanos=usd(12))
    invoice = issue_invoice(
        organization=acme,
        cycle_start=cycle,
        up_to=record.sequence,
        now=timezone.now(),
    )
    assert invoice is not None
    return Addresses({**found.values, "number": invoice.number})


def nobody_asked(addresses: Addresses, browser: Client) -> None:
    QuotaRequest.objects.all().delete()


def paired(addresses: Addresses, browser: Client) -> None:
    browser.post(addresses.of("billing:create_pair"))


def suspended(addresses: Addresses, browser: Client) -> None:
    data = OPERATORS_FORMS["operator:suspend"]
    browser.post(addresses.of("operator:suspend"), data)


def owned_by_rita_too(addresses: Addresses, browser: Client) -> None:
    ritas = Membership.objects.filter(user__public_id=addresses.values["user_id"])
    ritas.filter(organization__slug=addresses.values["slug"]).update(role="owner")


def without_default(addresses: Addresses, browser: Client) -> None:
    acme = Organization.objects.get(slug=addresses.values["slug"])
    User.objects.filter(memberships__organization=acme).update(
        default_organization=None
    )


def asked_of_a_card(addresses: Addresses, browser: Client) -> None:
    invoice = Invoice.objects.get(number=addresses.values["number"])
    InvoiceCharge.objects.create(
        organization=invoice.organization,
        invoice=invoice,
        stage="under_way",
        next_attempt_at=timezone.now(),
        created_at=timezone.now(),
    )


# What has to be so before a form can be sent.
FIRST: dict[str, Callable[[Addresses, Client], None]] = {
    "billing:request_increase": nobody_asked,
    "billing:unlink_pair": paired,
    "operator:reactivate": suspended,
    "operator:abandon_charge": asked_of_a_card,
    "orgs:leave": owned_by_rita_too,
    "orgs:set_default_organization": without_default,
}


def data_of(name: str, addresses: Addresses) -> Data:
    match name:
        case "keys:rotate":
            key = ApiKey.objects.get(public_id=addresses.values["key_id"])
            return {**FORMS[name], "handle": key.handle}
        case "operator:new_price":
            return {**FORMS[name], "seen": mark_of_prices()}
        case "orgs:set_default_organization":
            return {"organization": addresses.values["organization_id"]}
        case "operator:decide_many_quotas":
            return {**FORMS[name], "requests": [addresses.values["request_id"]]}
    return {**FORMS, **OF_PEOPLE}[name]


def browser_for(name: str, ada: User, op: User) -> Client:
    browser = browser_of(op if name.startswith("operator:") else ada)
    # That an operator comes is noted, once.
    browser.get("/operator/")
    return browser
