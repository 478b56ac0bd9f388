"""What the provider wrote down: the truth that the books are held to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from django.utils import timezone

from billing.price_list import load_price_book
from billing.pricing import Tokens, cost_nanos
from tests.faults.clients import MODEL


@dataclass(frozen=True, slots=True)
class Bill:
    """A request that arrived: its number, what it costs, what it could have."""

    number: int
    cost_nanos: int
    bound_nanos: int
    # Whether the gateway can know the cost, and how the provider misbehaved.
    is_told: bool = True
    fault: str = ""


class Truth:
    """The provider's file, read as it grows."""

    def __init__(self, path: Path) -> None:
        rates = load_price_book().find(MODEL, timezone.now())
        assert rates is not None
        self._rates = rates
        self._path = path

    def bills(self) -> list[Bill]:
        """Return all bills so far. A line that is being written is not read yet."""
        if not self._path.exists():
            return []
        lines = self._path.read_bytes().splitlines(keepends=True)
        read = [orjson.loads(line) for line in lines if line.endswith(b"\n")]
        return [self._bill(line) for line in read if "look" not in line]

    def cost_nanos(self) -> int:
        return sum(bill.cost_nanos for bill in self.bills())

    def typical_nanos(self) -> int:
        """Return what a request may cost about now."""
        most = max((bill.number for bill in self.bills()), default=1000)
        return self._cost(400, most)

    def _bill(self, line: dict[str, Any]) -> Bill:
        usage = line["usage"] or {"prompt_tokens": 0, "completion_tokens": 0}
        return Bill(
            number=line["most"],
            cost_nanos=self._cost(usage["prompt_tokens"], usage["completion_tokens"]),
            bound_nanos=self._cost(line["bytes"], line["most"]),
            is_told=line["told"],
            fault=line["fault"],
        )

    def _cost(self, input_tokens: int, output_tokens: int) -> int:
        return cost_nanos(self._rates, Tokens(input=input_tokens, output=output_tokens))
