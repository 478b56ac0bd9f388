"""The page of one usage record: what happened, and the arithmetic of its cost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from billing.explanations import charge_lines
from billing.models import Price
from billing.pricing import Rates, Tokens, cost_nanos
from orgs.models import Organization, User
from tests.prices import prices_not_kept
from tests.usage_factories import add_record, make_key

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def price() -> Price:
    return Price.objects.create(
        model="gpt-5",
        effective_from=datetime(2026, 1, 1, tzinfo=UTC),
        input_nanos=1250,
        cached_input_nanos=125,
        output_nanos=10_000,
        source="genai-prices",
    )


def page_of(client: Client, user: User, public_id: str) -> str:
    client.force_login(user)
    response = client.get(f"/o/acme/usage/records/{public_id}")
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_quantity_times_rate(
    client: Client, acme: Organization, ada: User, price: Price
) -> None:
    record = add_record(
        acme,
        at=NOON,
        cost_nanos=60 * 1250 + 40 * 125 + 7 * 10_000,
        model="gpt-5",
        price_id=price.pk,
        input_tokens=100,
        cached_input_tokens=40,
        output_tokens=7,
    )

    page = page_of(client, ada, record.public_id)

    assert "= $0.000075" in page
    assert "= $0.000005" in page
    assert "= $0.00007" in page
    assert "Checked: quantity times rate is the amount booked." in page


def test_cache_writes_have_a_line_at_their_own_rate(
    client: Client, acme: Organization, ada: User, price: Price
) -> None:
    with prices_not_kept():
        Price.objects.update(cache_write_nanos=1563)
    record = add_record(
        acme,
        at=NOON,
        cost_nanos=60 * 1250 + 40 * 1563 + 7 * 10_000,
        price_id=price.pk,
        input_tokens=100,
        cache_write_tokens=40,
        output_tokens=7,
    )

    page = page_of(client, ada, record.public_id)

    assert "Cache write" in page
    assert "= $0.00006252" in page
    assert "40 written to the cache" in page
    assert "Checked: quantity times rate is the amount booked." in page


def test_an_estimate_and_its_correction_lead_to_each_other(
    client: Client, acme: Organization, ada: User, price: Price
) -> None:
    estimate = add_record(
        acme, at=NOON, cost_nanos=900, kind="estimated", price_id=price.pk
    )
    correction = add_record(
        acme,
        at=NOON,
        cost_nanos=-400,
        kind="correction",
        corrects=estimate.event_id,
        price_id=price.pk,
    )

    first = page_of(client, ada, estimate.public_id)
    second = page_of(client, ada, correction.public_id)

    assert "the most that it could cost" in first
    assert correction.public_id in first
    assert "In the end it cost <strong>$0.0000005</strong>" in first
    assert estimate.public_id in second
    assert "-$0.0000004" in second


def test_without_a_price_it_says_so(
    client: Client, acme: Organization, ada: User
) -> None:
    record = add_record(acme, at=NOON, cost_nanos=0)

    page = page_of(client, ada, record.public_id)

    assert "Nothing was priced." in page


def test_only_the_owner_and_the_member_see_it(
    client: Client, acme: Organization, ada: User, rita: User, oscar: User
) -> None:
    own = add_record(acme, at=NOON, cost_nanos=1, api_key=make_key("R", user=rita))
    other = add_record(acme, at=NOON, cost_nanos=1, api_key=make_key("A", user=ada))

    assert "Usage record" in page_of(client, rita, own.public_id)
    for user, record in ((rita, other), (oscar, own)):
        client.force_login(user)
        url = f"/o/acme/usage/records/{record.public_id}"
        assert client.get(url).status_code == 404


@pytest.mark.parametrize("public_id", ["rec_1", "nonsense", "rec_" + "0" * 32])
def test_an_unknown_record_is_not_found(
    client: Client, acme: Organization, ada: User, public_id: str
) -> None:
    client.force_login(ada)

    assert client.get(f"/o/acme/usage/records/{public_id}").status_code == 404


rates = st.builds(
    Rates,
    price_id=st.just(1),
    model=st.just("m"),
    input_nanos=st.integers(1, 10**6),
    cached_input_nanos=st.none() | st.integers(1, 10**6),
    cache_write_nanos=st.none() | st.integers(1, 10**6),
    output_nanos=st.none() | st.integers(1, 10**6),
    audio_input_nanos=st.none() | st.integers(1, 10**6),
    cached_audio_input_nanos=st.none() | st.integers(1, 10**6),
    image_input_nanos=st.none() | st.integers(1, 10**6),
    cached_image_input_nanos=st.none() | st.integers(1, 10**6),
    audio_output_nanos=st.none() | st.integers(1, 10**6),
    image_output_nanos=st.none() | st.integers(1, 10**6),
    character_nanos=st.none() | st.integers(1, 10**6),
    second_nanos=st.none() | st.integers(1, 10**6),
    max_output_tokens=st.none(),
    context_window=st.none(),
)
counts = st.integers(0, 10**7)
tokens = st.builds(Tokens, *[counts] * 13)


@given(rates=rates, tokens=tokens)
def test_the_lines_are_what_the_price_says(rates: Rates, tokens: Tokens) -> None:
    lines = charge_lines(rates, tokens)

    assert sum(line.amount_nanos for line in lines) == cost_nanos(rates, tokens)
    assert all(
        line.quantity * (line.rate_nanos or 0) == line.amount_nanos for line in lines
    )


def test_what_the_cache_answered_says_so_and_cost_nothing(
    client: Client, acme: Organization, ada: User
) -> None:
    record = add_record(acme, at=NOON, cost_nanos=0, outcome="cached", output_tokens=7)

    page = page_of(client, ada, record.public_id)

    assert "Answered from the cache: nothing was sent to the provider" in page
    assert "no limit applied" not in page
    assert 'mark-bad">Answered' not in page
