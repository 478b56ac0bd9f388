"""Buckets and stores for tests of rate limits."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from django.utils import timezone

from billing.actions.rate_limits import set_rate_limit
from billing.models import RateLimit
from billing.rate_limits import RateRule
from config.servers import binaries
from gateway.rate_limits.buckets import REQUESTS, Bucket
from orgs.models import Organization
from tests import rig


def rule(public_id: str = "rl_test", **given: Any) -> RateRule:
    values = {
        "public_id": public_id,
        "api_key_id": None,
        "key_name": "",
        "model": "",
        "requests_per_minute": None,
        "tokens_per_minute": None,
    }
    return RateRule(**{**values, **given})


def bucket(
    limit: int, amount: int = 1, *, key: str = "test:{org-x}:one", kind: str = REQUESTS
) -> Bucket:
    return Bucket(rule(), kind, key, limit, amount)


def limit_rate(organization: Organization, **given: Any) -> RateLimit:
    """Set a rate limit as an owner would; gateways hear of it at its commit."""
    options = {
        "api_key": None,
        "model": "",
        "requests_per_minute": None,
        "tokens_per_minute": None,
        **given,
    }
    return set_rate_limit(
        organization=organization, acting_user=None, now=timezone.now(), **options
    )


class OwnRedis:
    """A Valkey of this test alone, which keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self.port = rig.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)
        self._folder = folder
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._popen is not None
        return self._popen.pid

    def start(self) -> None:
        options = f"--port {self.port} --bind 127.0.0.1 --save --appendonly no".split()
        options[options.index("--save") + 1 : options.index("--save") + 1] = [""]
        self._popen = subprocess.Popen(
            [binaries.valkey_server(), *options],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        rig.wait_until(self.answers, what="Valkey does not answer")

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait(10)

    def calls(self) -> int:
        """Return how many scripts it ran since it started."""
        stats = self.client.info("commandstats")
        names = ("cmdstat_evalsha", "cmdstat_eval")
        return sum(stats[name]["calls"] for name in names if name in stats)


@contextmanager
def own_redis(folder: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        server.client.close()


def shared_url() -> str:
    return os.environ["REDIS_URL"]
