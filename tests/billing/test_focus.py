"""The FOCUS file of a cycle keeps the specification, and adds up to the invoice."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from django.test import Client
from pytest_django import Settings

from billing import focus
from billing.actions.credit_notes import issue_credit_note
from billing.actions.posting import post_adjustment
from billing.actions.usage_posting import post_usage
from billing.focus_export import focus_csv
from billing.invoice_drafts import draft_of
from billing.invoice_models import Invoice
from billing.ledger_queries import posted_up_to
from billing.models import Budget, Price, PriceSource
from orgs.models import Organization, User
from tests.billing.focus_rules import (
    COLUMNS,
    Row,
    problems_of,
    problems_of_all,
    problems_of_head,
)
from tests.billing.test_invoices import (
    AFTER_NOVEMBER,
    AFTER_OCTOBER,
    IN_OCTOBER,
    NOVEMBER,
    OCTOBER,
    close,
    spend,
)
from tests.factories import NOW, usd
from tests.usage_factories import make_key
from usage.actions import roll_up
from usage.models import Endpoint, Outcome, RecordKind

pytestmark = pytest.mark.django_db
URL = "/o/acme/billing/focus?cycle=2026-10"
NANO = Decimal("1e-9")


def rows_of(organization: Organization, cycle: date = OCTOBER) -> list[Row]:
    """Return the rows of a cycle's file, which break no rule."""
    text = "".join(focus_csv(organization, cycle))
    reader = csv.DictReader(io.StringIO(text))
    rows = list(reader)
    assert problems_of_head(reader.fieldnames or ()) == []
    assert problems_of_all(rows) == []
    return rows


def billed(rows: Sequence[Row]) -> int:
    """Return the sum of what rows bill, in nano-dollars."""
    return int(sum(Decimal(row["BilledCost"]) for row in rows) / NANO)


def make_price(**facts: object) -> Price:
    return Price.objects.create(
        **{
            "model": "gpt-4o-mini",
            "effective_from": NOW - timedelta(days=900),
            "input_nanos": 150,
            "cached_input_nanos": 75,
            "output_nanos": 600,
            "source": PriceSource.OPERATOR,
            **facts,
        }
    )


@pytest.fixture
def price() -> Price:
    return make_price()


def spend_of_all_kinds(acme: Organization, user: User, price: Price) -> None:
    """Book whatever a record can be, of a key, a member and nobody."""
    key = make_key("laptop", user=user)
    service = make_key("=nightly", organization=acme)
    of_key: dict[str, Any] = {"price_id": price.pk, "api_key": key}
    spend(
        acme,
        60 * 150 + 40 * 75 + 7 * 600,
        **of_key,
        input_tokens=100,
        cached_input_tokens=40,
        output_tokens=7,
    )
    spend(acme, 3 * 600, **of_key, input_tokens=0, output_tokens=3)
    of_service: dict[str, Any] = {"price_id": price.pk, "api_key": service}
    spend(acme, 15_000_001, kind=RecordKind.ESTIMATED, **of_service)
    corrects = {"kind": RecordKind.CORRECTION, "corrects": uuid.uuid4()}
    spend(acme, -5_000_000, **corrects, **of_service)
    spend(acme, 1_234_567)
    spend(acme, 0, model="unheard-of", input_tokens=12, output_tokens=5)
    cached = Outcome.CACHED
    spend(acme, 0, model="gpt-4o-mini", outcome=cached, input_tokens=9)
    spend(acme, 0, endpoint=Endpoint.MODERATIONS, input_tokens=9, output_tokens=0)
    spend(acme, 777, simulated=True, price_id=price.pk, input_tokens=5)


def test_the_charges_of_a_closed_cycle_add_up_to_its_invoice(
    acme: Organization, ada: User, price: Price, settings: Settings
) -> None:
    settings.INVOICE_TAX_PERCENT = Decimal("19")
    post_adjustment(acme, usd("1.005"), source="a", memo="Set-up", now=IN_OCTOBER)
    spend_of_all_kinds(acme, ada, price)
    spend(acme, usd("2.50"), credit_nanos=usd("0.30"))
    close()

    rows = rows_of(acme)

    invoice = Invoice.objects.get()
    assert billed(rows) == invoice.total_nanos > 0
    assert {row["InvoiceId"] for row in rows} == {invoice.number}
    categories = {row["ChargeCategory"] for row in rows}
    assert categories == {"Usage", "Adjustment", "Credit", "Tax"}
    words = {row["ChargeDescription"] for row in rows}
    assert {"Adjustment: Set-up", "Tax, 19 %", "Paid by credit"} <= words
    assert "Rounding to whole cents, carried to the next invoice" in words


