"""Page times at growing numbers of usage records, and the time of the verifier."""

from __future__ import annotations

import io
import os

from bench.figures import Figure
from bench.installation import furnish, installation

STEPS = (100_000, 1_000_000)
WITH_TEN_MILLION = (*STEPS, 10_000_000)
PAGES = {
    "overview": "overview",
    "usage": "usage",
    "usage by key": "usage?by=key",
    "usage, past cycle": "usage?cycle={past}",
    "usage as CSV": "usage?format=csv",
    "what changed": "usage/changes?cycle={past}",
    "list of records": "usage/records",
    "limits": "limits",
    "keys": "keys",
}
# What people take for immediate (Nielsen's limit of uninterrupted thought is 1 s).
PAGE_MAX_MS = 300

Row = dict[str, float]


def run() -> list[Row]:
    steps = WITH_TEN_MILLION if os.environ.get("BENCH_RECORDS") == "10m" else STEPS
    with installation():
        from bench.page_times import measure

        furnish(upstream_port=9)
        return [measure(records, PAGES) for records in steps]


def figures(result: list[Row]) -> list[Figure]:
    return [
        Figure(
            f"slowest page at {row['records']:,.0f} records",
            max(row[name] for name in PAGES),
            "ms",
            at_most=PAGE_MAX_MS,
        )
        for row in result
    ]


def table(result: list[Row]) -> str:
    text = io.StringIO()
    print(f"{'':28}", *(f"{row['records']:>12,.0f}" for row in result), file=text)
    for name in PAGES:
        print(f"{name + ', ms':28}", *cells(result, name, ".1f"), file=text)
    print(f"{'verifier, s':28}", *cells(result, "verifier_s", ".2f"), file=text)
    for name in ("inserted", "aggregated"):
        key = f"{name}_per_second"
        print(f"{name + ', records/s':28}", *cells(result, key, ",.0f"), file=text)
    return text.getvalue().rstrip()


def cells(result: list[Row], name: str, form: str) -> list[str]:
    return [f"{format(row[name], form):>12}" for row in result]
