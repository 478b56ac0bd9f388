"""However usage is cut, the pieces add up to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgs.models import Membership, Organization, User
from tests.usage_factories import add_hour, make_key
from usage.amounts import total_of
from usage.dimensions import IN_ROLLUPS, Dimension, Granularity, Metric
from usage.models import UsageHour
from usage.queries import usage_of
from usage.spans import Span

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 10, 20, tzinfo=UTC)
HOURS = st.lists(
    st.tuples(
        st.integers(0, 24 * 25),
        st.integers(-(10**12), 10**13),
        st.integers(0, 11),
        st.integers(0, 3),
    ),
    max_size=25,
    unique_by=lambda hour: (hour[0], hour[2], hour[3]),
)
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu"),
    *("America/St_Johns", "Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Niue"),
)
BATTERY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def fill(
    acme: Organization, people: Sequence[User], hours: list[tuple[int, int, int, int]]
) -> None:
    """Replace Acme's usage. Keys: none, one of each person, a service key."""
    UsageHour.objects.all().delete()
    keys = [
        None,
        *(make_key(person.name, user=person) for person in people),
        make_key("Batch", organization=acme),
    ]
    for hour, cost_nanos, model, key in hours:
        add_hour(
            acme,
            at=FIRST + timedelta(hours=hour),
            cost_nanos=cost_nanos,
            model=f"model-{model}",
            api_key=keys[key],
        )


@BATTERY
@given(
    hours=HOURS,
    first=st.integers(0, 25),
    length=st.integers(0, 12),
    zone=st.sampled_from(ZONES),
    granularity=st.sampled_from(Granularity),
)
def test_single_days_add_up_to_the_range_in_any_zone(
    acme: Organization,
    ada: User,
    rita: User,
    hours: list[tuple[int, int, int, int]],
    first: int,
    length: int,
    zone: str,
    granularity: Granularity,
) -> None:
    """The clocks change on 25 October in Europe, on 1 November in America."""
    fill(acme, [ada, rita], hours)
    start = FIRST.date() + timedelta(days=first)
    span = Span(start, start + timedelta(days=length), zone_name=zone)

    single_days = [
        usage_of(acme, Span(day, day, zone_name=zone)).total for day in span.days
    ]

    assert total_of(single_days) == usage_of(acme, span, granularity=granularity).total
    assert tuple(single_days) == usage_of(acme, span).by_period


@BATTERY
@given(
    hours=HOURS,
    dimension=st.sampled_from(IN_ROLLUPS),
    metric=st.sampled_from(Metric),
    as_reader=st.booleans(),
)
def test_groups_and_days_add_up_to_the_cycle(
    acme: Organization,
    ada: User,
    rita: User,
    hours: list[tuple[int, int, int, int]],
    dimension: Dimension,
    metric: Metric,
    as_reader: bool,
) -> None:
    fill(acme, [ada, rita], hours)
    viewer = Membership.objects.get(user=rita if as_reader else ada)

    for cycle_start in (date(2026, 10, 1), date(2026, 11, 1)):
        span = Span.of_cycle(cycle_start)
        usage = usage_of(acme, span, dimension=dimension, metric=metric, viewer=viewer)
        whole = usage_of(acme, span)
        rows = UsageHour.objects.filter(cycle_start=cycle_start)

        assert usage.total == total_of(s.total for s in usage.series) == whole.total
        assert usage.by_period == whole.by_period
        assert whole.total.cost_nanos == sum(row.cost_nanos for row in rows)


@given(day=st.dates(date(2026, 10, 1), date(2026, 12, 31)))
def test_each_instant_belongs_to_the_one_day_that_shows_it(day: date) -> None:
    span = Span.of_cycle(date(2026, 11, 1))
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

    showing = [
        shown
        for shown in span.days
        if (instants := span.instants_of(shown)) is not None
        and instants.start <= noon < instants.end
    ]

    assert showing == [span.day_within(day)]
