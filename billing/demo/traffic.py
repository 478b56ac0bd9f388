"""Believable requests, the same ones for the same seed. Pure."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from billing.demo.script import Habit
from billing.pricing import Tokens
from usage.models import Outcome

# A working day, midnight to midnight in UTC.
HOUR_WEIGHTS = (
    *(1, 1, 1, 1, 1, 2, 4, 9, 16, 20, 21, 19),
    *(14, 18, 21, 20, 18, 14, 9, 6, 5, 4, 3, 2),
)
SPIKE_DAYS_AGO = 12
SPIKE_FACTOR = 6.0
# Use grows by so much from the demo's first day to its last.
GROWTH = 0.6
# How often each thing goes wrong.
ENDINGS = {
    Outcome.SUCCEEDED: 0.975,
    Outcome.PROVIDER_ERROR: 0.014,
    Outcome.CLIENT_LEFT: 0.009,
    Outcome.GATEWAY_LOST: 0.002,
}
STATUS_CODES = {Outcome.PROVIDER_ERROR: 500, Outcome.GATEWAY_LOST: 0}
LARGEST_INPUT = 300_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the demo."""

    event_id: uuid.UUID
    habit: Habit
    tokens: Tokens
    outcome: str
    status_code: int
    streamed: bool
    latency_ms: int
    first_token_ms: int | None

    @property
    def is_estimated(self) -> bool:
        return self.outcome == Outcome.GATEWAY_LOST


def requests_of(
    habits: Iterable[Habit],
    *,
    start: datetime,
    end: datetime,
    count: int,
    size: float,
    seed: str,
) -> list[Request]:
    """Return about `count` requests between two instants, in order of time."""
    randomness = random.Random(seed)
    habits = list(habits)
    shares = sum(habit.share for habit in habits)
    made = [
        request_at(instant, habit, size, randomness)
        for habit in habits
        for instant in instants_of(
            habit,
            start=start,
            end=end,
            count=max(1, round(count * habit.share / shares)),
            randomness=randomness,
        )
    ]
    return sorted(made, key=lambda request: request.event_id)


def instants_of(
    habit: Habit,
    *,
    start: datetime,
    end: datetime,
    count: int,
    randomness: random.Random,
) -> Iterator[datetime]:
    """Yield instants as people work: by day, seldom at weekends, more each month."""
    first = start + (end - start) * habit.begins
    last = start + (end - start) * habit.ends
    hours = [
        first + timedelta(hours=n) for n in range((last - first) // timedelta(hours=1))
    ]
    if not hours:
        return
    weights = accumulate(weight_of(hour, habit, start=start, end=end) for hour in hours)
    for hour in randomness.choices(hours, cum_weights=list(weights), k=count):
        yield hour + timedelta(milliseconds=randomness.randrange(3_600_000))


def weight_of(
    instant: datetime, habit: Habit, *, start: datetime, end: datetime
) -> float:
    weight = HOUR_WEIGHTS[instant.hour] * (
        1 + GROWTH * ((instant - start) / (end - start))
    )
    if instant.weekday() >= 5:
        weight *= habit.weekend
    if habit.has_spike and instant.date() == spike_day(end):
        weight *= SPIKE_FACTOR
    return weight


def spike_day(end: datetime) -> date:
    """Return the day on which far more was asked: a working day."""
    day = (end - timedelta(days=SPIKE_DAYS_AGO)).date()
    return day - timedelta(days=max(0, day.weekday() - 4))


def request_at(
    instant: datetime, habit: Habit, size: float, randomness: random.Random
) -> Request:
    outcome = randomness.choices(list(ENDINGS), list(ENDINGS.values()))[0]
    tokens = tokens_of(habit, size, randomness)
    if outcome in (Outcome.PROVIDER_ERROR, Outcome.GATEWAY_LOST):
        tokens = Tokens()
    streamed = randomness.random() < habit.streamed
    first_token_ms = randomness.randrange(180, 900)
    return Request(
        event_id=event_id_at(instant, randomness),
        habit=habit,
        tokens=tokens,
        outcome=outcome,
        status_code=STATUS_CODES.get(outcome, 200),
        streamed=streamed,
        latency_ms=first_token_ms + tokens.output * randomness.randrange(6, 14),
        first_token_ms=first_token_ms if streamed and tokens.output else None,
    )


def tokens_of(habit: Habit, size: float, randomness: random.Random) -> Tokens:
    """Return token counts around the typical ones: most smaller, some far larger."""

    def around(typical: int) -> int:
        return int(typical * size * randomness.lognormvariate(-0.12, 0.5))

    given = min(1 + around(habit.input_tokens), LARGEST_INPUT)
    answered = 1 + around(habit.output_tokens) if habit.output_tokens else 0
    # Providers cache the beginning of a prompt in steps of 128 tokens.
    cached = int(given * habit.cached * randomness.random()) // 128 * 128
    return Tokens(
        input=given,
        cached_input=cached,
        cache_write=(given - cached) // 128 * 128 if habit.writes_cache else 0,
        output=answered,
        reasoning=int(answered * habit.reasoning),
    )


def event_id_at(instant: datetime, randomness: random.Random) -> uuid.UUID:
    """Return an event id (see `core.ids`) that carries an instant of the past."""
    milliseconds = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    )
    value = milliseconds << 80 | randomness.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
