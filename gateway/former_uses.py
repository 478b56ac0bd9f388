"""How often a key's former text is still used, so that nobody ends it too early."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import psycopg

from gateway import database

WRITE = """
UPDATE keys_formerkey SET
    requests = requests + use.requests,
    last_used_at = greatest(last_used_at, use.last_used_at)
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
        """Write what was counted since the last time."""
        if not self._counts:
            return
        counts, last = self._counts, self._last
        self._counts, self._last = Counter(), {}
        ids = sorted(counts)
        values = (ids, [counts[i] for i in ids], [last[i] for i in ids])
        try:
            await connection.execute(WRITE, values)
        except (psycopg.Error, TimeoutError):
            self._counts.update(counts)
            self._last = {**last, **self._last}
            raise
