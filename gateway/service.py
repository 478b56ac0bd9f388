"""The parts of one gateway process, opened and closed together."""

from __future__ import annotations

from django.conf import settings

from gateway.answer_cache import AnswerCache
from gateway.books import Books
from gateway.descriptors import allow_many_open
from gateway.directory import Directory
from gateway.former_uses import FormerUses
from gateway.kept_answers import KeptAnswers
from gateway.key_uses import KeyUses
from gateway.presence import Notes, Presence
from gateway.rate_limits.limiter import RateLimiter
from gateway.refused_requests import RefusedRequests
from gateway.room import Room
from gateway.sandbox import SandboxUpstream
from gateway.upstream import HttpClient

# Waiting settlements get this long when the process stops; the sweep has the rest.
CLOSE_TIMEOUT_S = 5.0


class Gateway:
    """What the requests of a process share."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.books = Books()
        self.former_uses = FormerUses()
        self.key_uses = KeyUses()
        self.refused_requests = RefusedRequests()
        # Whoever was refused may follow the link to the reason at once.
        noted: dict[int, list[Notes]] = {
            1: [self.refused_requests],
            3: [self.former_uses, self.key_uses],
        }
        self.presence = Presence(self.books, noted)
        self.kept_answers = KeptAnswers(
            gateway_id=self.presence.gateway_id, dead_s=settings.SWEEP_INTERVAL_S
        )
        self.sandbox = SandboxUpstream(is_paced=settings.SANDBOX_PACE)
        self.client = HttpClient(
            timeout_s=settings.UPSTREAM_TIMEOUT_S,
            allowed_networks=settings.PROVIDER_ALLOWED_NETWORKS,
        )
        self.body_max_bytes: int = settings.GATEWAY_BODY_MAX_BYTES
        self.upload_max_bytes: int = settings.GATEWAY_UPLOAD_MAX_BYTES
        self.upload_folder: str | None = settings.GATEWAY_UPLOAD_FOLDER or None
        self.bodies = Room(settings.GATEWAY_BODIES_MAX_BYTES)
        self.uploads = Room(settings.GATEWAY_UPLOADS_MAX_BYTES)
        self.answer_cache = AnswerCache(url=settings.REDIS_URL)
        self.idempotency_wait_s: float = settings.IDEMPOTENCY_WAIT_S
        self.drain_s: float = settings.GATEWAY_DRAIN_S
        self.base_url: str = settings.BASE_URL
        self.rate_limiter = RateLimiter(
            self.directory,
            redis_url=settings.REDIS_URL,
            timeout_s=settings.RATE_LIMIT_TIMEOUT_S,
            base_url=self.base_url,
        )

    async def open(self) -> None:
        """Begin: a gateway whose database is away answers 503 until it is back."""
        allow_many_open()
        await self.books.open()
        await self.directory.open()
        await self.presence.open()

    async def close(self) -> None:
        """End: book what waits, then sign off."""
        await self.books.close(timeout_s=CLOSE_TIMEOUT_S)
        await self.kept_answers.close()
        await self.answer_cache.close()
        await self.presence.close()
        await self.rate_limiter.close()
        await self.directory.close()
        await self.client.close()
