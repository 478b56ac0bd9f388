"""A cache in Redis that outlives Redis: without it, each process remembers alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis import RedisError

logger = logging.getLogger(__name__)

T = TypeVar("T")


class ForgivingRedisCache(RedisCache):
    """
    Falls back to this process's memory while Redis does not answer.

    Nothing here is more than a cache or a throttle: people must be able to log in
    without Redis, and throttling then counts in each process for itself.
    """

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._local = LocMemCache("without-redis", params)

    def add(self, *args: Any, **options: Any) -> bool:
        return self._try(super().add, self._local.add, *args, **options)

    def get(self, *args: Any, **options: Any) -> Any:
        return self._try(super().get, self._local.get, *args, **options)

    def set(self, *args: Any, **options: Any) -> None:
        return self._try(super().set, self._local.set, *args, **options)

    def touch(self, *args: Any, **options: Any) -> bool:
        return self._try(super().touch, self._local.touch, *args, **options)

    def delete(self, *args: Any, **options: Any) -> bool:
        return self._try(super().delete, self._local.delete, *args, **options)

    def get_many(self, *args: Any, **options: Any) -> dict[str, Any]:
        return self._try(super().get_many, self._local.get_many, *args, **options)

    def set_many(self, *args: Any, **options: Any) -> list[str]:
        return self._try(super().set_many, self._local.set_many, *args, **options)

    def has_key(self, *args: Any, **options: Any) -> bool:
        return self._try(super().has_key, self._local.has_key, *args, **options)

    def incr(self, *args: Any, **options: Any) -> int:
        return self._try(super().incr, self._local.incr, *args, **options)

    def _try(
        self, remote: Callable[..., T], local: Callable[..., T], *args: Any, **kw: Any
    ) -> T:
        try:
            return remote(*args, **kw)
        except RedisError as error:
            logger.warning("cache_unreachable error=%s", type(error).__name__)
            return local(*args, **kw)
