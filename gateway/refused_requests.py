"""Which requests were refused and why, for whoever asks on a page afterwards."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg

from core.ids import event_time
from gateway import database, metrics
from gateway.auth import Caller
from gateway.errors import ApiError
from gateway.messages import Request
from usage.models import Endpoint

logger = logging.getLogger(__name__)

# Of one key, for one reason, in one minute: beyond that they are counted.
KEPT_MAX = 10
MODELS_MAX = 10
# Of all keys of this process, between two writes.
PLACES_MAX = 5_000
ROWS_MAX = 2_000
# A minute goes on counting for so long: bodies take their time to come.
REMEMBERED = timedelta(minutes=2)

# All gateways take the rows of minutes in one order. Of keys and organizations that
# are gone meanwhile nobody asks.
WRITE = """
WITH counted AS (
    INSERT INTO usage_refusedminute (
        organization_id, api_key_id, user_id, code, status_code, minute, model,
        requests, kept
    )
    SELECT minute.* FROM unnest(
        %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::smallint[],
        %s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[]
    ) AS minute (organization, api_key, person, code, status, minute, model, n, kept)
    JOIN keys_apikey ON keys_apikey.id = minute.api_key
    JOIN orgs_organization ON orgs_organization.id = minute.organization
    ORDER BY 1, 6, 2, 3, 4, 5, 7
    ON CONFLICT ON CONSTRAINT refused_minute_once DO UPDATE SET
        requests = usage_refusedminute.requests + excluded.requests,
        kept = usage_refusedminute.kept + excluded.kept
)
INSERT INTO usage_refusedrequest (
    organization_id, api_key_id, user_id, event_id, occurred_at, endpoint, model, code,
    status_code, message, scope_name, limit_nanos, spent_nanos, held_nanos,
    bound_nanos, latency_ms
)
SELECT request.* FROM unnest(
    %s::bigint[], %s::bigint[], %s::bigint[], %s::uuid[], %s::timestamptz[],
    %s::text[], %s::text[], %s::text[], %s::smallint[], %s::text[], %s::text[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[]
) AS request (organization, api_key)
JOIN keys_apikey ON keys_apikey.id = request.api_key
JOIN orgs_organization ON orgs_organization.id = request.organization
ON CONFLICT DO NOTHING
"""
MINUTE_COLUMNS, REQUEST_COLUMNS = 9, 16

# Organization, key, person, code, status, minute.
Place = tuple[int, int, int | None, str, int, datetime]


@dataclass(slots=True)
class Tally:
    """The refusals of one place: by model since the last write, and kept in all."""

    models: set[str] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    kept_in_all: int = 0

    def told_apart(self, model: str) -> str:
        """Return the model to count under: of many the later ones are one."""
        if model not in self.models:
            if len(self.models) >= MODELS_MAX:
                return ""
            self.models.add(model)
        return model


class RefusedRequests:
    """
    Refusals in memory, written every second; a crash loses the last ones.

    A flood leaves `KEPT_MAX` rows and the exact count of each key, reason and minute.
    """

    def __init__(self) -> None:
        self._tallies: dict[Place, Tally] = {}
        self._rows: list[tuple[Any, ...]] = []

    def note(
        self, request: Request, caller: Caller, endpoint: Endpoint, error: ApiError
    ) -> None:
        """Note that a request of a known caller was refused."""
        at = event_time(request.event_id)
        whose = caller.organization.pk, caller.api_key_id, caller.user_id
        minute = at.replace(second=0, microsecond=0)
        tally = self._tally((*whose, error.code or "", error.status, minute))
        if tally is None:
            metrics.REFUSALS_UNTOLD.inc()
            return
        model = plain(request.model, 120)
        counted_as = tally.told_apart(model)
        tally.requests[counted_as] += 1
        if tally.kept_in_all < KEPT_MAX and len(self._rows) < ROWS_MAX:
            tally.kept_in_all += 1
            tally.kept[counted_as] += 1
            said = error.code or "", error.status, plain(error.message, 1000)
            self._rows.append(
                (
                    *(*whose, request.event_id, at, endpoint.value, model),
                    *(*said, *amounts_of(error), request.elapsed_ms()),
                )
            )

    def _tally(self, place: Place) -> Tally | None:
        tally = self._tallies.get(place)
        if tally is None and len(self._tallies) < PLACES_MAX:
            tally = self._tallies[place] = Tally()
        return tally

    async def write(self, connection: database.Connection) -> None:
        """Write what was noted since the last time."""
        minutes = [
            (*place, model, count, tally.kept[model])
            for place, tally in self._tallies.items()
            for model, count in tally.requests.items()
        ]
        if not minutes:
            return
        rows = self._take()
        values = [*columns(minutes, MINUTE_COLUMNS), *columns(rows, REQUEST_COLUMNS)]
        try:
            await connection.execute(WRITE, values)
        except psycopg.Error as error:
            # No reason to end the beats: a connection that is gone shows by itself.
            # Not tried again: nobody knows whether they were counted.
            logger.warning("refusals_not_written error=%s", error)
            metrics.REFUSALS_UNTOLD.inc(sum(each[-2] for each in minutes))

    def _take(self) -> list[tuple[Any, ...]]:
        """Return the rows and begin anew; minutes that are over are forgotten."""
        newest = max(place[-1] for place in self._tallies)
        self._tallies = {
            place: Tally(tally.models, kept_in_all=tally.kept_in_all)
            for place, tally in self._tallies.items()
            if place[-1] > newest - REMEMBERED
        }
        rows, self._rows = self._rows, []
        return rows


def amounts_of(error: ApiError) -> tuple[str, int | None, int | None, int | None, Any]:
    """Return whose limit refused, the limit, what was spent, held and asked for."""
    refusal = error.quota
    if refusal is None:
        return "", None, None, None, None
    amounts = refusal.limit_nanos, refusal.spent_nanos, refusal.held_nanos
    return plain(refusal.scope_name, 200), *amounts, refusal.bound_nanos


def columns(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(width)]


def plain(text: str, longest: int) -> str:
    """Return what Postgres can keep: it knows no NUL."""
    return text.replace("\0", "")[:longest]
