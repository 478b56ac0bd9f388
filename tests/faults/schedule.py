"""What goes wrong and when, drawn from a seed: the same seed, the same schedule."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

GATEWAYS = 2
# Longer than the sweep waits, so that what is paused is taken for dead.
PAUSE_S = (4.0, 7.0)
DOWN_S = (0.0, 2.0)
BETWEEN_S = (0.2, 2.4)
# A keeper gives a server up that dies five times in a minute.
SERVER_DEATHS_APART_S = 22.0
# Longer than a gateway waits for an answer of Postgres, at times.
BAD_WEATHER_S = (0.5, 6.0)
FULL_DISK_S = 5.0
# Of the usual room: so nobody runs out of money before the disk is full.
FULL_DISK_ROOM = 50.0
REFUSED = "budget_unavailable"
# How often each is drawn, in relation.
WEIGHTS = {
    "kill_gateway": 3,
    "pause_gateway": 2,
    "cut_connections": 3,
    "kill_postgres": 3,
    "kill_valkey": 1,
    "kill_provider": 2,
    "raise_limit": 9,
    "lower_limit": 2,
    "change_key": 3,
    "kill_gateway_at": 6,
    "stop_gateway": 1,
    "bad_link_to_postgres": 4,
    "bad_link_to_provider": 4,
    "silent_links": 1,
    "refuse_postgres": 2,
    "refuse_provider": 2,
    "wrong_clock": 2,
    "roll_month": 2,
    "flush_valkey": 1,
    "silence_valkey": 1,
    "kill_worker": 3,
    "kill_beat": 1,
    "fill_disk": 1,
    "raise_scope_limit": 8,
    "lower_scope_limit": 2,
}
# Of a gateway, which the schedule names.
OF_GATEWAY = (
    *("kill_gateway", "pause_gateway", "kill_gateway_at", "stop_gateway"),
    *("bad_link_to_postgres", "silent_links", "refuse_postgres"),
    *("wrong_clock", "roll_month"),
)
LONG = ("pause_gateway", "wrong_clock", "fill_disk")
WEATHERS = ("bad_link_to_postgres", "bad_link_to_provider", "silence_valkey")
# What moves limits and harms nobody: a run of these alone is calm.
CALM = ("raise_limit", "raise_scope_limit", "change_key")
# Postgres dies of a full disk as well.
SERVERS = ("kill_postgres", "kill_valkey", "fill_disk")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. Times in seconds; `share` says how much of it."""

    at_s: float
    name: str
    gateway: int
    lasts_s: float
    share: float
    # What a client must hear before it ends.
    until: str = ""

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options: always the same for the same seed."""
        return options[int(self.share * len(options))]

    @property
    def rest(self) -> float:
        """Return another share, for what a pick of few options leaves open."""
        return self.share * 1000 % 1

    def __str__(self) -> str:
        where = f" {self.gateway}" if self.name in OF_GATEWAY else ""
        return f"{self.at_s:6.1f}s {self.name}{where} for {self.lasts_s:.1f}s"


def span_of(name: str) -> tuple[float, float]:
    """Return how long a fault lasts, at least and at most."""
    if name in LONG:
        return PAUSE_S
    return BAD_WEATHER_S if name in WEATHERS else DOWN_S


def draw(seed: int, *, seconds: float) -> list[Fault]:
    """Return the faults of a run, in order."""
    source = random.Random(seed)
    faults: list[Fault] = []
    deaths = dict.fromkeys(SERVERS, -SERVER_DEATHS_APART_S)
    at_s = source.uniform(*BETWEEN_S)
    while at_s < seconds:
        (name,) = source.choices(list(WEIGHTS), list(WEIGHTS.values()))
        if at_s - deaths.get(name, -seconds - SERVER_DEATHS_APART_S) < (
            SERVER_DEATHS_APART_S
        ):
            name = "raise_limit"
        if name in deaths:
            deaths[name] = at_s
        lasts_s = source.uniform(*span_of(name))
        gateway = source.randrange(GATEWAYS)
        faults.append(Fault(at_s, name, gateway, lasts_s, source.random()))
        at_s += source.uniform(*BETWEEN_S)
    return faults


def full_disks(*, since_s: float) -> list[Fault]:
    """Return faults in which the disk gets full, of one thing, then of another."""
    fills = zip((0.0, FULL_DISK_S + BETWEEN_S[1]), (0.0, 0.9), strict=True)
    return [
        fault
        for after_s, share in fills
        for fault in (
            Fault(since_s + after_s, "raise_limit", 0, 0, FULL_DISK_ROOM),
            Fault(since_s + after_s + 1, "fill_disk", 0, FULL_DISK_S, share, REFUSED),
        )
    ]
