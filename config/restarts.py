"""When a process that died is started again, and when that is given up."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 10.0
DEATHS_ALLOWED = 4
WINDOW_S = 60.0


@dataclass(slots=True)
class Restarts:
    """The recent deaths of one process. Times are seconds of any steady clock."""

    deaths: deque[float] = field(default_factory=deque)

    def record(self, now: float) -> float | None:
        """Note a death; return the seconds to wait, or None at the fifth a minute."""
        while self.deaths and self.deaths[0] <= now - WINDOW_S:
            self.deaths.popleft()
        self.deaths.append(now)
        if len(self.deaths) > DEATHS_ALLOWED:
            return None
        return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (len(self.deaths) - 1))
