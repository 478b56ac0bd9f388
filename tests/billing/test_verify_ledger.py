"""`verify_ledger` holds on sound books, and names each invariant that is broken."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F

from billing import booking, booking_sql
from billing.actions.sweep import execute
from billing.actions.usage_posting import post_usage
from billing.booking_types import Hold, settlement
from billing.models import (
    BillingProfile,
    CreditGrant,
    GatewayProcess,
    Price,
    PriceSource,
)
from billing.price_list import rates_of
from billing.pricing import Tokens, cost_nanos
from core.ids import new_event_id
from keys.models import ApiKey
from orgs.models import Organization, User
from tests.factories import NOW, usd
from tests.prices import prices_not_kept
from tests.usage_factories import make_key
from usage.actions import roll_up
from usage.models import UsageRecord

pytestmark = pytest.mark.django_db

TOKENS = Tokens(
    input=1000,
    cached_input=400,
    cache_write=100,
    audio_input=150,
    cached_audio_input=20,
    image_input=300,
    cached_image_input=250,
    output=200,
    reasoning=50,
    audio_output=30,
    image_output=40,
    characters=5,
    seconds=6,
)
AN_INVOICE = """
    INSERT INTO billing_invoice (
        public_id, organization_id, kind, position, number, cycle_start, reason,
        issued_at, due_on, seller_name, seller_address, seller_tax_id, buyer_name,
        buyer_address, buyer_tax_id, buyer_reference, after_sequence,
        up_to_sequence, line_count, net_nanos, tax_percent, tax_nanos, total_nanos,
        carried_nanos
    )
    SELECT 'inv_1', organization_id, 'invoice', 1, 'INV-1', cycle_start, '',
           now(), now(), '', '', '', '', '', '', '', 0, 1 << 30, 0, 0, 0, 0, 0, 0
    FROM billing_budget;
