"""The table of pages as the doors' tests need it: every route, and who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from django.utils import timezone

from billing.actions.invoices import issue_invoice
from billing.actions.scope_limits import set_key_limit, set_member_limit
from billing.models import (
    Alert,
    CreditGrant,
    PaymentAccount,
    Price,
    QuotaRequest,
    RateLimit,
    SoftLimit,
)
from core.periods import cycle_of
from keys.actions import block_key
from keys.actions.provider_admin_keys import store_admin_key
from keys.actions.webhooks import add_endpoint, send_test
from keys.admin_access import AdminAccess
from keys.models import (
    FormerKey,
    WebhookDelivery,
    WebhookEndpoint,
)
from orgs.access import OPERATORS_ONLY, PERMISSION, WHILE_SUSPENDED
from orgs.actions import invite_member
from orgs.models import AuditEvent, Organization, OutboxMail, Role, User
from orgs.permissions import Permission
from tests.factories import join, usd
from tests.factors import give_app
from tests.usage_factories import add_record, add_refusal, make_key

TABLES = ("orgs_%", "keys_%", "usage_%", "billing_%")

# Everything an organization has an address for. A new route that is not listed here
# fails a test, so that somebody decides who may use it.
READER_PAGES = (
    "orgs:organization",
    "orgs:members",
    "keys:keys",
    "usage:usage",
    "usage:health",
    "usage:records",
    "billing:overview",
    "billing:changes",
    "billing:limits",
    "billing:holds",
    "billing:billing",
    "billing:invoice_draft",
    "billing:invoice",
    "billing:invoice_csv",
    "billing:invoice_pdf",
    "billing:increase",
    "billing:record",
    "billing:refusal",
    "billing:settings",
)
# Pages that a reader is refused.
OWNER_PAGES = (
    "orgs:audit",
    "orgs:audit_event",
    "billing:member",
    "billing:billing_information",
    "billing:card",
    "billing:alerts",
    "billing:focus",
    "keys:webhooks",
    "keys:webhook",
)
# Forms of every member; each view decides what of it is theirs.
MEMBER_FORMS = (
    "orgs:leave",
    "keys:create",
    "keys:revoke",
    "keys:rotate",
    "keys:end_former",
)
# Forms of owners, with what an owner would send.
OWNER_FORMS: dict[str, dict[str, str]] = {
    "orgs:invite": {"emails": "nora@acme.example", "role": "reader"},
    "orgs:set_role": {"role": "owner"},
    "orgs:transfer": {},
    "orgs:remove_member": {},
    "orgs:resend_invitation": {},
    "orgs:revoke_invitation": {},
    "orgs:set_two_factor": {"is_required": "on"},
    "orgs:set_time_zone": {"time_zone": "Europe/Berlin"},
    "keys:set_provider_key": {
        "base_url": "https://api.openai.com/v1",
        "secret": "sk-proj-0123456789abcdefghij",
        "unverified": "on",
    },
    "keys:set_admin_key": {
        "admin_base_url": "https://api.openai.com/v1",
        "admin_secret": "sk-admin-0123456789abcdefghij",
        "admin_unverified": "on",
    },
    "keys:remove_admin_key": {},
    "keys:test_webhook": {},
    "keys:enable_webhook": {},
    "keys:remove_webhook": {},
    "keys:redeliver_webhook": {},
    "keys:block": {},
    "keys:allow": {},
    "billing:set_hard_limit": {"amount": "25.00"},
    "billing:remove_hard_limit": {},
    "billing:add_soft_limit": {"amount": "7.50"},
    "billing:remove_soft_limit": {},
    "billing:acknowledge_alert": {},
    "billing:save_escalation": {"after": "30"},
    "billing:send_test_mail": {"new_id": f"test_{'t' * 24}", "mail": "soft_limit"},
    "billing:save_unusual_spend": {"sensitivity": "high", "floor": "2.50"},
    "billing:set_rate_limit": {"model": "gpt-5", "requests_per_minute": "60"},
    "billing:remove_rate_limit": {},
    "billing:set_key_limit": {"amount": "5.00"},
    "billing:remove_key_limit": {},
    "billing:set_member_limit": {"amount": "5.00"},
    "billing:remove_member_limit": {},
    "billing:set_key_default": {"amount": "5.00"},
    "billing:remove_key_default": {},
    "billing:set_member_default": {"amount": "5.00"},
    "billing:remove_member_default": {},
    "billing:save_billing_information": {
        "legal_name": "Acme Inc.",
        "address_line1": "1 Main Street",
        "city": "Springfield",
        "country": "US",
    },
    "billing:remove_card": {},
    "billing:request_increase": {"amount": "500", "reason": "A launch"},
    "billing:withdraw_request": {},
    "billing:rename_organization": {"name": "Acme Works"},
    "billing:link_pair": {"sibling": "org-unpaired"},
    "billing:create_pair": {},
    "billing:unlink_pair": {},
    "billing:delete_organization": {"name": "Acme"},
    "billing:set_gateway": {"clamps_output": "on", "cache_s": "3600"},
}
# Forms of owners that change something only where a payment provider answers, or that
# show a secret in their answer.
PROVIDER_FORMS = ("billing:enter_card", "billing:save_card", "keys:add_webhook")
ALL_ROUTES = (
    *(*READER_PAGES, *OWNER_PAGES),
    *(*MEMBER_FORMS, *OWNER_FORMS, *PROVIDER_FORMS),
)
# Pages that nobody need log in for.
PUBLIC = (
    "healthz",
    "readyz",
    # To whoever is no operator it is not there.
    "metrics",
    "orgs:theme",
    "orgs:accept_invitation",
    # Signed by us, for who got the mail.
    "orgs:unsubscribe",
    # Signed by the payment provider; not there without one.
    "billing:payment_events",
    # Not there without its secret, nor once there is an operator.
    "orgs:first_set_up",
    "account_login",
    "account_logout",
    "account_signup",
    "account_inactive",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    # Steps of logging in: without a log-in under way they lead back to its start.
    "account_email_verification_sent",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "openid_connect_login",
    "openid_connect_callback",
    "socialaccount_login_cancelled",
    "socialaccount_login_error",
    "socialaccount_signup",
)
# What pages outside of organizations have in their addresses.
OTHER_ARGUMENTS = {
    "pk": 1,
    "request_id": "req_1",
    "organization_id": "org-1",
    "credit_id": "credit_1",
    "number": "INV-1",
    "mail_id": "1",
    "sample_name": "invoice",
    "price_id": 1,
    "kind": "completions",
    "rest": "organization/groups",
    "project_id": "proj_1",
    "user_id": "user_1",
    "invite_id": "inv_1",
    "account_id": "key_1",
    "key_id": "key_1",
    "alert_id": "alert_1",
    "grant_id": "credit_1",
}


@dataclass(frozen=True, slots=True)
class Route:
    """A named page and the arguments in its address."""

    name: str
    arguments: frozenset[str]
    # As the table of pages has it, with its gaps: `/o/<slug:slug>/limits`.
    path: str
    is_operators: bool


@cache
def all_routes() -> tuple[Route, ...]:
    """Walk the table of pages; the operator's admin guards itself."""
    return tuple(walk(get_resolver().url_patterns, "", "/"))


