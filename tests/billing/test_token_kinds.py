"""Sound, images, characters and seconds are charged at rates of their own."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from billing.models import Price
from billing.price_book import PriceBook
from billing.price_conditions import MEDIA_RATES
from billing.price_list import rates_of
from billing.price_seed import read_price_list
from billing.pricing import (
    Rates,
    Tokens,
    Unpriced,
    charges_of,
    cost_nanos,
    highest_cost_nanos,
    unpriced_kinds,
)
from billing.verification.costs import costs_equal_prices
from orgs.models import Organization, User
from tests.prices import prices_not_kept
from tests.usage_factories import add_record
from usage.counts import COUNTS

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEXT = Rates(1, "m", 1000, 100, 4000, None, None)
MEDIA = replace(
    TEXT,
    audio_input_nanos=30_000,
    cached_audio_input_nanos=300,
    image_input_nanos=8000,
    cached_image_input_nanos=2000,
    audio_output_nanos=64_000,
    image_output_nanos=32_000,
    character_nanos=15_000,
    second_nanos=100_000,
)
NAMED: dict[str, Any] = {"model": "m", "effective_from": JANUARY, "source": "operator"}
HEARD = Tokens(input=100, audio_input=60, output=50, audio_output=40)


def test_sound_has_rates_of_its_own_and_is_counted_once() -> None:
    assert cost_nanos(MEDIA, HEARD) == (
        40 * 1000 + 60 * 30_000 + 10 * 4000 + 40 * 64_000
    )


def test_cached_sound_and_images_are_told_from_cached_text() -> None:
    tokens = Tokens(
        input=100,
        cached_input=50,
        audio_input=40,
        cached_audio_input=30,
        image_input=20,
        cached_image_input=15,
    )

    assert cost_nanos(MEDIA, tokens) == (
        (35 * 1000 + 5 * 100) + (10 * 30_000 + 30 * 300) + (5 * 8000 + 15 * 2000)
    )


def test_drawn_images_are_charged_at_their_rate_and_text_beside_them_at_its() -> None:
    tokens = Tokens(input=10, output=100, image_output=90)

    assert cost_nanos(MEDIA, tokens) == 10 * 1000 + 10 * 4000 + 90 * 32_000


def test_characters_and_seconds_are_charged_without_tokens() -> None:
    only = Rates(1, "m", None, None, None, None, None, character_nanos=15_000)

    assert cost_nanos(only, Tokens(characters=200)) == 200 * 15_000
    assert cost_nanos(MEDIA, Tokens(seconds=36)) == 36 * 100_000


def test_images_without_a_rate_are_text_as_chat_models_count_them() -> None:
    seen = Tokens(input=100, cached_input=30, image_input=80)

    assert cost_nanos(TEXT, seen) == 70 * 1000 + 30 * 100
    assert unpriced_kinds(TEXT, seen) == []


@pytest.mark.parametrize(
    ("tokens", "kind"),
    [
        (Tokens(input=10, audio_input=1), "audio_input"),
        (Tokens(input=1, audio_input=1, cached_audio_input=1), "cached_audio_input"),
        (Tokens(output=10, audio_output=1), "audio_output"),
        (Tokens(output=10, image_output=1), "image_output"),
        (Tokens(characters=1), "character"),
        (Tokens(seconds=1), "second"),
    ],
)
def test_what_has_no_rate_is_unpriced_and_never_text(tokens: Tokens, kind: str) -> None:
    assert unpriced_kinds(TEXT, tokens) == [kind]
    assert unpriced_kinds(MEDIA, tokens) == []


@pytest.mark.parametrize("kind", ["audio_input", "audio_output", "image_output"])
def test_what_can_be_used_without_a_rate_has_no_bound(kind: str) -> None:
    direction = kind.removeprefix("audio_").removeprefix("image_")
    most = {f"{direction}_tokens": 10, f"{kind}_tokens": 1}

    with pytest.raises(Unpriced, match=kind):
        highest_cost_nanos(TEXT, **most)
    assert highest_cost_nanos(MEDIA, **most) > 10 * 1000


def test_the_dearest_mix_is_the_bound() -> None:
    bound = highest_cost_nanos(
        MEDIA, input_tokens=100, audio_input_tokens=30, image_input_tokens=500
    )

    assert bound == 30 * 30_000 + 70 * 8000


nanos = st.integers(1, 10**6)
few = st.integers(0, 2000)
ALL_RATES = st.builds(
    Rates,
    price_id=st.just(1),
    model=st.just("m"),
    max_output_tokens=st.none(),
    context_window=st.none(),
    **dict.fromkeys(["input_nanos", "output_nanos", *MEDIA_RATES], nanos),
    **dict.fromkeys(["cached_input_nanos", "cache_write_nanos"], st.none() | nanos),
)
ALL_TOKENS = st.builds(Tokens, *[few] * 13)


@given(rates=ALL_RATES, tokens=ALL_TOKENS)
def test_every_token_is_in_one_charge(rates: Rates, tokens: Tokens) -> None:
    charges = {charge.kind: charge.quantity for charge in charges_of(rates, tokens)}

    assert min(charges.values()) >= 0
    inputs = [n for kind, n in charges.items() if "input" in kind]
    assert sum(inputs) + charges["cache_write"] == tokens.input
    outputs = [n for kind, n in charges.items() if "output" in kind]
    assert sum(outputs) == tokens.output


@given(rates=ALL_RATES, tokens=st.builds(Tokens, *[few] * 5))
def test_text_alone_costs_the_sum_of_its_charges(rates: Rates, tokens: Tokens) -> None:
    charges = charges_of(rates, tokens)

    assert cost_nanos(rates, tokens) == sum(n * (rate or 0) for _, n, rate in charges)
    assert unpriced_kinds(rates, tokens) == []


@given(rates=ALL_RATES, tokens=ALL_TOKENS, more=few)
def test_no_mix_costs_more_than_the_bound_it_lies_within(
    rates: Rates, tokens: Tokens, more: int
) -> None:
    bound = highest_cost_nanos(
        rates,
        input_tokens=tokens.input + more,
        audio_input_tokens=tokens.audio_input,
        image_input_tokens=tokens.image_input + more,
        output_tokens=tokens.output,
        audio_output_tokens=tokens.audio_output + more,
        image_output_tokens=tokens.image_output,
        characters=tokens.characters,
        seconds=tokens.seconds,
    )

    assert 0 <= cost_nanos(rates, tokens) <= bound


def test_the_list_prices_what_hears_and_draws() -> None:
    listed = {
        price.model: price.rates
        for price in read_price_list().prices
        if not price.service_tier
    }

    assert listed["whisper-1"] == {"second_nanos": 100_000}
    assert listed["tts-1"] == {"character_nanos": 15_000}
    assert listed["gpt-audio"]["audio_output_nanos"] == 64_000
    assert listed["gpt-4o-transcribe"]["audio_input_nanos"] == 6000
    assert listed["gpt-image-1"]["image_output_nanos"] == 40_000
    assert listed["gpt-image-1.5"]["image_output_nanos"] == 32_000
    assert listed["gpt-4o-mini-tts"]["audio_output_nanos"] == 12_000


def test_a_tier_is_another_price_of_the_same_row() -> None:
    standard = replace(TEXT, model="m*")
    flex = replace(standard, price_id=2, tier="flex")
    dear = replace(TEXT, model="mini", price_id=3, tier="priority")
    book = PriceBook((each.model, JANUARY, each) for each in (standard, flex, dear))

    assert book.find("mini", NOON) == standard
    assert book.find("mini", NOON, "flex") == flex
    # Without a standard price a name says nothing: it would hide the prefix.
    assert book.find("mini", NOON, "priority") is None


@pytest.mark.django_db
def test_a_price_row_tells_its_rates_and_its_tier() -> None:
    row: dict[str, Any] = {name: n for n, name in enumerate(MEDIA_RATES, 1)}
    price = Price.objects.create(**NAMED, service_tier="flex", input_nanos=7, **row)

    rates = rates_of(price)
    assert {name: getattr(rates, name) for name in MEDIA_RATES} == row
    assert rates.tier == "flex"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        *({"input_nanos": 1, name: 0} for name in MEDIA_RATES),
        {"output_nanos": 1},
        {"input_nanos": 1, "service_tier": "turbo"},
    ],
)
def test_no_price_is_free_or_of_nothing(wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(**NAMED, **wrong)

    assert not Price.objects.exists()


@pytest.mark.django_db
def test_the_page_of_a_record_shows_each_kind(
    client: Client, acme: Organization, ada: User
) -> None:
    row = {name: getattr(MEDIA, name) for name in MEDIA_RATES}
    price = Price.objects.create(**NAMED, input_nanos=1000, output_nanos=4000, **row)
    record = add_record(
        acme,
        at=NOON,
        cost_nanos=cost_nanos(rates_of(price), HEARD),
        price_id=price.pk,
        input_tokens=100,
        audio_input_tokens=60,
        output_tokens=50,
        audio_output_tokens=40,
    )
    client.force_login(ada)

    page = client.get(f"/o/acme/usage/records/{record.public_id}").content.decode()

    assert "Audio output" in page
    assert "100, of them 60 of audio" in page
    assert "Checked: quantity times rate is the amount booked." in page


@pytest.mark.django_db
@pytest.mark.parametrize("sees", [True, False], ids=["own image rate", "as text"])
def test_the_verifier_charges_every_report_as_the_gateway_does(
    acme: Organization, sees: bool
) -> None:
    row = {name: getattr(MEDIA, name) for name in MEDIA_RATES}
    row |= {} if sees else {"image_input_nanos": None}
    price = Price.objects.create(**NAMED, input_nanos=1000, output_nanos=4000, **row)
    draw = random.Random(7)
    for _ in range(100):
        counts: dict[str, Any] = {name: draw.randrange(50) for name in COUNTS}
        tokens = Tokens(**{n.removesuffix("_tokens"): c for n, c in counts.items()})
        cost = cost_nanos(rates_of(price), tokens)
        add_record(acme, at=NOON, cost_nanos=cost, price_id=price.pk, **counts)

    found = costs_equal_prices()
    assert (found.checked, found.examples) == (100, ())
    with prices_not_kept():
        Price.objects.update(second_nanos=1)
    assert not costs_equal_prices().holds