"""
BREAKS = {
    "I1 within holds": "UPDATE usage_usagerecord SET held_nanos = 1",
    "I2 spent": "UPDATE billing_budget SET spent_nanos = spent_nanos + 1",
    "I2 held": "UPDATE billing_budget SET held_nanos = held_nanos + 1",
    "I2 scopes spent": (
        "UPDATE billing_scopebudget SET spent_nanos = 0 WHERE scope = 'member'"
    ),
    "I2 scopes held": (
        "UPDATE billing_scopebudget SET held_nanos = 0 WHERE scope = 'member'"
    ),
    "I2 keys": "DELETE FROM billing_scopebudget WHERE scope = 'key'",
    "I3 once": (
        "UPDATE usage_usagerecord SET occurred_at = occurred_at + interval '1 ms'"
    ),
    "I3 corrections": (
        "UPDATE usage_usagerecord SET kind = 'correction', corrects = event_id"
    ),
    "I3 ended holds": (
        "UPDATE billing_hold SET event_id = (SELECT event_id FROM usage_usagerecord "
        "LIMIT 1)"
    ),
    "I4 orphans": (
        "UPDATE billing_gatewayprocess SET beat_at = now() - interval '1 hour'"
    ),
    "I5 rollups": "UPDATE usage_usagehour SET reasoning_tokens = 0",
    "I5 timings": "UPDATE usage_timinghour SET latency_counts[30] = 5",
    "I6 append-only": (
        "ALTER TABLE usage_usagerecord DISABLE TRIGGER usage_record_append_only"
    ),
    "I7 costs": "UPDATE usage_usagerecord SET output_tokens = output_tokens + 1",
    "I7 prices": "UPDATE billing_price SET model = 'another'",
    "credit": "UPDATE billing_creditgrant SET consumed_nanos = amount_nanos",
    "I6 in balance": "UPDATE billing_ledgerentry SET amount_nanos = amount_nanos + 1",
    "I6 balances": "UPDATE billing_ledgeraccount SET balance_nanos = balance_nanos + 1",
    "I5 ledger": "UPDATE billing_postingwatermark SET sequence = 0",
    "I5 ledger budgets": "UPDATE billing_budget SET cycle_start = '2025-01-01'",
    "I5 ledger rollups": "UPDATE usage_usagehour SET cost_nanos = cost_nanos + 1",
    "I7 invoices": "INSERT INTO billing_numberseries VALUES ('invoice', 3)",
    "I5 invoices": "UPDATE usage_usagerecord SET credit_nanos = 0; " + AN_INVOICE,
    "I7 credit notes": AN_INVOICE
    + """
        INSERT INTO billing_invoice
        SELECT (jsonb_populate_record(invoice, jsonb_build_object(
            'id', id + 1, 'public_id', 'inv_2', 'number', 'CN-1', 'credits_id', id,
            'kind', 'credit_note', 'net_nanos', 10000000, 'total_nanos', 10000000
        ))).* FROM billing_invoice AS invoice
    """,
    "I5 receivable": """
        INSERT INTO billing_ledgeraccount (organization_id, kind, balance_nanos)
        SELECT organization_id, 'receivable', 1 FROM billing_budget
    """,
    "I5 unbilled": """
        INSERT INTO billing_ledgeraccount (organization_id, kind, balance_nanos)
        SELECT organization_id, 'unbilled', 1 FROM billing_budget
    """,
    "I5 credit": "UPDATE billing_creditgrant SET consumed_nanos = consumed_nanos - 1",
}


@pytest.fixture
def price() -> Price:
    return Price.objects.create(
        model="gpt-*",
        effective_from=NOW - timedelta(days=900),
        input_nanos=150,
        cached_input_nanos=75,
        cache_write_nanos=190,
        output_nanos=600,
        audio_input_nanos=30_000,
        image_input_nanos=300,
        cached_image_input_nanos=20,
        audio_output_nanos=64_000,
        image_output_nanos=32_000,
        character_nanos=15_000,
        second_nanos=100_000,
        source=PriceSource.OPERATOR,
    )


@pytest.fixture
def books(acme: Organization, ada: User, price: Price) -> None:
    """Sound books: two charges, of which credit paid part, and a request under way."""
    CreditGrant.objects.create(
        organization=acme,
        name="Trial credit",
        amount_nanos=usd(5),
        effective_at=NOW - timedelta(days=900),
        expires_at=NOW + timedelta(days=900),
    )
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc.")
    gateway_id = uuid.uuid4()
    execute(booking.Statement(booking_sql.BEAT, (gateway_id, "host", 1)))
    holds = [hold(acme, make_key("laptop", user=ada), price, gateway_id) for _ in "123"]
    book(holds=holds)
    cost = cost_nanos(rates_of(price), TOKENS)
    book(
        settlements=[
            settlement(
                held,
                outcome="succeeded",
                status_code=200,
                tokens=TOKENS,
                cost_nanos=cost,
                latency_ms=1,
            )
            for held in holds[:2]
        ]
    )
    roll_up(now=NOW)
    post_usage(now=NOW)


def hold(
    organization: Organization, key: ApiKey, price: Price, gateway_id: uuid.UUID
) -> Hold:
    return Hold(
        event_id=new_event_id(),
        organization_id=organization.pk,
        api_key_id=key.pk,
        user_id=key.user_id,
        gateway_id=gateway_id,
        endpoint="chat.completions",
        model="gpt-4o-mini",
        simulated=False,
        streamed=False,
        price_id=price.pk,
        bound_nanos=usd(1),
    )


def book(**batch: object) -> None:
    with transaction.atomic():
        steps: Callable[..., booking.Steps] = booking.book
        booking.run(steps(**batch), execute)


def verify() -> tuple[int, dict[str, bool]]:
    """Return the exit status, and whether each invariant holds."""
    printed, status = StringIO(), 0
    try:
        call_command("verify_ledger", "--json", stdout=printed)
    except SystemExit as end:
        status = int(str(end.code))
    report = json.loads(printed.getvalue())
    assert report["holds"] == (status == 0)
    return status, {each["name"]: each["holds"] for each in report["invariants"]}


def run_unguarded(statement: str) -> None:
    """Run SQL as somebody who has turned off the refusals."""
    with connection.cursor() as cursor:
        # What is looked at when a transaction commits, while it is still sound.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def test_an_empty_ledger_holds() -> None:
    status, holding = verify()
    assert status == 0
    assert set(holding) == set(BREAKS)


@pytest.mark.usefixtures("books")
def test_sound_books_hold() -> None:
    assert UsageRecord.objects.count() == 2
    status, holding = verify()
    assert (status, all(holding.values())) == (0, True)


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_invariant_is_named(name: str) -> None:
    run_unguarded(BREAKS[name])
    status, holding = verify()
    assert status == 1
    assert not holding[name]


@pytest.mark.usefixtures("books")
def test_a_cost_depends_on_what_was_written_to_the_cache() -> None:
    run_unguarded("UPDATE usage_usagerecord SET cache_write_tokens = 299")
    assert not verify()[1]["I7 costs"]


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(("above", "holds"), [(TOKENS.input, True), (999, False)])
def test_a_long_request_is_due_at_the_long_rates(above: int, holds: bool) -> None:
    with prices_not_kept():
        Price.objects.update(
            long_context_above=above,
            long_input_nanos=F("input_nanos"),
            long_cached_input_nanos=F("cached_input_nanos"),
            long_cache_write_nanos=F("cache_write_nanos"),
            long_output_nanos=F("output_nanos") + 1,
        )
    assert verify()[1]["I7 costs"] == holds


@pytest.mark.usefixtures("books")
def test_records_that_are_not_rolled_up_yet_are_no_difference() -> None:
    run_unguarded("DELETE FROM usage_usagehour")
    run_unguarded(
        "TRUNCATE billing_ledgerentry, billing_ledgertransaction, "
        "billing_ledgeraccount, billing_postingwatermark CASCADE"
    )
    run_unguarded("UPDATE usage_rollupwatermark SET sequence = 0")
    assert verify()[0] == 0


@pytest.mark.usefixtures("books")
def test_a_rollup_without_records_is_named() -> None:
    run_unguarded("UPDATE usage_rollupwatermark SET sequence = 0")
    assert not verify()[1]["I5 rollups"]


@pytest.mark.usefixtures("books")
def test_a_record_booked_twice_is_named() -> None:
    run_unguarded(
        "CREATE TEMPORARY TABLE again AS SELECT * FROM usage_usagerecord LIMIT 1"
    )
    run_unguarded("UPDATE again SET occurred_at = occurred_at + interval '40 days'")
    run_unguarded("INSERT INTO usage_usagerecord SELECT * FROM again")
    assert not verify()[1]["I3 once"]


@pytest.mark.usefixtures("books")
def test_the_report_for_people_is_a_line_each_with_examples() -> None:
    run_unguarded("UPDATE billing_budget SET spent_nanos = 7")
    printed = StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_ledger", stdout=printed)
    lines = printed.getvalue().splitlines()
    broken = next(n for n, line in enumerate(lines) if line.startswith("BROKEN"))
    assert lines[broken].endswith("1 checked, 1 wrong")
    assert "spent 7, records 17099500" in lines[broken + 1]
    assert sum(not line.startswith(" ") for line in lines) == len(BREAKS)


def test_the_gateways_of_open_holds_live(books: None) -> None:
    GatewayProcess.objects.all().delete()
    assert verify()[1]["I4 orphans"], "a fresh hold may belong to a gateway that starts"


@pytest.mark.usefixtures("books")
def test_a_kind_without_a_rate_cannot_have_been_charged() -> None:
    with prices_not_kept():
        Price.objects.update(audio_output_nanos=None)

    status, holding = verify()
    assert (status, holding["I7 costs"]) == (1, False)
