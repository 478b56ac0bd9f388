"""No row of an organization refers to another organization's, whoever writes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from billing.invoice_models import Invoice, InvoiceLine, InvoicePayment
from billing.ledger_models import LedgerAccount, LedgerEntry, LedgerTransaction
from billing.models import (
    Alert,
    AlertNotice,
    Budget,
    CreditGrant,
    CreditNotice,
    Hold,
    InvoiceCharge,
    KeptAnswer,
    RateLimit,
    Reconciliation,
    ReconciliationRow,
    ScopeBudget,
    ScopeLimit,
)
from billing.quota_models import QuotaRequest, TemporaryRaise
from core.periods import cycle_of, previous_cycle
from keys.models import (
    ApiKey,
    KeyBlock,
    KeyUse,
    WebhookAttempt,
    WebhookDelivery,
)
from orgs.models import Organization, User
from tests.architecture import routes
from tests.architecture.tenancy import references, tenant_links
from tests.usage_factories import event_id_at, make_key

pytestmark = pytest.mark.django_db

# Foreign keys that name the row alone, and why that is enough.
FACTS_OF_THE_BOOKS = (
    "written once by the gateway from the key it authenticated; a check would lock the "
    "key's row for every request"
)
WITHOUT_ORGANIZATION = {
    ("billing_hold", "api_key_id"): FACTS_OF_THE_BOOKS,
    ("usage_usagerecord", "api_key_id"): FACTS_OF_THE_BOOKS,
    ("usage_usagehour", "api_key_id"): "sums of usage records",
    ("usage_refusedrequest", "api_key_id"): FACTS_OF_THE_BOOKS,
    ("usage_refusedminute", "api_key_id"): "sums of refused requests",
    ("usage_timinghour", "api_key_id"): "sums of usage records",
}
# How each is broken: which column is made to name another organization's row.
KEY = ("api_key_id", "keys_apikey")
BREAKS = {
    "audit_link_of_organization": ("event_id", "orgs_auditevent"),
    "keys_keyblock_key_of_organization": KEY,
    "keys_keyuse_key_of_organization": KEY,
    "billing_ratelimit_key_of_organization": KEY,
    "billing_scopelimit_key_of_organization": KEY,
    "billing_keptanswer_key_of_organization": KEY,
    "scope_limit_of_member": ("membership_id", "orgs_membership"),
    "hold_of_budget": ("budget_id", "billing_budget"),
    "credit_notice_of_grant": ("grant_id", "billing_creditgrant"),
    "raise_of_quota_request": ("request_id", "billing_quotarequest"),
    "ledger_reversal_of_organization": ("reverses_id", "billing_ledgertransaction"),
    "ledger_entry_of_transaction": ("transaction_id", "billing_ledgertransaction"),
    "ledger_entry_of_account": ("account_id", "billing_ledgeraccount"),
    "credit_note_of_invoice": ("credits_id", "billing_invoice"),
    "invoice_line_of_invoice": ("invoice_id", "billing_invoice"),
    "credit_line_of_line": ("takes_back_id", "billing_invoiceline"),
    "invoice_line_of_adjustment": ("transaction_id", "billing_ledgertransaction"),
    "invoice_payment_of_invoice": ("invoice_id", "billing_invoice"),
    "invoice_charge_of_invoice": ("invoice_id", "billing_invoice"),
    "webhook_delivery_of_endpoint": ("endpoint_id", "keys_webhookendpoint"),
    "webhook_attempt_of_delivery": ("delivery_id", "keys_webhookdelivery"),
    "alert_notice_of_alert": ("alert_id", "billing_alert"),
    "reconciliation_row_of_run": ("reconciliation_id", "billing_reconciliation"),
}
# Checks that would say no first.
LOOSENED = (
    "ALTER TABLE billing_scopelimit DROP CONSTRAINT scope_limit_of_key_or_member",
    "ALTER TABLE billing_ledgertransaction "
    "DROP CONSTRAINT ledger_reversal_names_transaction",
)


@pytest.fixture
def world(
    acme: Organization, globex: Organization, ada: User, rita: User, oscar: User
) -> Organization:
    """Acme and Globex with rows that refer to others; returns Globex."""
    for organization, owner, reader in ((acme, ada, rita), (globex, oscar, oscar)):
        routes.furnish(organization, owner, reader, unpaired_id=organization.slug * 2)
        refer(organization, ApiKey.objects.get(organization=organization))
    return globex


def refer(organization: Organization, key: ApiKey) -> None:
    """Add the rows that furnishing leaves out."""
    now = timezone.now()
    rows: dict[str, Any] = {"organization": organization, "api_key": key}
    RateLimit.objects.create(**rows, requests_per_minute=5)
    KeyUse.objects.create(**rows, last_used_at=now, model="gpt-5")
    KeptAnswer.objects.create(
        **rows,
        key_digest="d" * 64,
        fingerprint="f" * 64,
        event_id=event_id_at(now),
        gateway_id=event_id_at(now),
        expires_at=now + timedelta(days=1),
    )
    request = QuotaRequest.objects.get(organization=organization)
    # Of Globex none: what these name is taken away, or may be named once.
    if organization.slug == "acme":
        WebhookAttempt.objects.create(
            organization=organization,
            delivery=WebhookDelivery.objects.get(organization=organization),
            at=now,
            duration_ms=3,
        )
        TemporaryRaise.objects.create(
            organization=organization,
            request=request,
            raised_nanos=2,
            reverts_to_nanos=1,
            ends_at=now,
        )
    credit = CreditGrant.objects.get(organization=organization)
    CreditNotice.objects.create(
        organization=organization, grant=credit, stage="low", created_at=now
    )
    post(organization)
    compare(organization)
    tell(organization)
    cycle: dict[str, Any] = {"organization": organization, "cycle_start": cycle_of(now)}
    budget, _ = Budget.objects.get_or_create(**cycle)
    ScopeBudget.objects.create(**cycle, scope="key", subject_id=key.pk)
    Hold.objects.create(
        **rows,
        event_id=event_id_at(now),
        budget_id=budget.pk,
        cycle_start=cycle_of(now),
        gateway_id=event_id_at(now),
        endpoint="responses",
        model="gpt-5",
        simulated=False,
        streamed=False,
        price_id=0,
        bound_nanos=1,
        created_at=now,
    )


def tell(organization: Organization) -> None:
    """Add an alert that somebody is told of."""
    now = timezone.now()
    alert = Alert.objects.create(
        organization=organization,
        kind="hard_limit",
        cycle_start=cycle_of(now),
        limit_nanos=1,
        spent_nanos=1,
        created_at=now,
    )
    AlertNotice.objects.create(
        organization=organization,
        alert=alert,
        recipient="ada@acme.example",
        role="owner",
        created_at=now,
    )


def post(organization: Organization) -> None:
    """Add a reversal to the ledger, whatever it reverses."""
    account, _ = LedgerAccount.objects.get_or_create(
        organization=organization, kind="receivable"
    )
    now = timezone.now()
    values: dict[str, Any] = {"organization": organization, "amount_nanos": 1}
    with connection.cursor() as cursor:
        # It is not in balance.
        cursor.execute("SET LOCAL session_replication_role = replica")
        instants = {"occurred_at": now, "posted_at": now}
        first = LedgerTransaction.objects.create(
            **values, **instants, kind="payment", source=f"a{organization.pk}"
        )
        LedgerTransaction.objects.create(
            **values,
            **instants,
            kind="reversal",
            source=f"b{organization.pk}",
            reverses=first,
        )
        LedgerEntry.objects.create(**values, transaction=first, account=account)
        bill(organization, first)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def bill(organization: Organization, adjustment: LedgerTransaction) -> None:
    """Add an invoice with a line, a payment and a credit note, whatever they say."""
    now = timezone.now()
    of: dict[str, Any] = {"organization": organization}
    sums = {"line_count": 1, "net_nanos": 0, "tax_nanos": 0, "total_nanos": 0}
    says: dict[str, Any] = {
        # Beside the one that there is of this cycle.
        "cycle_start": previous_cycle(cycle_of(now)),
        **{"issued_at": now, "due_on": now.date()},
        **{**sums, "tax_percent": 0, "position": 1000 + organization.pk},
    }
    number = f"1-{organization.pk}"
    invoice = Invoice.objects.create(**of, **says, kind="invoice", number=number)
    note = Invoice.objects.create(
        **of, **says, kind="credit_note", number=f"2-{number}", credits=invoice
    )
    line: dict[str, Any] = {"kind": "adjustment", "exact_nanos": 0, "amount_nanos": 0}
    billed = InvoiceLine.objects.create(
        **of, **line, invoice=invoice, position=1, transaction=adjustment
    )
    InvoiceLine.objects.create(
        **of, **line, invoice=note, position=1, takes_back=billed
    )
    InvoicePayment.objects.create(
        **of, invoice=invoice, amount_nanos=10**7, paid_on=now.date(), recorded_at=now
    )
    InvoiceCharge.objects.create(
        **of, invoice=invoice, next_attempt_at=now, created_at=now
    )


def compare(organization: Organization) -> None:
    """Add a comparison with the provider, and a row of it."""
    today = timezone.now().date()
    run = Reconciliation.objects.create(
        organization=organization,
        first_day=today,
        last_day=today,
        requested_at=timezone.now(),
    )
    ReconciliationRow.objects.create(
        organization=organization,
        reconciliation=run,
        day=today,
        model="gpt-5",
        verdict="ours_only",
        ours_nanos=1,
        is_provisional=False,
    )


def test_what_refers_to_a_row_of_an_organization_carries_the_organization() -> None:
    carried = {(each.table, column) for each in references() for column in each.columns}
    plain = {(table, column) for table, column, _ in tenant_links()} - carried

    assert len(list(tenant_links())) > 7, "the walk found hardly anything"
    assert plain == set(WITHOUT_ORGANIZATION)


def test_each_of_them_is_tried() -> None:
    assert {each.name for each in references()} == {*BREAKS, "scope_budget_of_budget"}


@pytest.mark.parametrize("name", BREAKS)
def test_the_database_refuses_a_reference_to_what_is_of_others(
    acme: Organization, world: Organization, name: str
) -> None:
    (reference,) = [each for each in references() if each.name == name]
    before = routes.digest_of(reference.table)

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        point_across(reference.table, *BREAKS[name], acme, world)

    assert routes.digest_of(reference.table) == before


def point_across(
    table: str, column: str, target: str, acme: Organization, globex: Organization
) -> None:
    """Make a row of Acme name one of Globex, with nothing in the way but the key."""
    with connection.cursor() as cursor:
        # Or the tables could not be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in (*LOOSENED, f"ALTER TABLE {table} DISABLE TRIGGER USER"):
            cursor.execute(statement)
        if table != target:
            # What names it already: some may be named once.
            cursor.execute(f"DELETE FROM {table} WHERE organization_id = {globex.pk}")
        cursor.execute(
            f"UPDATE {table} SET {column} = (SELECT max(id) FROM {target} "
            f"WHERE organization_id = {globex.pk}) WHERE ctid = (SELECT min(ctid) "
            f"FROM {table} WHERE organization_id = {acme.pk} AND {column} IS NOT NULL)"
        )
        assert cursor.rowcount == 1, "nothing was tried"


def test_a_part_is_of_a_budget_of_its_organization(
    acme: Organization, world: Organization
) -> None:
    """Others have one of that cycle."""
    cycle_start = cycle_of(timezone.now())
    Budget.objects.create(organization=world, cycle_start=previous_cycle(cycle_start))
    part = ScopeBudget(organization=acme, cycle_start=previous_cycle(cycle_start))
    part.scope, part.subject_id = "key", 1

    with pytest.raises(IntegrityError, match="scope_budget"), transaction.atomic():
        part.save()

    assert not ScopeBudget.objects.filter(cycle_start=part.cycle_start).exists()


@pytest.mark.parametrize("model", [KeyBlock, KeyUse, KeptAnswer, RateLimit])
def test_a_row_cannot_lie_about_the_home_of_its_key(
    acme: Organization, world: Organization, model: type[KeyUse]
) -> None:
    """What it says of it is not listened to."""
    key = ApiKey.objects.get(organization=world)
    before = routes.digest_of(model._meta.db_table)

    with (
        pytest.raises(IntegrityError, match="key_at_home"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"UPDATE {model._meta.db_table} SET api_key_id = %s, api_key_home = 0 "
            "WHERE organization_id = %s AND api_key_id IS NOT NULL",
            [key.pk, acme.pk],
        )

    assert routes.digest_of(model._meta.db_table) == before


@pytest.mark.parametrize("model", [KeyBlock, RateLimit, ScopeLimit])
def test_owners_decide_about_personal_keys_of_their_members_alone(
    acme: Organization, oscar: User, model: type[KeyBlock | RateLimit | ScopeLimit]
) -> None:
    key = make_key("Oscar's", user=oscar)
    values: dict[type, dict[str, Any]] = {
        KeyBlock: {"blocked_at": timezone.now()},
        RateLimit: {"requests_per_minute": 1},
        ScopeLimit: {"scope": "key", "subject_id": key.pk, "amount_nanos": 1},
    }

    with pytest.raises(IntegrityError, match="of nobody"), transaction.atomic():
        model.objects.create(organization=acme, api_key=key, **values[model])

    assert not model.objects.exists()
