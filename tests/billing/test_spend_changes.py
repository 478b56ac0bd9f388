"""Why a spend changed: parts that add up, each moved by what it is named for."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.pricing import LongContext, Rates, Tokens
from billing.spend_changes import Parts, Spent, changes_by_model, priced

RATES = Rates(
    price_id=1,
    model="a",
    input_nanos=1_000,
    cached_input_nanos=100,
    output_nanos=4_000,
    max_output_tokens=None,
    context_window=None,
)
CHEAP = replace(RATES, model="b", input_nanos=10, cached_input_nanos=1, output_nanos=40)


def spent(
    requests: int,
    *,
    tokens: int,
    cached: int = 0,
    output: int = 0,
    rates: Rates = RATES,
    charged_nanos: int | None = None,
) -> Spent:
    used = Tokens(input=tokens, cached_input=cached, output=output)
    listed = priced(rates, used)
    return Spent(
        requests, used, listed if charged_nanos is None else charged_nanos, listed
    )


def parts(before: Spent, after: Spent, rates: Rates | None = RATES) -> Parts:
    (change,) = changes_by_model({"a": before}, {"a": after}, {"a": rates})
    assert change.parts.total == change.difference
    return change.parts


def test_more_requests_of_the_same_kind_are_volume() -> None:
    before = spent(10, tokens=1_000, cached=200, output=50)
    after = spent(30, tokens=3_000, cached=600, output=150)

    assert parts(before, after) == Parts(volume=2 * before.cost_nanos)


def test_longer_requests_are_length() -> None:
    before, after = spent(10, tokens=1_000), spent(10, tokens=1_500)

    assert parts(before, after) == Parts(length=500 * 1_000)


def test_less_from_the_cache_is_cache() -> None:
    before = spent(10, tokens=1_000, cached=800)
    after = spent(10, tokens=1_000, cached=300)

    assert parts(before, after) == Parts(cache=500 * (1_000 - 100))


def test_a_price_that_rose_is_price() -> None:
    dearer = replace(RATES, input_nanos=1_500)
    before, after = spent(10, tokens=1_000), spent(10, tokens=1_000, rates=dearer)

    assert parts(before, after) == Parts(price=1_000 * 500)


def test_requests_that_moved_to_another_model_are_mix() -> None:
    one = spent(10, tokens=1_000)
    other = spent(10, tokens=1_000, rates=CHEAP)

    changes = changes_by_model(
        {"a": one, "b": other},
        {"a": Spent(), "b": spent(20, tokens=2_000, rates=CHEAP)},
        {"a": RATES, "b": CHEAP},
    )

    assert [(each.model, each.parts) for each in changes] == [
        ("a", Parts(mix=-one.cost_nanos)),
        ("b", Parts(mix=other.cost_nanos)),
    ]


def test_a_model_that_was_not_used_before_is_mix() -> None:
    changes = changes_by_model(
        {"a": spent(10, tokens=1_000)},
        {"a": spent(10, tokens=1_000), "b": spent(0, tokens=500, rates=CHEAP)},
        {"a": RATES, "b": CHEAP},
    )

    assert changes[0].parts == Parts(mix=5_000)


def test_after_nothing_everything_is_volume() -> None:
    after = spent(10, tokens=1_000, cached=300)

    assert parts(Spent(), after) == Parts(volume=after.cost_nanos)
    assert parts(after, Spent()) == Parts(volume=-after.cost_nanos)


def test_what_prices_do_not_explain_is_told_apart() -> None:
    before = spent(10, tokens=1_000)
    after = spent(10, tokens=1_000, charged_nanos=before.cost_nanos - 7)

    assert parts(before, after) == Parts(other=-7)
    assert parts(Spent(), Spent(cost_nanos=9), None) == Parts(other=9)


def test_many_short_requests_do_not_count_as_a_long_one() -> None:
    long = replace(RATES, input_nanos=9_000)
    rates = replace(RATES, long_context=LongContext(above=100, rates=long))

    assert priced(rates, Tokens(input=1_000)) == 1_000 * 1_000


counts = st.integers(0, 10**9)
used = st.builds(
    Spent,
    requests=counts,
    tokens=st.builds(
        Tokens,
        input=counts,
        cached_input=counts,
        cache_write=counts,
        output=counts,
        audio_input=counts,
        seconds=counts,
    ),
    cost_nanos=st.integers(-(10**15), 10**15),
    listed_nanos=st.integers(0, 10**15),
)
spends = st.dictionaries(st.sampled_from("abc"), used)


@settings(max_examples=25, deadline=None)
@given(before=spends, after=spends)
def test_whatever_happened_the_parts_are_the_difference(
    before: dict[str, Spent], after: dict[str, Spent]
) -> None:
    changes = changes_by_model(before, after, {"a": RATES, "b": CHEAP, "c": None})

    for each in changes:
        assert each.parts.total == each.difference
    costs = [sum(one.cost_nanos for one in side.values()) for side in (before, after)]
    assert sum(each.parts.total for each in changes) == costs[1] - costs[0]
