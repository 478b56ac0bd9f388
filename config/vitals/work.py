"""Workers, what they do again and again, and what waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import redis

from billing.upkeep_models import PeriodicWork, WorkerProcess
from config.beat_table import BEAT_TABLE
from config.vitals.line import Line, ago, counted, seconds_since, span
from config.work_queue import work_queue

WORKER_ALIVE_S = 30
QUEUE_WAITS_MAX_S = 60
# A turn may be missed, and one may be late.
TURNS_MISSED_MAX = 3
LATE_MIN_S = 60
# Work that comes by the calendar comes daily.
DAILY_S = 26 * 3600
START_A_WORKER = (
    "Start one: celery -A config.celery worker. Limits stay exact meanwhile; sums, "
    "mails and alerts wait."
)


def workers(now: datetime) -> Line:
    """Say which workers live."""
    alive = list(living_workers(now))
    details = [
        (str(each), f"since {ago(each.started_at, now)}, {counted(each.tasks, 'task')}")
        for each in alive
    ]
    return Line(
        "workers",
        "Workers",
        f"{counted(len(alive), 'worker')} alive.",
        advice="" if alive else START_A_WORKER,
        facts={"alive": len(alive)},
        details=details,
    )


def living_workers(now: datetime) -> list[WorkerProcess]:
    """Return the workers that beat a moment ago, the one that started first first."""
    since = now - timedelta(seconds=WORKER_ALIVE_S)
    return list(WorkerProcess.objects.filter(beat_at__gt=since).order_by("started_at"))


def queue(now: datetime) -> Line:
    """Say what waits for a worker."""
    try:
        found = work_queue()
    except redis.RedisError:
        return Line(
            "queue",
            "Queue",
            "Redis does not answer, so nothing reaches the workers.",
            advice="Bring Redis back; nothing in it is lost work.",
            facts={"waiting": None, "oldest_seconds": None},
        )
    oldest_s = seconds_since(found.oldest_at, now)
    says = f"{counted(found.waiting, 'task')} waiting"
    if found.oldest_at:
        says += f", the first for {span(oldest_s)}"
    advice = (
        "The workers do not keep up, or there is none: start another."
        if oldest_s > QUEUE_WAITS_MAX_S
        else ""
    )
    facts = {"waiting": found.waiting, "oldest_seconds": round(oldest_s)}
    return Line("queue", "Queue", f"{says}.", advice=advice, facts=facts)


def periodic_work(now: datetime) -> Line:
    """Say which work of the beat table is late, or failed last."""
    rows = {row.task: row for row in PeriodicWork.objects.all()}
    running_since = min((each.started_at for each in living_workers(now)), default=now)
    problems, details = [], []
    for title, entry in BEAT_TABLE.items():
        row = rows.get(entry["task"])
        details.append((title, how_it_went(row, now)))
        problem = problem_of(row, entry, running_since=running_since, now=now)
        if problem:
            problems.append(f"{title} ({problem})")
    says = f"{len(BEAT_TABLE) - len(problems)} of {len(BEAT_TABLE)} in time."
    advice = (
        f"Look into the log of worker and beat for: {', '.join(problems)}. If all are "
        "late, beat does not run: celery -A config.celery beat, exactly one."
        if problems
        else ""
    )
    facts = {"late": len(problems), "tasks": len(BEAT_TABLE)}
    return Line(
        "periodic_work", "Periodic work", says, advice, facts=facts, details=details
    )


def how_it_went(row: PeriodicWork | None, now: datetime) -> str:
    if row is None:
        return "not yet"
    if has_failed(row):
        return f"failed {ago(row.failed_at, now)}: {row.error}"
    return f"{ago(row.succeeded_at, now)}, took {row.duration_ms:,} ms"


def has_failed(row: PeriodicWork) -> bool:
    """Say whether its last turn failed."""
    if row.failed_at is None:
        return False
    return row.succeeded_at is None or row.failed_at > row.succeeded_at


def problem_of(
    row: PeriodicWork | None,
    entry: dict[str, Any],
    *,
    running_since: datetime,
    now: datetime,
) -> str:
    """Return what is wrong with some periodic work, or nothing."""
    if row is not None and has_failed(row):
        return "failed"
    # What never ran is awaited from when a worker was there for it.
    done_at = row.succeeded_at if row and row.succeeded_at else running_since
    return "late" if seconds_since(done_at, now) > patience_s(entry) else ""


def patience_s(entry: dict[str, Any]) -> float:
    """Return how old the last turn may be, in seconds."""
    interval_s = entry["schedule"]
    if not isinstance(interval_s, float):
        return DAILY_S
    return max(LATE_MIN_S, TURNS_MISSED_MAX * interval_s + LATE_MIN_S)


def lines(now: datetime) -> Iterator[Line]:
    yield workers(now)
    yield queue(now)
    yield periodic_work(now)
