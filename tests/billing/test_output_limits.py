"""Answers are bounded by what a model can write, where that is known."""

from __future__ import annotations

import pytest
from django.utils import timezone

from billing.actions.price_seeding import seed_prices
from billing.models import Price
from billing.output_limits import most_output_tokens


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("gpt-4o", 16_384),
        ("gpt-4o-mini-2024-07-18", 16_384),
        ("gpt-4.1-nano", 32_768),
        ("o3-mini", 100_000),
        ("gpt-5-mini", 128_000),
        ("gpt-5.1-codex", 128_000),
    ],
)
def test_what_a_family_can_write_is_known(model: str, most: int) -> None:
    assert most_output_tokens(model) == most


@pytest.mark.parametrize(
    "model", ["gpt-5-pro", "o1-pro", "gpt-5.4", "gpt-4", "o30", "house-special"]
)
def test_of_others_nothing_is_claimed(model: str) -> None:
    assert most_output_tokens(model) is None


@pytest.mark.django_db
def test_the_price_list_says_it() -> None:
    seed_prices(now=timezone.now())

    assert (
        Price.objects.get(model="gpt-5", service_tier="").max_output_tokens == 128_000
    )
    assert Price.objects.filter(model="gpt-5-pro", max_output_tokens=None).exists()
