"""
Service tiers: by what price a request is bounded, and by what price its answer.

A request that names no tier gets the one of the provider's project, which an owner may
have set to a dearer one. What price that is nobody could say before the answer. So
where the price list knows a dearer tier of a model, the standard one is asked for by
name; who wants the dearer one names it, and is held at its price.
Source: developers.openai.com/api/docs/guides/priority-processing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from billing.price_book import PriceBook
from billing.pricing import STANDARD_TIER, Rates, covering, is_dearer
from usage.models import Endpoint

STANDARD_NAME = "default"
# What leaves the tier to the provider.
UNSTATED = (None, "auto")
# The names that OpenAI takes and answers with, as the price list has them.
TIERS = {
    STANDARD_NAME: STANDARD_TIER,
    "flex": "flex",
    "priority": "priority",
    "fast": "priority",
    "batch": "batch",
}
DEARER_TIER = "priority"
WITH_TIERS = (Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES)


def ask_for_standard(
    body: dict[str, Any], endpoint: Endpoint, book: PriceBook, at: datetime
) -> None:
    """Name the standard tier in a body that names none, where others cost more."""
    model = body.get("model")
    if endpoint not in WITH_TIERS or not isinstance(model, str):
        return
    if body.get("service_tier") not in UNSTATED:
        return
    if has_dearer_tier(model, book, at):
        body["service_tier"] = STANDARD_NAME


def has_dearer_tier(model: str, book: PriceBook, at: datetime) -> bool:
    """Say whether an answer of a tier that was not named could cost more."""
    if book.find(model, at, DEARER_TIER) is not None:
        return True
    standard, flex = book.find(model, at), book.find(model, at, "flex")
    return standard is not None and flex is not None and is_dearer(flex, standard)


def rates_asked_for(
    body: dict[str, Any], book: PriceBook, at: datetime
) -> Rates | None:
    """
    Return the rates of the tier that a body names; the standard ones without such.

    Whoever bounds the request sees from `Rates.tier` which they are. A tier below
    the standard one has the standard rates until the answer names it: providers
    that do not know it serve, and charge, as usual. An organization's own price of
    one of the two may make the other the dearer: then both are covered.
    """
    model, named = body["model"], body.get("service_tier")
    tier = TIERS.get(named) if isinstance(named, str) else None
    standard = book.find(model, at)
    rates = book.find(model, at, tier) if tier else None
    if rates is None or standard is None:
        return rates or standard
    if tier == DEARER_TIER:
        return covering(rates, standard)
    return covering(replace(standard, tier=rates.tier), rates)


def is_priced(body: dict[str, Any], rates: Rates) -> bool:
    """Return whether the rates are those of the tier that a body names."""
    named = body.get("service_tier")
    if named in UNSTATED:
        return rates.tier == STANDARD_TIER
    return isinstance(named, str) and TIERS.get(named) == rates.tier


def rates_answered_with(
    answered: str, asked: Rates, model: str, book: PriceBook, at: datetime
) -> Rates | None:
    """
    Return the rates of the tier that an answer names, or None if it has no price.

    Names that are none of OpenAI's tell nothing: the tier is the one asked for.
    """
    tier = TIERS.get(answered)
    return asked if tier is None else book.find(model, at, tier)
