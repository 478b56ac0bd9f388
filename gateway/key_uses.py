"""From where each key was last used, for whoever finds it in strange hands."""

from __future__ import annotations

import logging
import uuid

import psycopg
from django.conf import settings

from core.ids import event_time
from gateway import database
from gateway.auth import Caller
from gateway.messages import Request
from gateway.networks import network_of_client

logger = logging.getLogger(__name__)

# Keys noted between two writes: beyond that some of a busy second are left out.
NOTED_MAX = 20_000
# The roll-up writes time and model too, of the same requests, in the same order of
# rows. Keys that were deleted meanwhile have no use.
WRITE = """
INSERT INTO keys_keyuse (organization_id, api_key_id, last_used_at, model, network)
SELECT use.organization_id, use.api_key_id, use.last_used_at, use.model, use.network
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[])
    AS use (organization_id, api_key_id, last_used_at, model, network)
JOIN keys_apikey ON keys_apikey.id = use.api_key_id
JOIN orgs_organization ON orgs_organization.id = use.organization_id
ORDER BY use.organization_id, use.api_key_id
ON CONFLICT ON CONSTRAINT key_use_once DO UPDATE SET
    network = excluded.network,
    model = CASE WHEN excluded.last_used_at >= keys_keyuse.last_used_at
        THEN excluded.model ELSE keys_keyuse.model END,
    last_used_at = greatest(keys_keyuse.last_used_at, excluded.last_used_at)
"""


class KeyUses:
    """Each key's last use in memory, written every few seconds; a crash loses it."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, int], tuple[uuid.UUID, str, str]] = {}

    def note(self, request: Request, caller: Caller, model: str) -> None:
        """Note a request that is answered: held, or found in the cache."""
        place = caller.organization.pk, caller.api_key_id
        if len(self._last) < NOTED_MAX or place in self._last:
            network = network_of_client(
                request.peer,
                request.header(b"x-forwarded-for"),
                trusted_proxies=settings.TRUSTED_PROXIES,
            )
            self._last[place] = request.event_id, model[:120], network

    async def write(self, connection: database.Connection) -> None:
        """Write what was noted since the last time, now or at the next one."""
        if not self._last:
            return
        last, self._last = self._last, {}
        rows = [
            (*place, event_time(event_id), model, network)
            for place, (event_id, model, network) in last.items()
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        try:
            await connection.execute(WRITE, columns)
        except psycopg.Error as error:
            # No reason to end the beats: a connection that is gone shows by itself.
            logger.warning("key_uses_not_written error=%s", error)
            self._last = {**last, **self._last}
