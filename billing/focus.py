"""
Charges as rows of FOCUS, the FinOps Open Cost and Usage Specification, 1.2. Pure.

https://focus.finops.org/focus-specification/v1-2/. What each column holds here, and
why, is in docs/focus.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from core.money import exact_usd
from core.periods import Interval, cycle_interval

COLUMNS = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart"),
    *("ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency"),
    *("ChargePeriodEnd", "ChargePeriodStart"),
    "CommitmentDiscountStatus",
    *("ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice"),
    *("EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "ListUnitPrice"),
    *("PricingCategory", "PricingQuantity", "PricingUnit"),
    *("ProviderName", "PublisherName", "RegionId", "RegionName"),
    *("ResourceId", "ResourceName", "ResourceType"),
    *("ServiceCategory", "ServiceName", "ServiceSubcategory"),
    *("SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId"),
    *("SubAccountId", "SubAccountName", "SubAccountType", "Tags"),
    # Ours: the specification asks for the prefix.
    *("x_Model", "x_ServiceTier", "x_TokenKind", "x_PriceId", "x_RecordKind"),
    *("x_Requests", "x_Unpriced", "x_UnpricedInputTokens", "x_UnpricedOutputTokens"),
)
CURRENCY = "USD"
SERVICE = {
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "LLM API",
    "ServiceSubcategory": "Generative AI",
}
# Of kinds that are not counted in tokens.
UNITS = {"character": "Characters", "second": "Seconds"}


class ChargeCategory(StrEnum):
    USAGE = "Usage"
    CREDIT = "Credit"
    ADJUSTMENT = "Adjustment"
    TAX = "Tax"


@dataclass(frozen=True, slots=True)
class Bill:
    """What all charges of an export have in common."""

    organization_id: str
    organization_name: str
    environment: str
    seller_name: str
    cycle_start: date


@dataclass(frozen=True, slots=True)
class Priced:
    """A quantity of one kind of tokens of a model, and its prices for each."""

    model: str
    kind: str
    meter: str
    tier: str
    is_long: bool
    quantity: int
    unit_nanos: int
    # As the list has it: an organization may have agreed on another.
    list_unit_nanos: int
    price_id: int

    @property
    def cost_nanos(self) -> int:
        return self.quantity * self.unit_nanos

    @property
    def list_cost_nanos(self) -> int:
        return self.quantity * self.list_unit_nanos


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Requests of a model whose cost is not a quantity times a price."""

    model: str
    record_kind: str
    requests: int
    # Nobody knows what these cost; nothing was billed for them.
    is_unpriced: bool = False
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class User:
    """Whose requests they were: a key, and the member behind a personal one."""

    key_id: str = ""
    key_name: str = ""
    key_kind: str = ""
    member_id: str = ""
    member_name: str = ""


NOBODY = User()


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A charge; without a period it is of the whole billing cycle."""

    category: ChargeCategory
    description: str
    billed_nanos: int
    # The number of the invoice or credit note that it is on.
    invoice_number: str = ""
    # It corrects a cycle that was closed before.
    is_correction: bool = False
    period: Interval | None = None
    user: User = NOBODY
    of: Priced | Unexplained | None = None


Row = dict[str, str]


def row_of(charge: Charge, bill: Bill) -> Row:
    """Return the values of a charge by column; what is not there is null."""
    cycle = cycle_interval(bill.cycle_start)
    period = charge.period or cycle
    cost = exact_usd(charge.billed_nanos)
    row = {
        "BilledCost": cost,
        "EffectiveCost": cost,
        "ContractedCost": cost,
        "ListCost": cost,
        "BillingAccountId": bill.organization_id,
        "BillingAccountName": bill.organization_name,
        "BillingCurrency": CURRENCY,
        "BillingPeriodStart": instant(cycle.start),
        "BillingPeriodEnd": instant(cycle.end),
        "ChargeCategory": charge.category,
        "ChargeDescription": charge.description,
        "ChargeFrequency": "One-Time" if charge.of is None else "Usage-Based",
        "ChargePeriodStart": instant(period.start),
        "ChargePeriodEnd": instant(period.end),
        "InvoiceId": charge.invoice_number,
        "InvoiceIssuerName": bill.seller_name,
        "ProviderName": bill.seller_name,
        "PublisherName": bill.seller_name,
        "Tags": written({"tokenhouse:environment": bill.environment}),
        **SERVICE,
        **user_columns(charge.user),
    }
    if charge.is_correction:
        row["ChargeClass"] = "Correction"
    match charge.of:
        case Priced() as priced:
            row |= priced_columns(priced)
        case Unexplained() as unexplained:
            row |= unexplained_columns(unexplained)
    return row


def priced_columns(priced: Priced) -> Row:
    unit = UNITS.get(priced.kind, "Tokens")
    sku = f"{priced.model}/{priced.kind}"
    tier = priced.tier or "standard"
    # A decimal, also to programs that tell types by how values look.
    quantity = f"{priced.quantity}.0"
    return {
        "ConsumedQuantity": quantity,
        "ConsumedUnit": unit,
        "PricingQuantity": quantity,
        "PricingUnit": unit,
        "PricingCategory": "Standard",
        "ContractedUnitPrice": exact_usd(priced.unit_nanos),
        "ListUnitPrice": exact_usd(priced.list_unit_nanos),
        "ListCost": exact_usd(priced.list_cost_nanos),
        "SkuId": sku,
        "SkuMeter": priced.meter,
        "SkuPriceId": f"{sku}/{tier}{'/long' if priced.is_long else ''}",
        "SkuPriceDetails": written(
            {"x_ServiceTier": tier, "x_LongContext": priced.is_long}
        ),
        "x_Model": priced.model,
        "x_ServiceTier": tier,
        "x_TokenKind": priced.kind,
        "x_PriceId": str(priced.price_id),
        "x_RecordKind": "actual",
        "x_Unpriced": "false",
    }


def unexplained_columns(unexplained: Unexplained) -> Row:
    row = {
        "x_Model": unexplained.model,
        "x_RecordKind": unexplained.record_kind,
        "x_Requests": str(unexplained.requests),
        "x_Unpriced": str(unexplained.is_unpriced).lower(),
    }
    if unexplained.is_unpriced:
        row["x_UnpricedInputTokens"] = str(unexplained.input_tokens)
        row["x_UnpricedOutputTokens"] = str(unexplained.output_tokens)
    return row


def user_columns(user: User) -> Row:
    """Return the key as a resource, and its member as a sub account."""
    row: Row = {}
    if user.key_id:
        row |= {
            "ResourceId": user.key_id,
            "ResourceName": user.key_name,
            "ResourceType": f"{user.key_kind.capitalize()} API key",
        }
    if user.member_id:
        row |= {
            "SubAccountId": user.member_id,
            "SubAccountName": user.member_name or user.member_id,
            "SubAccountType": "Member",
        }
    return row


def instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def written(values: dict[str, str | bool]) -> str:
    return json.dumps(values, ensure_ascii=False)
