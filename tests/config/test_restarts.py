"""A dead process is started again, later each time, and given up in the end."""

from __future__ import annotations

from config.restarts import Restarts


def test_each_restart_waits_twice_as_long() -> None:
    restarts = Restarts()
    assert [restarts.record(now) for now in (0, 1, 2, 3)] == [0.5, 1, 2, 4]


def test_the_fifth_death_within_a_minute_is_the_last() -> None:
    restarts = Restarts()
    for now in (0, 10, 20, 30):
        assert restarts.record(now) is not None
    assert restarts.record(59) is None


def test_old_deaths_are_forgotten() -> None:
    restarts = Restarts()
    for now in (0, 10, 20, 30):
        restarts.record(now)
    assert restarts.record(200) == 0.5
