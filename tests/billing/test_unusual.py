"""What counts as unusual: never a pattern that comes back, always a tenfold hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.unusual import Hours, Sensitivity, Unusual, day_of, find_unusual
from tests.factories import usd

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Through both changes of the clocks.
STARTS = st.integers(0, 365 * 24).map(
    lambda n: datetime(2026, 1, 1, 0, 30, tzinfo=UTC) + n * HOUR
)
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham"]
)
WEEK_OF_COSTS = st.lists(st.integers(0, 500), min_size=168, max_size=168)
ONE_CENT = usd(1) // 100


def hours_before(now: datetime, cost: Callable[[datetime], int]) -> dict[datetime, int]:
    """Return ten weeks up to the hour under way."""
    last = now.replace(minute=0)
    return {last - n * HOUR: cost(last - n * HOUR) for n in range(10 * 168)}


def found(costs: Hours, now: datetime, **options: object) -> Unusual | None:
    values = {
        "zone_name": "UTC",
        "sensitivity": Sensitivity.NORMAL,
        "floor_nanos": ONE_CENT,
    } | options
    return find_unusual(costs, now=now, **values)  # type: ignore[arg-type]


@given(now=STARTS, zone=ZONES, cost=st.integers(1, 10**6))
def test_a_steady_series_is_never_unusual(now: datetime, zone: str, cost: int) -> None:
    costs = hours_before(now, lambda _: cost * ONE_CENT)

    for sensitivity in (Sensitivity.LOW, Sensitivity.NORMAL, Sensitivity.HIGH):
        assert found(costs, now, zone_name=zone, sensitivity=sensitivity) is None


@given(now=STARTS, zone=ZONES, week=WEEK_OF_COSTS, is_local=st.booleans())
def test_what_comes_back_each_week_is_never_unusual(
    now: datetime, zone: str, week: list[int], is_local: bool
) -> None:
    clock = ZoneInfo(zone if is_local else "UTC")

    def cost(hour: datetime) -> int:
        local = hour.astimezone(clock)
        return week[local.weekday() * 24 + local.hour] * usd(1)

    costs = hours_before(now, cost)

    changed = clock_changed(now, ZoneInfo(zone))
    if is_local or not changed:
        assert found(costs, now, zone_name=zone) is None


def clock_changed(now: datetime, zone: ZoneInfo) -> bool:
    """Say whether the zone's offset was another within the weeks compared."""
    offsets = {(now - n * DAY).astimezone(zone).utcoffset() for n in range(-1, 60)}
    return len(offsets) > 1


@given(now=STARTS, zone=ZONES, cost=st.integers(1, 10**6), noise=st.randoms())
def test_a_tenfold_hour_is_unusual(
    now: datetime, zone: str, cost: int, noise: object
) -> None:
    costs = hours_before(
        now,
        lambda _: cost * ONE_CENT * noise.randint(80, 120) // 100,  # type: ignore[attr-defined]
    )
    hour = now.replace(minute=0)
    costs[hour] = 10 * cost * ONE_CENT

    unusual = found(costs, now, zone_name=zone)

    assert unusual is not None
    assert (unusual.nanos, unusual.stretch.hours) == (costs[hour], (hour,))
    assert 8 * cost * ONE_CENT <= 10 * unusual.usual_nanos <= 12 * cost * ONE_CENT


NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize("weeks", [0, 1, 2])
def test_under_three_weeks_it_is_too_early_to_say(weeks: int) -> None:
    began = NOW - weeks * 7 * DAY - DAY
    costs = {h: n for h, n in hours_before(NOW, lambda _: usd(1)).items() if h >= began}
    costs[NOW.replace(minute=0)] = usd(1000)

    assert found(costs, NOW) is None


def test_under_the_floor_nothing_is_told() -> None:
    costs = hours_before(NOW, lambda _: usd(1))
    costs[NOW.replace(minute=0)] = usd(10)

    assert found(costs, NOW, floor_nanos=usd(9)) is not None
    assert found(costs, NOW, floor_nanos=usd(9) + 1) is None


def test_a_day_of_many_hours_a_bit_above_is_unusual_as_a_day() -> None:
    costs = hours_before(NOW, lambda hour: usd(2) if hour.hour < 6 else usd(1) // 100)
    for n in range(15):
        costs[NOW.replace(hour=n, minute=0)] = usd(5)

    unusual = found(costs, NOW, sensitivity=Sensitivity.LOW, floor_nanos=usd(20))

    assert unusual is not None
    assert unusual.stretch.is_day
    assert unusual.nanos == usd(75) + ONE_CENT


def test_one_spike_among_the_weeks_hides_no_other() -> None:
    costs = hours_before(NOW, lambda _: usd(1))
    hour = NOW.replace(minute=0)
    costs[hour - 14 * DAY] = usd(500)
    costs[hour] = usd(10)

    assert found(costs, NOW) is not None


def test_work_at_odd_hours_is_not_unusual_until_it_is_twice_the_most() -> None:
    costs = {
        NOW.replace(hour=n % 24, minute=0) - n * DAY: usd(50) for n in range(1, 57)
    }
    hour = NOW.replace(minute=0)

    assert found(costs | {hour: usd(90)}, NOW) is None
    assert found(costs | {hour: usd(101)}, NOW) is not None


def test_an_hour_early_is_not_unusual() -> None:
    costs = hours_before(NOW, lambda hour: usd(40) if hour.hour == 16 else usd(1))
    costs[NOW.replace(minute=0)] = usd(40)

    assert found(costs, NOW) is None


@pytest.mark.parametrize(("day", "hours"), [("29", 23), ("28", 24)])
def test_a_day_has_the_hours_of_its_clock(day: str, hours: int) -> None:
    stretch = day_of(datetime.fromisoformat(f"2026-03-{day}").date(), "Europe/Berlin")

    assert len(stretch.hours) == hours