def test_usage_is_told_by_day_key_member_model_and_kind(
    acme: Organization, ada: User, price: Price
) -> None:
    spend_of_all_kinds(acme, ada, price)
    close()

    usage = [row for row in rows_of(acme) if row["ChargeCategory"] == "Usage"]

    found = [(row["x_TokenKind"], row["PricingQuantity"]) for row in usage]
    assert found == [("input", "60.0"), ("cached_input", "40.0"), ("output", "10.0")]
    first = usage[0]
    assert (first["ResourceName"], first["ResourceType"]) == (
        "laptop",
        "Personal API key",
    )
    assert (first["SubAccountId"], first["SubAccountName"]) == (
        ada.public_id,
        ada.get_full_name(),
    )
    assert (first["BillingAccountId"], first["BillingAccountName"]) == (
        acme.public_id,
        "Acme",
    )
    assert first["SkuPriceId"] == "gpt-4o-mini/input/standard"
    assert first["BillingPeriodStart"] == "2026-10-01T00:00:00Z"
    assert first["BillingPeriodEnd"] == "2026-11-01T00:00:00Z"
    assert first["ChargePeriodStart"] == "2026-10-20T00:00:00Z"
    assert first["ChargePeriodEnd"] == "2026-10-21T00:00:00Z"
    assert (first["ListUnitPrice"], first["BilledCost"]) == ("0.00000015", "0.000009")
    assert json.loads(first["Tags"]) == {"tokenhouse:environment": "production"}


def test_what_nobody_knows_the_price_of_is_flagged_and_has_no_price(
    acme: Organization, ada: User, price: Price
) -> None:
    spend_of_all_kinds(acme, ada, price)
    close()

    rows = rows_of(acme)

    [unpriced] = [row for row in rows if row["x_Unpriced"] == "true"]
    words = "unheard-of, used without a price, not billed"
    assert unpriced["ChargeDescription"] == words
    assert unpriced["ChargeCategory"] == "Adjustment"
    assert (unpriced["ListUnitPrice"], unpriced["PricingQuantity"]) == ("", "")
    tokens = unpriced["x_UnpricedInputTokens"], unpriced["x_UnpricedOutputTokens"]
    assert tokens == ("12", "5")
    # What is free, answered from the cache or simulated, is no charge.
    models = {row["x_Model"] for row in rows}
    assert models == {"gpt-4o-mini", "unheard-of", ""}


def test_a_name_that_looks_like_a_formula_is_defused(
    acme: Organization, ada: User, price: Price
) -> None:
    spend_of_all_kinds(acme, ada, price)
    close()

    names = {row["ResourceName"] for row in rows_of(acme)}

    assert names == {"", "laptop", "'=nightly"}


def test_an_own_price_is_contracted_and_the_list_stands_beside_it(
    acme: Organization, price: Price
) -> None:
    ago = NOW - timedelta(days=800)
    own = make_price(
        organization=acme, effective_from=ago, created_at=ago, input_nanos=90
    )
    spend(acme, 1800, price_id=own.pk, input_tokens=20, output_tokens=0)
    close()

    [row, *_] = rows_of(acme)

    assert (row["ContractedUnitPrice"], row["ContractedCost"]) == (
        "0.00000009",
        "0.0000018",
    )
    assert (row["ListUnitPrice"], row["ListCost"]) == ("0.00000015", "0.000003")
    assert row["BilledCost"] == row["EffectiveCost"] == "0.0000018"


def test_what_came_too_late_corrects_the_cycle_before(
    acme: Organization, price: Price
) -> None:
    spend(acme, 3000, price_id=price.pk, input_tokens=20, output_tokens=0)
    close()
    late: dict[str, Any] = {
        "price_id": price.pk,
        "input_tokens": 10,
        "output_tokens": 0,
    }
    spend(acme, 1500, **late)
    in_november = datetime(2026, 11, 5, tzinfo=UTC)
    spend(acme, 750, at=in_november, **{**late, "input_tokens": 5})
    close(AFTER_NOVEMBER)

    rows = rows_of(acme, NOVEMBER)

    usage = [row for row in rows if row["ChargeCategory"] == "Usage"]
    found = [
        (row["ChargeClass"], row["ChargePeriodStart"][:10], row["PricingQuantity"])
        for row in usage
    ]
    assert found == [("Correction", "2026-10-20", "10.0"), ("", "2026-11-05", "5.0")]
    assert {row["BillingPeriodStart"] for row in rows} == {"2026-11-01T00:00:00Z"}
    november = Invoice.objects.get(cycle_start=NOVEMBER)
    assert billed(rows) == november.total_nanos
    assert billed(rows_of(acme)) == Invoice.objects.get(cycle_start=OCTOBER).total_nanos


