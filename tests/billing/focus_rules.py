"""
What FOCUS 1.2 asks of a row, written from the specification and apart from our code.

https://focus.finops.org/focus-specification/v1-2/. Names of rules are those of the
specification's conformance model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

Row = dict[str, str]

NUMBER = re.compile(r"-?\d+(\.\d+)?")
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
CURRENCY = re.compile(r"[A-Z]{3}")
PASCAL = re.compile(r"(x_)?([A-Z][a-z0-9]*)+")


def is_text(value: str) -> bool:
    return bool(value.strip())


def is_number(value: str) -> bool:
    return bool(NUMBER.fullmatch(value))


def is_instant(value: str) -> bool:
    return bool(INSTANT.fullmatch(value))


def is_key_value(value: str) -> bool:
    try:
        found = json.loads(value)
    except ValueError:
        return False
    return isinstance(found, dict) and not any(
        isinstance(each, dict | list) for each in found.values()
    )


def one_of(*allowed: str) -> Callable[[str], bool]:
    return lambda value: value in allowed


@dataclass(frozen=True)
class Column:
    """What a value looks like, and whether it may be null."""

    looks: Callable[[str], bool]
    is_nullable: bool = True


REQUIRED_TEXT = Column(is_text, is_nullable=False)
REQUIRED_NUMBER = Column(is_number, is_nullable=False)
REQUIRED_INSTANT = Column(is_instant, is_nullable=False)
TEXT, NUMERIC, KEY_VALUE = Column(is_text), Column(is_number), Column(is_key_value)
# Types are told by how values look: a whole number is no decimal.
DECIMAL = Column(lambda value: is_number(value) and "." in value)
# Mandatory and recommended columns, and those that apply to who sells by the token at
# list and negotiated prices, by key and member.
COLUMNS = {
    "BilledCost": REQUIRED_NUMBER,
    "BillingAccountId": REQUIRED_TEXT,
    "BillingAccountName": REQUIRED_TEXT,
    "BillingCurrency": Column(
        lambda value: bool(CURRENCY.fullmatch(value)), is_nullable=False
    ),
    "BillingPeriodEnd": REQUIRED_INSTANT,
    "BillingPeriodStart": REQUIRED_INSTANT,
    "ChargeCategory": Column(
        one_of("Usage", "Purchase", "Tax", "Credit", "Adjustment"), is_nullable=False
    ),
    "ChargeClass": Column(one_of("Correction")),
    "ChargeDescription": REQUIRED_TEXT,
    "ChargeFrequency": Column(
        one_of("One-Time", "Recurring", "Usage-Based"), is_nullable=False
    ),
    "ChargePeriodEnd": REQUIRED_INSTANT,
    "ChargePeriodStart": REQUIRED_INSTANT,
    "CommitmentDiscountStatus": Column(one_of("Used", "Unused")),
    "ConsumedQuantity": DECIMAL,
    "ConsumedUnit": TEXT,
    "ContractedCost": REQUIRED_NUMBER,
    "ContractedUnitPrice": NUMERIC,
    "EffectiveCost": REQUIRED_NUMBER,
    "InvoiceId": TEXT,
    "InvoiceIssuerName": REQUIRED_TEXT,
    "ListCost": REQUIRED_NUMBER,
    "ListUnitPrice": NUMERIC,
    "PricingCategory": Column(one_of("Standard", "Dynamic", "Committed", "Other")),
    "PricingQuantity": DECIMAL,
    "PricingUnit": TEXT,
    "ProviderName": REQUIRED_TEXT,
    "PublisherName": REQUIRED_TEXT,
    "RegionId": TEXT,
    "RegionName": TEXT,
    "ResourceId": TEXT,
    "ResourceName": TEXT,
    "ResourceType": TEXT,
    "ServiceCategory": Column(one_of("AI and Machine Learning"), is_nullable=False),
    "ServiceName": REQUIRED_TEXT,
    "ServiceSubcategory": Column(one_of("Generative AI"), is_nullable=False),
    "SkuId": TEXT,
    "SkuMeter": TEXT,
    "SkuPriceDetails": KEY_VALUE,
    "SkuPriceId": TEXT,
    "SubAccountId": TEXT,
    "SubAccountName": TEXT,
    "SubAccountType": TEXT,
    "Tags": KEY_VALUE,
}
PRICED = (
    *("ListUnitPrice", "ContractedUnitPrice", "PricingQuantity", "PricingCategory"),
    *("SkuId", "SkuPriceId"),
)
# One is there exactly if the other is.
TOGETHER = (
    ("PricingQuantity", "PricingUnit"),
    ("ConsumedQuantity", "ConsumedUnit"),
    ("SubAccountId", "SubAccountName"),
    ("SubAccountId", "SubAccountType"),
    ("ResourceId", "ResourceType"),
    ("RegionId", "RegionName"),
    ("SkuId", "SkuMeter"),
)
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")


def problems_of_head(head: Iterable[str]) -> list[str]:
    """Return what is wrong with the columns."""
    names = list(head)
    found = [f"{name} is missing" for name in COLUMNS if name not in names]
    for name in names:
        if not PASCAL.fullmatch(name) or len(name) > 50:
            found.append(f"ColumnHandling-A-001-M {name}")
        if name not in COLUMNS and not name.startswith("x_"):
            found.append(f"{name} is no column of FOCUS")
    return found + [f"{name} twice" for name in set(names) if names.count(name) > 1]


def problems_of(row: Row) -> list[str]:
    """Return the rules that a row breaks."""
    return [*problems_of_values(row), *problems_of_usage(row), *problems_of_sums(row)]


def problems_of_values(row: Row) -> Iterable[str]:
    for name, column in COLUMNS.items():
        value = row[name]
        if not value and not column.is_nullable:
            yield f"{name} is null"
        if value and not column.looks(value):
            yield f"{name} is {value!r}"
    for one, other in TOGETHER:
        if bool(row[one]) != bool(row[other]):
            yield f"{one} without {other}"
    if row["SkuPriceDetails"] and not row["SkuPriceId"]:
        yield "SkuPriceDetails-C-004-C"
    details = json.loads(row["SkuPriceDetails"] or "{}")
    if any(not key.startswith("x_") for key in details):
        yield "SkuPriceDetails-C-017-C"
    for period in ("BillingPeriod", "ChargePeriod"):
        if row[f"{period}Start"] >= row[f"{period}End"]:
            yield f"{period} ends before it begins"


def problems_of_usage(row: Row) -> Iterable[str]:
    """What is usage has prices and quantities, what is tax has none."""
    category, is_correction = row["ChargeCategory"], bool(row["ChargeClass"])
    for name in PRICED:
        if category == "Tax" and row[name]:
            yield f"{name} of a tax"
        needs_it = category in ("Usage", "Purchase") and not is_correction
        if needs_it and not row[name]:
            yield f"{name} of usage is null"
    if category != "Usage" and row["ConsumedQuantity"]:
        yield "ConsumedQuantity-C-004-C"
    if category == "Usage" and not is_correction and not row["ConsumedQuantity"]:
        yield "ConsumedQuantity-C-006-C"
    if category == "Purchase" and row["ChargeFrequency"] == "Usage-Based":
        yield "ChargeFrequency-C-004-C"


def problems_of_sums(row: Row) -> Iterable[str]:
    """Prices times quantities are costs; other charges cost the same in each way."""
    if not all(is_number(row[name]) for name in COSTS):
        return
    for kind in ("List", "Contracted"):
        price, quantity = row[f"{kind}UnitPrice"], row["PricingQuantity"]
        if not price:
            if row[f"{kind}Cost"] != row["BilledCost"]:
                yield f"{kind}Cost-C-008-C"
            continue
        if Decimal(price) < 0:
            yield f"{kind}UnitPrice is negative"
        if Decimal(price) * Decimal(quantity or 0) != Decimal(row[f"{kind}Cost"]):
            yield f"{kind}Cost is not {kind}UnitPrice times PricingQuantity"
    is_bought = row["ChargeCategory"] in ("Usage", "Purchase")
    if not is_bought and row["EffectiveCost"] != row["BilledCost"]:
        yield "EffectiveCost-C-010-C"
    if row["ProviderName"] != row["InvoiceIssuerName"] and Decimal(row["BilledCost"]):
        yield "BilledCost-C-005-C"


def problems_of_all(rows: Iterable[Row]) -> list[str]:
    """Return what rows say against each other, and what each is wrong in itself."""
    found: list[str] = []
    parents: dict[str, str] = {}
    for row in rows:
        found += problems_of(row)
        price = row["SkuPriceId"]
        if price and parents.setdefault(price, row["SkuId"]) != row["SkuId"]:
            found.append("SkuPriceId-C-008-M")
    return found
