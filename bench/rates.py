"""How fast the books are by themselves: pairs of a hold and its settlement."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import uvloop

from bench.figures import Figure
from bench.installation import furnish, installation

# So many requests under way at once.
WIDTHS = (1, 32, 256)
SECONDS = 3.0


def run() -> list[dict[str, float]]:
    with installation():
        furnish(upstream_port=9)
        from bench.booked import Booker

        booker = Booker()
        return [uvloop.run(measure(booker, width)) for width in WIDTHS]


async def measure(booker: Any, width: int) -> dict[str, float]:
    """Hold and settle in so many tasks at once, and return pairs a second."""
    async with booker.books() as books:
        counts = [0] * width
        ends = time.perf_counter() + SECONDS

        async def work(number: int) -> None:
            while time.perf_counter() < ends:
                await booker.book(books)
                counts[number] += 1

        started = time.perf_counter()
        await asyncio.gather(*(work(number) for number in range(width)))
        elapsed = time.perf_counter() - started
    pairs = sum(counts)
    return {
        "width": width,
        "per_second": pairs / elapsed,
        "ms": width * elapsed * 1000 / pairs,
    }


def figures(result: list[dict[str, float]]) -> list[Figure]:
    return [
        Figure(
            f"requests held and settled, {row['width']:.0f} at once",
            row["per_second"],
            "/s",
        )
        for row in result
    ]


def table(result: list[dict[str, float]]) -> str:
    head = f"{'at once':>8} {'pairs/s':>9} {'ms each':>9}"
    rows = (
        f"{row['width']:8.0f} {row['per_second']:9,.0f} {row['ms']:9.2f}"
        for row in result
    )
    return "\n".join([head, *rows])