def test_a_credit_note_is_in_the_month_that_it_was_issued_in(
    acme: Organization, ada: User, settings: Settings
) -> None:
    settings.INVOICE_TAX_PERCENT = Decimal("19")
    spend(acme, usd("10.004"))
    close()
    invoice = Invoice.objects.get()
    note = issue_credit_note(
        invoice=invoice, reason="Wrong", acting_user=None, now=AFTER_OCTOBER
    )

    rows = [row for row in rows_of(acme, NOVEMBER) if row["InvoiceId"] == note.number]

    assert billed(rows) == -note.total_nanos == -invoice.total_nanos
    assert [row["ChargeCategory"] for row in rows] == ["Adjustment", "Tax"]
    assert {row["ChargeClass"] for row in rows} == {"Correction"}
    assert {row["ChargePeriodStart"] for row in rows} == {"2026-10-01T00:00:00Z"}
    assert billed(rows_of(acme)) == invoice.total_nanos


def test_an_open_cycle_adds_up_to_its_draft_and_has_no_invoice(
    acme: Organization, ada: User, price: Price
) -> None:
    spend_of_all_kinds(acme, ada, price)
    roll_up(now=NOW)
    post_usage(now=NOW)
    spend(acme, 600, price_id=price.pk, input_tokens=4)  # not posted yet

    rows = rows_of(acme)

    assert billed(rows) == draft_of(acme, OCTOBER, up_to=posted_up_to()).total_nanos
    assert {row["InvoiceId"] for row in rows} == {""}


def test_while_a_cycle_is_closing_the_next_one_has_its_own_usage_alone(
    acme: Organization,
) -> None:
    post_adjustment(acme, usd(5), source="a", memo="Set-up", now=IN_OCTOBER)
    spend(acme, usd("2.50"))
    Budget.objects.update(held_nanos=1)
    spend(acme, usd("1.25"), at=datetime(2026, 11, 1, 0, 5, tzinfo=UTC))
    assert close() == 0

    october, november = rows_of(acme), rows_of(acme, NOVEMBER)

    assert billed(october) == usd("7.50")
    assert billed(november) == usd("1.25")


def test_a_file_that_is_not_the_sum_of_its_invoice_breaks_off(
    acme: Organization,
) -> None:
    spend(acme, usd(3))
    close()
    # As if it had been there, unnoticed.
    spend(acme, usd(1), sequence=Invoice.objects.get().up_to_sequence)

    parts = focus_csv(acme, OCTOBER)

    assert next(parts).startswith("BilledCost,")
    with pytest.raises(AssertionError):
        list(parts)


def test_an_amount_in_the_buyers_favor_is_carried_on(acme: Organization) -> None:
    post_adjustment(acme, -usd("5.004"), source="a", memo="Sorry", now=IN_OCTOBER)
    spend(acme, usd("2.50"))
    close()
    spend(acme, usd(9), at=datetime(2026, 11, 5, tzinfo=UTC))
    close(AFTER_NOVEMBER)

    october, november = rows_of(acme), rows_of(acme, NOVEMBER)

    assert billed(october) == 0
    assert billed(november) == usd("6.50")
    assert "Carried from before" in {row["ChargeDescription"] for row in november}


def test_a_cycle_in_which_nothing_was_used_has_a_head_alone(
    acme: Organization, globex: Organization
) -> None:
    spend(globex, usd(1))
    close()

    assert rows_of(acme) == []
    assert len(rows_of(globex)) == 1


