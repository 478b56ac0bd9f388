"""Is the process alive, and can it work?"""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from config.work_queue import redis_client


@login_not_required
@never_cache
def alive(request: HttpRequest) -> JsonResponse:
    """Say that the process lives; looks at nothing else."""
    return JsonResponse({"status": "alive"})


@login_not_required
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Say whether Postgres, Redis and the migrations are there, each by name."""
    checks = {name: check() for name, check in CHECKS.items()}
    is_ready = all(result == "ok" for result in checks.values())
    status = "ready" if is_ready else "not ready"
    return JsonResponse({"status": status, **checks}, status=200 if is_ready else 503)


def check_postgres() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def check_redis() -> str:
    try:
        with redis_client() as client:
            client.ping()
    except redis.RedisError:
        return "unreachable"
    return "ok"


def check_migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "unknown"
    return f"{len(plan)} not applied" if plan else "ok"


CHECKS: dict[str, Callable[[], str]] = {
    "postgres": check_postgres,
    "redis": check_redis,
    "migrations": check_migrations,
}
