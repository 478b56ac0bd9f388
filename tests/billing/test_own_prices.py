"""What the operator agreed with one organization wins over the list, for it alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from billing.actions.prices import (
    BeginsInThePast,
    ChangedMeanwhile,
    HasBegun,
    add_prices,
    mark_of_prices,
    withdraw_price,
)
from billing.models import Price, PriceSource
from billing.price_book import DatedRates, PriceBook
from billing.price_list import load_price_book
from billing.pricing import Rates, Tokens, cost_nanos, highest_cost_nanos
from gateway.calls.tiers import rates_answered_with, rates_asked_for
from orgs.models import AuditEvent, Organization, User
from orgs.reach import OF_GATEWAY, of_organization, within
from tests.architecture.routes import everything_written

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ACME, GLOBEX = 1, 2
TIERS = ("", "flex", "priority")


def rates(price_id: int, *, tier: str = "", model: str = "m", nanos: int = 1) -> Rates:
    return Rates(price_id, model, nanos, None, nanos, None, None, tier=tier)


def ending(price_id: int, model: str = "m") -> Rates:
    return Rates(price_id, model, None, None, None, None, None)


days = st.integers(0, 9)
histories = st.dictionaries(days, st.booleans(), max_size=6)


def dated(history: dict[int, bool], first_id: int) -> list[DatedRates]:
    """Return a history of `day: whether there are rates`, its ids by day."""
    return [
        ("m", NOW + day * DAY, rates(first_id + day) if has else ending(first_id + day))
        for day, has in history.items()
    ]


def newest(history: dict[int, bool], day: int) -> int | None:
    """Return the day of the newest entry at or before `day`, if it has rates."""
    begun = [each for each in history if each <= day]
    return max(begun) if begun and history[max(begun)] else None


@given(listed=histories, own=histories, day=days)
def test_the_newest_row_holds_and_an_own_price_beats_the_list(
    listed: dict[int, bool], own: dict[int, bool], day: int
) -> None:
    book = PriceBook(dated(listed, 100), {ACME: dated(own, 200)})
    of_list, of_acme = newest(listed, day), newest(own, day)
    in_list = None if of_list is None else 100 + of_list
    expected = in_list if of_acme is None else 200 + of_acme

    for instant in (NOW + day * DAY, NOW + (day + 1) * DAY - timedelta(microseconds=1)):
        acme, globex = (book.of(each).find("m", instant) for each in (ACME, GLOBEX))
        assert (acme.price_id if acme else None) == expected
        assert (globex.price_id if globex else None) == in_list


@given(before=histories, later=st.integers(0, 9), day=days)
def test_a_later_row_leaves_what_was_in_force_before_it(
    before: dict[int, bool], later: int, day: int
) -> None:
    rows = [each for each in dated(before, 1) if each[1] < NOW + later * DAY]
    changed = PriceBook([*rows, ("m", NOW + later * DAY, rates(99))])

    at = NOW + day * DAY
    if day < later:
        assert changed.find("m", at) == PriceBook(rows).find("m", at)
    else:
        assert changed.find("m", at) == rates(99)


def test_a_name_of_tomorrow_leaves_it_its_prefix_today() -> None:
    book = PriceBook([("m*", NOW, rates(1)), ("m-1", NOW + DAY, rates(2))])

    assert [book.find("m-1", at) for at in (NOW, NOW + DAY)] == [rates(1), rates(2)]


def test_an_own_prefix_beats_an_exact_name_of_the_list() -> None:
    book = PriceBook([("m-1", NOW, rates(1))], {ACME: [("m*", NOW, rates(2))]})

    assert book.of(ACME).find("m-1", NOW) == rates(2)
    assert book.of(GLOBEX).find("m-1", NOW) == rates(1)


def test_a_tier_without_an_own_price_is_that_of_the_list() -> None:
    flex = rates(2, tier="flex")
    book = PriceBook(
        [("m", NOW, rates(1)), ("m", NOW, flex)], {ACME: [("m", NOW, rates(3))]}
    ).of(ACME)

    assert [book.find("m", NOW, tier) for tier in ("", "flex")] == [rates(3), flex]


nanos = st.integers(1, 50)
kinds = st.fixed_dictionaries(
    {"input_nanos": nanos, "output_nanos": nanos},
    optional={"cached_input_nanos": nanos, "cache_write_nanos": nanos},
)


@given(
    listed=st.tuples(kinds, kinds, kinds),
    own=kinds,
    own_tier=st.sampled_from(TIERS),
    asked=st.sampled_from(TIERS),
    answered=st.sampled_from(("default", "flex", "priority")),
    counts=st.tuples(*[st.integers(0, 99)] * 4),
)
def test_what_is_held_covers_the_tier_that_was_asked_for_and_the_standard_one(
    listed: Any, own: Any, own_tier: str, asked: str, answered: str, counts: Any
) -> None:
    def rates_of(price_id: int, tier: str, given: dict[str, int]) -> Rates:
        rest: Any = {"cached_input_nanos": None, "model": "m"} | given
        return Rates(
            price_id=price_id,
            tier=tier,
            max_output_tokens=None,
            context_window=None,
            **rest,
        )

    rows = [
        ("m", NOW, rates_of(n, tier, each))
        for n, (tier, each) in enumerate(zip(TIERS, listed, strict=True))
    ]
    book = PriceBook(rows, {ACME: [("m", NOW, rates_of(9, own_tier, own))]}).of(ACME)
    total, cached, written, output = counts
    tokens = Tokens(total, min(cached, total), min(written, total), output)

    held = rates_asked_for({"model": "m", "service_tier": asked or None}, book, NOW)
    charged = rates_answered_with(answered, held, "m", book, NOW) if held else None

    assert held is not None
    assert charged is not None
    if answered in ("default", asked):
        bound = highest_cost_nanos(held, input_tokens=total, output_tokens=output)
        assert cost_nanos(charged, tokens) <= bound


# In the database.

pytest_db = pytest.mark.django_db
RATES: dict[str, Any] = {"input_nanos": 2500, "output_nanos": 10_000}


def listed_price(**facts: Any) -> Price:
    values = {"model": "m", "effective_from": NOW - DAY, "created_at": NOW - DAY}
    rest = {"source": PriceSource.GENAI_PRICES, **RATES}
    return Price.objects.create(**(values | rest | facts))


def draft(organization: Organization | None = None, **facts: Any) -> Price:
    values = {"model": "m", "effective_from": NOW, "input_nanos": 2000}
    return Price(organization=organization, **(values | facts))


def add(op: User, *prices: Price, seen: str | None = None) -> None:
    add_prices(prices=prices, seen=seen, acting_user=op, now=NOW)


@pytest_db
def test_an_own_price_says_who_agreed_it_and_stands_in_their_audit_log(
    acme: Organization, op: User
) -> None:
    listed_price()
    add(op, draft(acme))

    price = Price.objects.get(organization=acme)
    assert (price.source, price.created_by, price.created_at) == ("operator", op, NOW)
    event = AuditEvent.objects.get(organization=acme, action="price.created")
    assert event.actor == op
    assert event.details["after"]["input_nanos"] == 2000
    found = load_price_book().of(acme.pk).find("m", NOW)
    assert found is not None
    assert found.price_id == price.pk


@pytest_db
@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"effective_from": NOW - timedelta(seconds=1)}, BeginsInThePast),
        ({"effective_from": NOW + DAY}, ChangedMeanwhile),
    ],
)
def test_what_is_refused_writes_nothing(
    acme: Organization, op: User, change: dict[str, Any], refusal: type[Exception]
) -> None:
    add(op, draft(acme, effective_from=NOW + DAY))
    before = everything_written()

    with pytest.raises(refusal):
        add(op, draft(acme, model="n"), draft(acme, **change))

    assert everything_written() == before


@pytest_db
def test_prices_that_changed_since_they_were_looked_at_are_looked_at_again(
    acme: Organization, op: User
) -> None:
    seen = mark_of_prices()
    add(op, draft(acme))
    before = everything_written()

    with pytest.raises(ChangedMeanwhile):
        add(op, draft(acme, model="n"), seen=seen)

    assert everything_written() == before


@pytest_db
def test_a_price_that_has_not_begun_is_withdrawn_once(
    acme: Organization, op: User
) -> None:
    price = draft(acme, effective_from=NOW + DAY)
    # The database's clock is the real one.
    price.effective_from = datetime.now(UTC) + DAY
    add(op, price)
    for _ in range(2):
        withdraw_price(price=price, acting_user=op, now=NOW)

    assert not Price.objects.exists()
    events = AuditEvent.objects.filter(organization=acme, action="price.withdrawn")
    assert events.count() == 1


@pytest_db
def test_a_price_that_begins_within_a_minute_stays(op: User) -> None:
    price = draft(effective_from=NOW + timedelta(seconds=30))
    add(op, price)
    before = everything_written()

    with pytest.raises(HasBegun):
        withdraw_price(price=price, acting_user=op, now=NOW)

    assert everything_written() == before


@pytest_db
@pytest.mark.parametrize("change", [{"input_nanos": 1}, {"model": "n"}, {"ends": True}])
def test_the_database_keeps_a_price_as_it_is(change: dict[str, Any]) -> None:
    price, before = listed_price(), everything_written()

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Price.objects.filter(pk=price.pk).update(**change)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        price.delete()

    assert everything_written() == before


@pytest_db
def test_a_price_outlives_its_authors_account(op: User) -> None:
    add(op, draft())
    Price.objects.update(created_by=None)

    assert Price.objects.get().created_by is None


@pytest_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"effective_from": NOW - timedelta(days=400)},
        {"ends": True},
        {"input_nanos": None},
    ],
)
def test_the_database_refuses_own_prices_that_cannot_be(
    acme: Organization, wrong: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        draft(acme, source=PriceSource.OPERATOR, created_at=NOW, **wrong).save()

    assert not Price.objects.exists()


@pytest_db
def test_an_organization_reads_the_list_and_its_own_prices(
    acme: Organization, globex: Organization, op: User
) -> None:
    listed_price()
    add(op, draft(acme), draft(globex))

    with of_organization(acme.pk):
        assert {each.organization_id for each in Price.objects.all()} == {None, acme.pk}
    with within(OF_GATEWAY):
        assert Price.objects.count() == 3
