"""Sums of usage that every page shares."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from orgs.models import Membership, Organization, User
from tests.factories import usd
from tests.usage_factories import add_hour, make_key
from usage.amounts import Usage
from usage.dimensions import Dimension, Metric
from usage.queries import GROUPS_MAX, cycles_with_usage, usage_of
from usage.spans import Span

pytestmark = pytest.mark.django_db

NOVEMBER = Span.of_cycle(date(2026, 11, 1))


def november(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def costs(usage: Usage) -> dict[str, int]:
    return {series.group.name: series.total.cost_nanos for series in usage.series}


def test_days_without_usage_are_zero(acme: Organization) -> None:
    add_hour(acme, at=november(3), cost_nanos=7)

    usage = usage_of(acme, NOVEMBER)

    assert len(usage.by_period) == 30
    assert [amounts.cost_nanos for amounts in usage.by_period][:4] == [0, 0, 7, 0]


def test_no_usage_at_all_is_zero(acme: Organization) -> None:
    usage = usage_of(acme, NOVEMBER, dimension=Dimension.KEY)

    assert usage.series == ()
    assert usage.total.cost_nanos == 0
    assert len(usage.by_period) == 30


def test_usage_of_others_is_not_counted(
    acme: Organization, globex: Organization
) -> None:
    add_hour(globex, at=november(3), cost_nanos=7)

    assert usage_of(acme, NOVEMBER).total.cost_nanos == 0


def test_a_cycle_shows_what_it_pays_for_on_its_nearest_day(acme: Organization) -> None:
    """A request held just before midnight and begun just after it."""
    add_hour(acme, at=november(1, 0), cycle_start=date(2026, 10, 1), cost_nanos=5)

    october = usage_of(acme, Span.of_cycle(date(2026, 10, 1)))

    assert october.by_period[-1].cost_nanos == 5
    assert usage_of(acme, NOVEMBER).total.cost_nanos == 0


def test_a_day_in_late_hours_stays_its_utc_day(acme: Organization) -> None:
    add_hour(acme, at=november(3, 23), cost_nanos=1)
    add_hour(acme, at=november(4, 0), cost_nanos=2)

    by_day = usage_of(acme, NOVEMBER).by_period

    assert [by_day[2].cost_nanos, by_day[3].cost_nanos] == [1, 2]


def test_the_largest_groups_come_first_and_the_rest_is_one(acme: Organization) -> None:
    for n in range(GROUPS_MAX + 3):
        add_hour(acme, at=november(2), model=f"model-{n:02}", cost_nanos=100 + n)

    usage = usage_of(acme, NOVEMBER, dimension=Dimension.MODEL)

    names = [series.group.name for series in usage.series]
    assert names[0] == "model-10"
    assert names[-1] == "Other"
    assert len(names) == GROUPS_MAX + 1
    assert costs(usage)["Other"] == 100 + 101 + 102


def test_the_metric_says_which_groups_are_largest(acme: Organization) -> None:
    add_hour(acme, at=november(2), model="dear", cost_nanos=9, requests=1)
    add_hour(acme, at=november(2), model="busy", cost_nanos=1, requests=50)

    usage = usage_of(acme, NOVEMBER, dimension=Dimension.MODEL, metric=Metric.REQUESTS)

    assert usage.series[0].group.name == "busy"


def test_an_owner_sees_every_key_and_member_by_name(
    acme: Organization, ada: User, rita: User
) -> None:
    add_hour(acme, at=november(2), api_key=make_key("Laptop", user=rita), cost_nanos=2)
    batch = make_key("Batch", organization=acme)
    add_hour(acme, at=november(2), api_key=batch, cost_nanos=3)
    viewer = Membership.objects.get(user=ada)

    by_key = usage_of(acme, NOVEMBER, dimension=Dimension.KEY, viewer=viewer)
    by_member = usage_of(acme, NOVEMBER, dimension=Dimension.MEMBER, viewer=viewer)

    assert costs(by_key) == {"Batch": 3, "Laptop": 2}
    assert costs(by_member) == {"Service keys": 3, "Rita Vale": 2}


def test_a_reader_sees_herself_and_everyone_else_with_the_same_total(
    acme: Organization, ada: User, rita: User
) -> None:
    add_hour(acme, at=november(2), api_key=make_key("Mine", user=rita), cost_nanos=2)
    add_hour(acme, at=november(2), api_key=make_key("Ada's", user=ada), cost_nanos=3)
    batch = make_key("Batch", organization=acme)
    add_hour(acme, at=november(2), api_key=batch, cost_nanos=4)
    viewer = Membership.objects.get(user=rita)

    by_key = usage_of(acme, NOVEMBER, dimension=Dimension.KEY, viewer=viewer)
    by_member = usage_of(acme, NOVEMBER, dimension=Dimension.MEMBER, viewer=viewer)

    assert costs(by_key) == {"Mine": 2, "Everyone else": 7}
    assert costs(by_member) == {"Rita Vale": 2, "Everyone else": 7}


def test_however_much_there_is_it_takes_two_queries(
    acme: Organization, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(30):
        key = make_key(f"Key {n}", user=ada)
        add_hour(acme, at=november(1 + n % 20), api_key=key, cost_nanos=n)

    with django_assert_num_queries(2):
        usage_of(acme, NOVEMBER, dimension=Dimension.KEY)


def test_the_cycles_go_back_to_the_first_used(acme: Organization) -> None:
    add_hour(acme, at=november(1) - timedelta(days=40), cost_nanos=1)

    cycles = cycles_with_usage(acme, current=date(2026, 11, 1))

    assert list(cycles) == [date(2026, 11, 1), date(2026, 10, 1), date(2026, 9, 1)]


def test_sums_beyond_32_bits_stay_exact(acme: Organization) -> None:
    for hour in range(3):
        add_hour(acme, at=november(2, hour), cost_nanos=usd("9000000.000000001"))

    total = usage_of(acme, NOVEMBER).total

    assert total.cost_nanos == usd("27000000.000000003")
