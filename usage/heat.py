"""When in the week there is how much: hours by weekday. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from usage.dimensions import Metric, written

WEEKDAYS = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)
# Shades of a map, apart from none.
SHADES = 6


@dataclass(frozen=True, slots=True)
class HeatCell:
    hour: int
    value: int
    text: str
    # 0 is nothing, then as many shades as there are.
    shade: int
    x: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    weekday: str
    y: int
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    rows: tuple[HeatRow, ...]
    weekday: str
    hour: int
    text: str

    @property
    def by_hour(self) -> list[tuple[HeatCell, ...]]:
        return list(zip(*(row.cells for row in self.rows), strict=True))


def heat_map(
    hours: Iterable[tuple[datetime, int]], zone: tzinfo, metric: Metric
) -> HeatMap | None:
    """Return the sums of each hour of the week by a zone's clock; None if all is 0."""
    sums = [[0] * 24 for _ in WEEKDAYS]
    for hour, value in hours:
        local = hour.astimezone(zone)
        sums[local.weekday()][local.hour] += value
    highest = max(max(row) for row in sums)
    if highest <= 0:
        return None
    rows = tuple(
        HeatRow(
            name,
            24 * day + 18,
            tuple(
                HeatCell(
                    hour,
                    value,
                    written(value, metric),
                    shade_of(value, highest),
                    f"{100 * hour / 24:.3f}%",
                )
                for hour, value in enumerate(sums[day])
            ),
        )
        for day, name in enumerate(WEEKDAYS)
    )
    day = next(n for n, row in enumerate(sums) if highest in row)
    peak = sums[day].index(highest)
    return HeatMap(rows, WEEKDAYS[day], peak, written(highest, metric))


def shade_of(value: int, highest: int) -> int:
    return -(-SHADES * value // highest) if value > 0 else 0
