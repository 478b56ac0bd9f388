"""
`python -m bench [names…]`: run benchmarks, print tables, write bench/results/.

Each runs in a process of its own, with an installation of its own. BENCH_RECORDS=10m
takes the page times up to ten million records too.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bench import figures

RESULTS = Path(__file__).parent / "results"
# What each measures; the module of that name has `run`, `table` and `figures`.
BENCHES = {
    "gateway": "throughput, latency and streams against less of the gateway",
    "open_streams": "a thousand streams open at once, and idle memory",
    "big_bodies": "bodies of many megabytes: memory, and the event loop",
    "scaling": "two gateway processes against one",
    "rates": "settled and aggregated records a second",
    "effects": "how soon a change holds at every gateway",
    "pages": "page times at growing numbers of records",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHES))
    parser.add_argument("--here", action="store_true", help="run one in this process")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if given.here:
        measure(given.names[0])
        return
    for name in given.names or BENCHES:
        print(f"\n== {name}: {BENCHES[name]}", flush=True)
        started = time.monotonic()
        subprocess.run([sys.executable, "-m", "bench", name, "--here"], check=True)
        print(f"({time.monotonic() - started:.0f} s)", flush=True)


def measure(name: str) -> None:
    module: Any = importlib.import_module(f"bench.{name}")
    result = module.run()
    found = module.figures(result)
    print(module.table(result), figures.table(found), sep="\n\n")
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    document = {
        "at": now.isoformat(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "figures": [figure.as_json() for figure in found],
        name: result,
    }
    path = RESULTS / f"{name}-{now:%Y%m%d-%H%M%S}.json"
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
