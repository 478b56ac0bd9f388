"""Admitting requests by their organization's rate limits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

from billing.rate_limits import RateRule
from gateway import metrics
from gateway.auth import Caller
from gateway.calls import Call
from gateway.directory import Directory
from gateway.messages import Request
from gateway.rate_limits.answers import headers_of, refusal_of
from gateway.rate_limits.buckets import REQUESTS, TOKENS, Admission, Bucket, Taken
from gateway.rate_limits.estimates import tokens_asked
from gateway.rate_limits.local import LocalBuckets
from gateway.rate_limits.store import Store, StoreUnreachable

logger = logging.getLogger(__name__)

# While Redis is away nobody waits for it; this often somebody looks.
PROBE_PAUSE_S = 0.25
# Corrections under way at once; beyond that they are dropped: estimates stand.
CORRECTIONS_MAX = 1000

BY_STORE = metrics.RATE_CHECKS.labels("redis")
BY_PROCESS = metrics.RATE_CHECKS.labels("local")


class RateLimiter:
    """Admits requests by their organization's rate limits."""

    def __init__(
        self, directory: Directory, *, redis_url: str, timeout_s: float, base_url: str
    ) -> None:
        self._directory = directory
        self._base_url = base_url
        self._store = Store(url=redis_url, timeout_s=timeout_s)
        self._local = LocalBuckets()
        self._is_reachable = True
        self._probe: asyncio.Task[None] | None = None
        self._corrections: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Let corrections under way end (each has a time-out), and disconnect."""
        if self._probe is not None:
            self._probe.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._probe
        await asyncio.gather(*self._corrections)
        await self._store.close()

    async def admit(self, request: Request, caller: Caller, call: Call) -> None:
        """
        Count a request in every rate limit that meets it, and say so in its headers.

        :raises ApiError: 429 if one has no room. Then nothing is counted in any.
        """
        organization = caller.organization
        rules = await self._directory.rate_rules(organization.pk)
        buckets = buckets_of(rules, caller, call) if rules else ()
        if not buckets:
            return
        taken, is_shared = await self._take(buckets)
        used = list(zip(buckets, taken.used, strict=True))
        request.added_headers += headers_of(used)
        if not taken.is_admitted:
            help_url = f"{self._base_url}/o/{organization.slug}/limits"
            raise refusal_of(used, call.model, organization.public_id, help_url)
        request.admission = Admission(buckets, is_shared)

    def settle(self, request: Request) -> None:
        """
        Correct the tokens that a request took by those it used; nobody waits for it.

        A request that was never sent used none. Where nobody knows, the guess stands.
        """
        admission, tokens = request.admission, request.tokens_used
        if admission is None or tokens is None:
            return
        buckets = admission.token_buckets
        difference = tokens - buckets[0].amount if buckets else 0
        if difference == 0 or len(self._corrections) >= CORRECTIONS_MAX:
            return
        if not (admission.is_shared and self._is_reachable):
            self._local.correct(buckets, difference, now_ms=local_ms())
            return
        task = asyncio.create_task(self._correct(buckets, difference))
        self._corrections.add(task)
        task.add_done_callback(self._corrections.discard)

    async def _take(self, buckets: Sequence[Bucket]) -> tuple[Taken, bool]:
        """Ask Redis, or this process's own buckets; say whether it was Redis."""
        if self._is_reachable:
            try:
                taken = await self._store.take(buckets)
            except StoreUnreachable as error:
                self._lose(error)
            else:
                BY_STORE.inc()
                self._local.remember(buckets, taken.used, now_ms=local_ms())
                return taken, True
        BY_PROCESS.inc()
        return self._local.take(buckets, now_ms=local_ms()), False

    async def _correct(self, buckets: Sequence[Bucket], difference: int) -> None:
        try:
            used, _ = await self._store.correct(buckets, difference)
        except StoreUnreachable as error:
            self._lose(error)
            self._local.correct(buckets, difference, now_ms=local_ms())
        else:
            self._local.remember(buckets, used, now_ms=local_ms())

    def _lose(self, error: StoreUnreachable) -> None:
        """Count alone until Redis answers again; one request waited for it."""
        if not self._is_reachable:
            return
        logger.warning("rate_store_lost error=%s", error)
        self._is_reachable = False
        metrics.RATE_STORE_REACHABLE.set(0)
        self._probe = asyncio.create_task(self._look_again())

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(PROBE_PAUSE_S)
            if await self._store.answers():
                break
        self._is_reachable = True
        metrics.RATE_STORE_REACHABLE.set(1)
        logger.info("rate_store_reachable")


def local_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def buckets_of(
    rules: Sequence[RateRule], caller: Caller, call: Call
) -> tuple[Bucket, ...]:
    """Return the buckets that a call is counted in, with what it asks of each."""
    met = [r for r in rules if r.meets(api_key_id=caller.api_key_id, model=call.model)]
    if not met:
        return ()
    # Cluster keeps on one node what has the same text in braces.
    prefix = f"tokenhouse:rates:{{{caller.organization.public_id}}}"
    counted = any(rule.tokens_per_minute for rule in met)
    tokens = tokens_asked(call) if counted else 0
    found = []
    for rule in met:
        key = f"{prefix}:{rule.public_id}"
        if rule.requests_per_minute is not None:
            limit = rule.requests_per_minute
            found.append(Bucket(rule, REQUESTS, f"{key}:{REQUESTS}", limit, 1))
        if rule.tokens_per_minute is not None:
            limit = rule.tokens_per_minute
            found.append(Bucket(rule, TOKENS, f"{key}:{TOKENS}", limit, tokens))
    return tuple(found)
