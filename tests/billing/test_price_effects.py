"""The preview of a price is what would really have been charged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import Price, PriceSource
from billing.price_effects import Effect, ModelEffect, effect_of
from billing.price_list import rates_of
from billing.pricing import Tokens, cost_nanos
from orgs.models import Organization
from tests.usage_factories import add_hour, add_record
from usage.counts import COUNTS
from usage.models import UsageHour

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 9, 7, tzinfo=UTC)


def price(organization: Organization | None = None, **facts: Any) -> Price:
    given = {"model": "m", "effective_from": OCTOBER - timedelta(days=99)}
    given |= {"created_at": given["effective_from"]}
    given |= {"source": PriceSource.OPERATOR, "input_nanos": 100, "output_nanos": 400}
    return Price(organization=organization, **(given | facts))


def draft(organization: Organization | None = None, **facts: Any) -> Price:
    return price(organization, effective_from=NOW, **facts)


def use(organization: Organization, price_id: int = 0, **facts: Any) -> None:
    """Book a request of October; that there was one is rolled up."""
    facts = {"model": "m"} | facts
    add_record(organization, at=OCTOBER, cost_nanos=0, price_id=price_id, **facts)
    hours = UsageHour.objects.filter(organization=organization, model="m")
    if not hours.exists():
        add_hour(organization, at=OCTOBER, model="m")


def only(effect: Effect) -> ModelEffect:
    (found,) = effect.models
    return found


rate = st.integers(1, 10**6)
drafts = st.fixed_dictionaries(
    {"input_nanos": rate, "output_nanos": rate},
    optional={
        "cached_input_nanos": rate,
        "cache_write_nanos": rate,
        "audio_input_nanos": rate,
        "image_input_nanos": rate,
        "cached_image_input_nanos": rate,
        "audio_output_nanos": rate,
        "character_nanos": rate,
    },
) | st.builds(
    lambda above, long: {
        "long_context_above": above,
        "long_input_nanos": long,
        "long_output_nanos": long + 1,
    },
    st.integers(1, 900),
    rate,
)
counts = st.fixed_dictionaries({name: st.integers(0, 1000) for name in COUNTS})


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(terms=drafts, used=st.lists(counts, min_size=1, max_size=4))
def test_the_effect_is_the_sum_of_what_each_record_would_have_cost(
    acme: Organization, terms: dict[str, Any], used: list[dict[str, int]]
) -> None:
    with transaction.atomic():
        saved = price()
        saved.save()
        for each in used:
            use(acme, saved.pk, **each)
        effect = effect_of([draft(**terms)], now=NOW)
        transaction.set_rollback(True)

    tokens = [
        Tokens(**{name.removesuffix("_tokens"): n for name, n in each.items()})
        for each in used
    ]
    for rates, said in (
        (rates_of(saved), effect.before_nanos),
        (rates_of(draft(**terms)), effect.after_nanos),
    ):
        assert said == sum(cost_nanos(rates, each) for each in tokens)


def test_an_own_price_is_untouched_by_the_list(
    acme: Organization, globex: Organization
) -> None:
    price().save()
    price(acme).save()
    for organization in (acme, globex):
        use(organization)

    effect = effect_of([draft(input_nanos=200)], now=NOW)

    assert only(effect).organization == globex
    assert only(effect_of([draft(acme)], now=NOW)).organization == acme


def test_a_price_of_what_had_none_has_no_price_before(acme: Organization) -> None:
    use(acme, input_tokens=10, output_tokens=0)
    found = only(effect_of([draft()], now=NOW))

    assert (found.before_nanos, found.after_nanos) == (None, 1000)
    assert effect_of([draft(ends=True, input_nanos=None, output_nanos=None)], now=NOW)


def test_a_tier_concerns_what_it_served(acme: Organization) -> None:
    standard, flex = price(), price(service_tier="flex", input_nanos=50)
    standard.save()
    flex.save()
    use(acme, standard.pk, input_tokens=10, output_tokens=0)
    use(acme, flex.pk, input_tokens=7, output_tokens=0)

    found = only(effect_of([draft(service_tier="flex", input_nanos=80)], now=NOW))

    assert (found.quantity, found.before_nanos, found.after_nanos) == (7, 350, 560)


def test_what_is_simulated_or_from_the_cache_is_in_no_sum(acme: Organization) -> None:
    price().save()
    use(acme, simulated=True)
    use(acme, outcome="cached")

    effect = effect_of([draft(input_nanos=200)], now=NOW)

    assert only(effect).simulated
    assert (effect.before_nanos, effect.after_nanos) == (0, 0)