def walk(
    patterns: list[URLPattern | URLResolver], namespace: str, path: str
) -> Iterator[Route]:
    for pattern in patterns:
        here = f"{path}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                inner = f"{pattern.namespace}:" if pattern.namespace else namespace
                yield from walk(pattern.url_patterns, inner, here)
        else:
            assert pattern.name, f"{pattern.pattern} has no name"
            arguments = frozenset(pattern.pattern.converters) | frozenset(
                pattern.pattern.regex.groupindex
            )
            is_operators = hasattr(pattern.callback, OPERATORS_ONLY)
            yield Route(f"{namespace}{pattern.name}", arguments, here, is_operators)


@cache
def permission_of(name: str) -> Permission | None:
    """Return what the view of a page asks for."""
    return getattr(view_of(name), PERMISSION, None)


def is_there_while_suspended(name: str) -> bool:
    return bool(getattr(view_of(name), WHILE_SUSPENDED))


def view_of(name: str) -> Any:
    arguments = next(route.arguments for route in all_routes() if route.name == name)
    address = reverse(name, kwargs=dict.fromkeys(arguments, "x"))
    return resolve(address).func


def organization_routes() -> list[Route]:
    return [route for route in all_routes() if "slug" in route.arguments]


def operator_routes() -> list[Route]:
    """Return the routes whose views say that they are for operators alone."""
    return [route for route in all_routes() if route.is_operators]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Real objects of an organization, so that only the door can be in the way."""

    values: dict[str, str]

    def of(self, route_name: str) -> str:
        """Return the address of a page, whichever of the values it takes."""
        (route,) = [each for each in all_routes() if each.name == route_name]
        return reverse(
            route_name, kwargs={name: self.values[name] for name in route.arguments}
        )


def furnish(
    acme: Organization, ada: User, rita: User, *, unpaired_id: str = "org-unpaired"
) -> Addresses:
    """Give Acme something of every kind that an address can name."""
    now = timezone.now()
    # Only who has a second factor may require one of others.
    give_app(ada)
    invitation = invite_member(
        organization=acme,
        email="ned@acme.example",
        role=Role.READER,
        acting_user=ada,
        # Long enough ago to be sent again.
        now=now - timedelta(hours=1),
    )
    unpaired = Organization.objects.create(
        public_id=unpaired_id, name="Trials", slug=unpaired_id, environment="staging"
    )
    join(ada, unpaired, Role.OWNER)
    key = make_key("Support bot", organization=acme)
    former = FormerKey.objects.create(
        api_key=key,
        handle=key.handle[::-1],
        digest=key.digest[::-1],
        last_four="abcd",
        replaced_at=now,
        ends_at=now + timedelta(hours=1),
    )
    ritas, blocked = make_key("Rita's", user=rita), make_key("Blocked", user=rita)
    block_key(key=blocked, organization=acme, acting_user=ada, now=now)
    record = add_record(acme, at=now, cost_nanos=5, api_key=key)
    invoice = issue_invoice(
        organization=acme,
        cycle_start=record.cycle_start,
        up_to=record.sequence,
        now=now,
    )
    assert invoice is not None
    rate_limit = RateLimit.objects.create(organization=acme, requests_per_minute=9)
    asked: dict[str, Any] = {"requested_nanos": usd(300), "reason": "A launch"}
    give_card(acme)
    quota_request = QuotaRequest.objects.create(
        organization=acme, limit_before_nanos=usd(120), **asked
    )
    limited: dict[str, Any] = {"organization": acme, "amount_nanos": usd(3), "now": now}
    set_key_limit(api_key=key, acting_user=ada, **limited)
    set_member_limit(user=rita, acting_user=ada, **limited)
    return Addresses(
        {
            "slug": acme.slug,
            "user_id": rita.public_id,
            "invitation_id": invitation.public_id,
            "key_id": key.public_id,
            "handle": former.handle,
            "member_key_id": ritas.public_id,
            "blocked_key_id": blocked.public_id,
            **what_tells(acme, ada),
            "rate_id": rate_limit.public_id,
            "request_id": quota_request.public_id,
            "organization_id": acme.public_id,
            "credit_id": give_credit(acme).public_id,
            "record_id": record.public_id,
            "refusal_id": add_refusal(acme, at=now, api_key=key).public_id,
            "number": invoice.number,
            **operators_objects(acme, ada),
            "audit_id": AuditEvent.objects.filter(organization=acme)[0].public_id,
        }
    )


def operators_objects(organization: Organization, owner: User) -> dict[str, str]:
    """
    Return what operators' pages name; another sample for each organization.

    Its provider can be asked what it billed.
    """
    store_admin_key(
        organization=organization,
        access=AdminAccess("https://api.openai.com/v1", "sk-admin-of-the-furniture"),
        acting_user=owner,
        is_verified=False,
        now=timezone.now(),
    )
    mail = OutboxMail.objects.filter(organization=organization).latest("pk")
    samples = {"acme": "invoice", "globex": "hard_limit"}
    return {
        "mail_id": str(mail.pk),
        "sample_name": samples.get(organization.slug, "soft_limit"),
        "price_id": str(planned_price(organization, timezone.now()).pk),
    }


def planned_price(organization: Organization, now: datetime) -> Price:
    """Agree a price with an organization, from tomorrow on."""
    return Price.objects.create(
        organization=organization,
        model="gpt-5",
        effective_from=now + timedelta(days=1),
        input_nanos=7,
        source="operator",
        created_at=now,
    )


def give_credit(organization: Organization) -> CreditGrant:
    now = timezone.now()
    return CreditGrant.objects.create(
        organization=organization,
        name="Launch",
        amount_nanos=usd(9),
        effective_at=now,
    )


def what_tells(organization: Organization, owner: User) -> dict[str, str]:
    """Return what pages name of soft limits, alerts and webhooks."""
    soft_limit = SoftLimit.objects.create(
        organization=organization, amount_nanos=usd(40)
    )
    return {
        "alert_id": soft_limit.public_id,
        "event_id": give_alert(organization).public_id,
        **give_webhook(organization, owner),
    }


def give_alert(organization: Organization) -> Alert:
    now = timezone.now()
    return Alert.objects.create(
        organization=organization,
        kind="hard_limit",
        cycle_start=cycle_of(now),
        limit_nanos=usd(1),
        spent_nanos=usd(1),
        created_at=now,
    )


def give_webhook(organization: Organization, owner: User) -> dict[str, str]:
    """Add an endpoint that is disabled, with an event that arrived before."""
    now = timezone.now()
    endpoint = add_endpoint(
        organization=organization,
        url="https://hooks.acme.example/in",
        acting_user=owner,
        now=now,
    ).endpoint
    delivery = send_test(endpoint=endpoint, acting_user=owner, now=now)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(status="delivered")
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(disabled_at=now)
    return {"webhook_id": endpoint.public_id, "delivery_id": delivery.public_id}


def give_card(organization: Organization) -> None:
    now = timezone.now()
    PaymentAccount.objects.create(
        organization=organization,
        customer_id=f"cus_{organization.slug}",
        method_id="pm_1",
        expires_month=4,
        expires_year=2030,
        card_as_of=now,
        created_at=now,
    )


def everything_written() -> dict[str, str]:
    """Return a digest of every row of ours, table by table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') "
            "AND NOT relispartition AND relname LIKE ANY(%s)",
            [list(TABLES)],
        )
        names = sorted(name for (name,) in cursor.fetchall())
        return {name: digest_of(name) for name in names}


def digest_of(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT concat(count(*), ' rows ', "
            "md5(string_agg(row::text, '|' ORDER BY row::text))) "
            f"FROM {table} AS row"
        )
        return str(cursor.fetchone()[0])
