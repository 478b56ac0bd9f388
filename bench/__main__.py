"""`python -m bench`: run the benchmarks, print tables, write bench/results/."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path

import orjson

from bench import gateway

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    result = gateway.run()
    print(gateway.table(result))
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    document = {
        "at": now.isoformat(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "gateway": result,
    }
    path = RESULTS / f"gateway-{now:%Y%m%d-%H%M%S}.json"
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
