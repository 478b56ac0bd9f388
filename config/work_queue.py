"""What waits for a worker, as Redis has it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import redis
from django.conf import settings

from config.beat_table import PUBLISHED_AT, QUEUE

TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """How many tasks wait, and since when the first of them does."""

    waiting: int
    oldest_at: datetime | None


def redis_client() -> redis.Redis:
    """Return a client that gives up soon."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    )


def work_queue() -> WorkQueue:
    """
    Return what waits.

    :raises redis.RedisError: if Redis is away.
    """
    with redis_client() as client:
        waiting = cast(int, client.llen(QUEUE))
        # Celery adds on the left and takes from the right.
        oldest = cast(bytes | None, client.lindex(QUEUE, -1))
    return WorkQueue(waiting, published_at(oldest) if oldest else None)


def published_at(message: bytes) -> datetime | None:
    """Return when a message of Celery's was sent; None if it does not say."""
    try:
        headers: dict[str, Any] = json.loads(message)["headers"]
        return datetime.fromisoformat(headers[PUBLISHED_AT])
    except (ValueError, KeyError, TypeError):
        return None
