"""Take the demo away, with all that was booked for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from billing.demo import script
from billing.invoice_models import (
    BillingCycle,
    Invoice,
    InvoiceLine,
    InvoicePayment,
)
from billing.ledger_models import LedgerAccount, LedgerEntry, LedgerTransaction
from billing.models import Budget, Hold, Price
from billing.payment_models import InvoiceCharge, PaymentAccount, PaymentEvent
from billing.scope_models import ScopeBudget
from keys.models import ApiKey
from orgs.models import (
    AuditAnchor,
    AuditChain,
    AuditEvent,
    AuditLink,
    Membership,
    Organization,
    User,
)
from usage.models import (
    RefusedMinute,
    RefusedRequest,
    RollupWatermark,
    TimingHour,
    UsageHour,
    UsageRecord,
)


class NotSuperuser(Exception):
    """Postgres lets only a superuser take rows from append-only tables."""


@transaction.atomic
def remove_demo() -> int:
    """
    Remove the demo's organizations and people; return how many organizations.

    People who are also members elsewhere, or who changed something elsewhere, stay.

    :raises NotSuperuser: if the database does not let us; nothing is removed then.
    """
    organizations = list(
        Organization.objects.select_for_update().filter(is_demo=True).order_by("pk")
    )
    if not organizations:
        return 0
    # No roll-up meanwhile: it would bring sums of records back that are going.
    RollupWatermark.objects.select_for_update().get()
    Hold.objects.filter(organization__in=organizations).delete()
    with append_only_lifted():
        UsageRecord.objects.filter(organization__in=organizations).delete()
        remove_ledger_of(organizations)
        remove_audit_events_of(organizations)
        remove_prices(organizations)
    for model in (UsageHour, TimingHour, RefusedMinute, RefusedRequest):
        model.objects.filter(organization__in=organizations).delete()
    ScopeBudget.objects.filter(organization__in=organizations).delete()
    Budget.objects.filter(organization__in=organizations).delete()
    personal_keys().delete()
    Organization.objects.filter(pk__in=[each.pk for each in organizations]).delete()
    remove_people()
    return len(organizations)


def remove_ledger_of(organizations: list[Organization]) -> None:
    models: tuple[type[Model], ...] = (
        *(InvoiceCharge, PaymentEvent, PaymentAccount),
        *(InvoicePayment, InvoiceLine, Invoice, BillingCycle),
        *(LedgerEntry, LedgerTransaction, LedgerAccount),
    )
    for model in models:
        model._default_manager.filter(organization__in=organizations).delete()


def remove_audit_events_of(organizations: list[Organization]) -> None:
    """Remove events with their chains; the installation's is computed anew."""
    events = audit_events_of(organizations)
    of_them = Q(organization__in=organizations) | Q(organization=None)
    AuditLink.objects.filter(of_them).delete()
    AuditAnchor.objects.filter(of_them).delete()
    AuditChain.objects.filter(of_them).delete()
    events.delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT link_audit_event(event) FROM (SELECT * FROM orgs_auditevent "
            "WHERE organization_id IS NULL ORDER BY id) AS event"
        )


def audit_events_of(organizations: list[Organization]) -> QuerySet[AuditEvent]:
    """Return the events of organizations and of personal keys that go."""
    return AuditEvent.objects.filter(
        Q(organization__in=organizations)
        | Q(organization=None, target__in=personal_keys().values("public_id"))
    )


def personal_keys() -> QuerySet[ApiKey]:
    """Return the keys of people who are only of the demo, and those it made for all."""
    elsewhere = Membership.objects.filter(
        user=OuterRef("user"), organization__is_demo=False
    )
    return ApiKey.objects.filter(user__email__in=script.PEOPLE).filter(
        ~Exists(elsewhere) | Q(name__in=[plan.name for plan in script.KEYS])
    )


@contextmanager
def append_only_lifted() -> Iterator[None]:
    """Let rows be deleted that a trigger protects, in this transaction alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        if not cursor.fetchone()[0]:
            raise NotSuperuser
        # Only while nothing else is written: other triggers are lifted as well.
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def remove_people() -> None:
    for person in User.objects.filter(email__in=script.PEOPLE):
        has_acted = AuditEvent.objects.filter(actor=person).exists()
        if not has_acted and not person.memberships.exists():
            person.delete()


def remove_prices(organizations: list[Organization]) -> None:
    """Remove the demo's prices; those of the list unless somebody else used them."""
    Price.objects.filter(organization__in=organizations).delete()
    for price in Price.objects.filter(source_version=script.PRICE_MARK):
        if not UsageRecord.objects.filter(price_id=price.pk).exists():
            price.delete()