def test_a_flood_of_keys_is_read_some_at_a_time(
    acme: Organization, price: Price, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.focus_usage.KEYS_AT_ONCE", 2)
    for number in range(5):
        key = make_key(f"k{number}", organization=acme)
        facts: dict[str, Any] = {
            "price_id": price.pk,
            "api_key": key,
            "output_tokens": 0,
        }
        spend(acme, 150 * (number + 1), **facts, input_tokens=number + 1)
    close()

    pieces = list(focus_csv(acme, OCTOBER))

    assert [piece.count("\r\n") for piece in pieces] == [1, 2, 2, 1, 1]
    assert billed(rows_of(acme)) == Invoice.objects.get().total_nanos


def test_an_owner_downloads_it_and_a_reader_does_not(
    client: Client, acme: Organization, ada: User, rita: User
) -> None:
    spend(acme, usd(3))
    close()
    client.force_login(ada)

    response = client.get(URL)

    assert response["Content-Disposition"] == (
        'attachment; filename="acme-focus-2026-10.csv"'
    )
    assert b"BilledCost" in b"".join(cast("Iterable[bytes]", response))
    client.force_login(rita)
    assert client.get(URL).status_code == 403


@pytest.mark.parametrize("cycle", ["2026-13", "october", "2999-01", "0001-01"])
def test_a_cycle_that_is_none_is_not_found(
    client: Client, acme: Organization, ada: User, cycle: str
) -> None:
    client.force_login(ada)

    assert client.get(f"/o/acme/billing/focus?cycle={cycle}").status_code == 404


def test_owners_find_it_beside_the_other_files(
    client: Client, acme: Organization, ada: User, rita: User
) -> None:
    spend(acme, usd(3))
    close()
    pages = (
        "/o/acme/usage?cycle=2026-10",
        "/o/acme/billing/invoices/INV-000001",
    )
    for user, is_there in ((ada, True), (rita, False)):
        client.force_login(user)
        for page in pages:
            assert (URL in client.get(page).content.decode()) is is_there


def test_every_column_is_documented() -> None:
    text = Path("docs/focus.md").read_text()

    assert [name for name in focus.COLUMNS if f"`{name}`" not in text] == []


# A control: the rules find what is wrong.
USAGE = {
    **dict.fromkeys(COLUMNS, ""),
    **{"BilledCost": "0.30", "EffectiveCost": "0.30"},
    **{"ListCost": "0.40", "ContractedCost": "0.30"},
    **{"BillingAccountId": "org-1", "BillingAccountName": "Acme"},
    **{"BillingCurrency": "USD", "ChargeCategory": "Usage"},
    "ChargeDescription": "Input",
    "ChargeFrequency": "Usage-Based",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z",
    "ChargePeriodStart": "2026-10-20T00:00:00Z",
    "ChargePeriodEnd": "2026-10-21T00:00:00Z",
    **{"ConsumedQuantity": "10.0", "ConsumedUnit": "Tokens"},
    **{"PricingQuantity": "10.0", "PricingUnit": "Tokens"},
    **{"ListUnitPrice": "0.04", "ContractedUnitPrice": "0.03"},
    **{"InvoiceIssuerName": "S", "ProviderName": "S", "PublisherName": "S"},
    "PricingCategory": "Standard",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceSubcategory": "Generative AI",
    **{"ServiceName": "LLM API", "SkuId": "m", "SkuMeter": "Input", "SkuPriceId": "p"},
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"BilledCost": ""},
        {"BilledCost": "1,000.00"},
        {"BilledCost": "+1.00"},
        {"BillingCurrency": "$"},
        {"ChargeCategory": "Spend"},
        {"ChargeClass": "Late"},
        {"ChargeFrequency": "Daily"},
        {"BillingPeriodEnd": "2026-11-01"},
        {"ChargePeriodEnd": "2026-10-20T00:00:00Z"},
        {"ListUnitPrice": ""},
        {"ListUnitPrice": "0.05"},
        {"ContractedUnitPrice": "-0.03"},
        {"ConsumedQuantity": ""},
        {"ChargeCategory": "Tax"},
        {"ChargeCategory": "Adjustment"},
        {"PricingUnit": ""},
        {"PricingQuantity": "10"},
        {"ResourceType": "Key"},
        {"SkuPriceId": ""},
        {"SkuPriceDetails": '{"Tier": "flex"}'},
        {"Tags": "[1]"},
        {"Tags": '{"a": {}}'},
        {"ProviderName": "Another"},
    ],
)
def test_the_rules_can_be_broken(wrong: Row) -> None:
    assert problems_of(USAGE) == []
    assert problems_of({**USAGE, **wrong})
