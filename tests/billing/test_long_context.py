"""Long requests cost more per token: all of their tokens, above a threshold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from billing.models import Price
from billing.price_list import rates_of
from billing.pricing import (
    LongContext,
    Rates,
    Tokens,
    cost_nanos,
    highest_cost_nanos,
)
from orgs.models import Organization, User
from tests.usage_factories import add_record

ABOVE = 272_000
STANDARD = Rates(1, "m", 1000, 100, 6000, None, None, cache_write_nanos=1250)
LONG = Rates(1, "m", 2000, 200, 9000, None, None, cache_write_nanos=2500)
RATES = replace(STANDARD, long_context=LongContext(ABOVE, LONG))
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LISTED: dict[str, Any] = {
    "model": "m",
    "effective_from": datetime(2026, 1, 1, tzinfo=UTC),
    "input_nanos": 1000,
    "cached_input_nanos": 100,
    "cache_write_nanos": 1250,
    "output_nanos": 6000,
    "source": "operator",
}
LISTED_LONG: dict[str, Any] = {
    "long_context_above": ABOVE,
    "long_input_nanos": 2000,
    "long_cached_input_nanos": 200,
    "long_cache_write_nanos": 2500,
    "long_output_nanos": 9000,
}


def test_up_to_the_threshold_the_standard_rates_hold() -> None:
    tokens = Tokens(input=ABOVE, cached_input=1000, cache_write=3000, output=10)

    assert cost_nanos(RATES, tokens) == cost_nanos(STANDARD, tokens)
    assert cost_nanos(STANDARD, tokens) == (
        268_000 * 1000 + 1000 * 100 + 3000 * 1250 + 10 * 6000
    )


def test_a_token_above_it_makes_every_token_dearer() -> None:
    tokens = Tokens(input=ABOVE + 1, cached_input=1000, cache_write=3000, output=10)

    assert cost_nanos(RATES, tokens) == (
        268_001 * 2000 + 1000 * 200 + 3000 * 2500 + 10 * 9000
    )


def test_a_short_request_is_not_bounded_at_the_long_rates() -> None:
    bound = highest_cost_nanos(RATES, input_tokens=ABOVE, output_tokens=10)

    assert bound == ABOVE * 1250 + 10 * 6000


def test_a_request_that_may_be_long_is_bounded_at_the_dearer_rates() -> None:
    cheap_when_long = replace(LONG, output_nanos=1)
    rates = replace(STANDARD, long_context=LongContext(ABOVE, cheap_when_long))

    bound = highest_cost_nanos(rates, input_tokens=ABOVE + 1, output_tokens=10)

    assert bound == (ABOVE + 1) * 2500 + 10 * 6000


nanos = st.integers(1, 10**6)
few = st.integers(0, 2000)


def rates(**more: Any) -> st.SearchStrategy[Rates]:
    return st.builds(
        Rates,
        price_id=st.just(1),
        model=st.just("m"),
        input_nanos=nanos,
        cached_input_nanos=st.none() | nanos,
        cache_write_nanos=st.none() | nanos,
        output_nanos=nanos,
        max_output_tokens=st.none(),
        context_window=st.none(),
        **more,
    )


@given(
    rates=rates(long_context=st.none() | st.builds(LongContext, few, rates())),
    tokens=st.builds(Tokens, few, few, few, few, few),
    more_input=few,
    more_output=few,
)
def test_no_tokens_cost_more_than_the_bound_they_lie_within(
    rates: Rates, tokens: Tokens, more_input: int, more_output: int
) -> None:
    bound = highest_cost_nanos(
        rates,
        input_tokens=tokens.input + more_input,
        output_tokens=tokens.output + more_output,
    )

    assert 0 <= cost_nanos(rates, tokens) <= bound


@pytest.mark.django_db
def test_a_price_row_tells_its_long_rates() -> None:
    price = Price.objects.create(**LISTED, **LISTED_LONG)

    rates = rates_of(price)
    assert rates.at_length(ABOVE).input_nanos == 1000
    long = rates.at_length(ABOVE + 1)
    assert (long.input_nanos, long.cached_input_nanos) == (2000, 200)
    assert (long.cache_write_nanos, long.output_nanos) == (2500, 9000)


@pytest.mark.django_db
@pytest.mark.parametrize("missing", LISTED_LONG)
def test_a_long_context_is_whole_or_absent(missing: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(**LISTED, **(LISTED_LONG | {missing: None}))

    assert not Price.objects.exists()


@pytest.mark.django_db
def test_an_operator_is_told_what_a_long_context_needs() -> None:
    with pytest.raises(ValidationError, match="Long rates need a threshold"):
        Price(**LISTED, long_context_above=ABOVE).full_clean()


@pytest.mark.django_db
@pytest.mark.parametrize("name", [n for n in LISTED_LONG if n.endswith("_nanos")])
def test_no_long_rate_is_free(name: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(**LISTED, **(LISTED_LONG | {name: 0}))

    assert not Price.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("input_tokens", "rate_nanos", "said"),
    [
        (ABOVE, 1000, "Standard rates: no more than 272,000 input tokens."),
        (ABOVE + 1, 2000, "Long-context rates: more than 272,000 input tokens"),
    ],
)
def test_the_page_of_a_record_says_which_rates_were_applied(
    client: Client,
    acme: Organization,
    ada: User,
    input_tokens: int,
    rate_nanos: int,
    said: str,
) -> None:
    record = add_record(
        acme,
        at=NOON,
        cost_nanos=input_tokens * rate_nanos,
        price_id=Price.objects.create(**LISTED, **LISTED_LONG).pk,
        input_tokens=input_tokens,
        output_tokens=0,
    )
    client.force_login(ada)

    page = client.get(f"/o/acme/usage/records/{record.public_id}").content.decode()

    assert said in page
    assert "Checked: quantity times rate is the amount booked." in page


@pytest.mark.django_db
def test_a_price_of_one_length_says_nothing_of_it(
    client: Client, acme: Organization, ada: User
) -> None:
    price = Price.objects.create(**LISTED)
    record = add_record(acme, at=NOON, cost_nanos=400_000, price_id=price.pk)
    client.force_login(ada)

    page = client.get(f"/o/acme/usage/records/{record.public_id}").content.decode()

    assert "Checked: quantity times rate is the amount booked." in page
    assert "rates:" not in page
