"""How often a key's former text is still used, so that nobody ends it too early."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime

import psycopg

from gateway import database

logger = logging.getLogger(__name__)

WRITE = """
UPDATE keys_formerkey SET
    requests = keys_formerkey.requests + use.requests,
    last_used_at = greatest(keys_formerkey.last_used_at, use.last_used_at)
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[])
    AS use (id, requests, last_used_at)
WHERE keys_formerkey.id = use.id
"""


class FormerUses:
    """Counts in memory, written every few seconds; a crash loses the last ones."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._last: dict[int, datetime] = {}

    def note(self, former_key_id: int, *, at: datetime) -> None:
        self._counts[former_key_id] += 1
        self._last[former_key_id] = at

    async def write(self, connection: database.Connection) -> None:
        """Write what was counted since the last time, now or at the next one."""
        if not self._counts:
            return
        counts, last = self._counts, self._last
        self._counts, self._last = Counter(), {}
        ids = sorted(counts)
        values = (ids, [counts[i] for i in ids], [last[i] for i in ids])
        try:
            await connection.execute(WRITE, values)
        except psycopg.Error as error:
            # No reason to end the beats: a connection that is gone shows by itself.
            logger.warning("former_uses_not_written error=%s", error)
            self._counts.update(counts)
            self._last = {**last, **self._last}
