"""Addresses of the embedded Postgres and Redis of a data directory."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import quote, urlsplit

# A Unix socket path holds at most 107 bytes; Postgres adds its own file name.
LONGEST_SOCKET_DIR = 80


def socket_dir(data_dir: Path) -> Path:
    """Return where the servers' sockets lie: in `data_dir` if its path is short."""
    inside = data_dir / "run"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_DIR:
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    # Not TMPDIR: every process must find the same folder.
    return Path("/tmp") / f"tokenhouse-{os.getuid()}-{digest}"  # noqa: S108


def database_url(data_dir: Path) -> str:
    """Return the URL of the embedded Postgres."""
    host = quote(str(socket_dir(data_dir)), safe="")
    return f"postgres://tokenhouse@{host}/tokenhouse"


def redis_url(data_dir: Path) -> str:
    """Return the URL of the embedded Redis, as redis-py writes it."""
    return f"unix://{quote(str(socket_dir(data_dir)))}/redis.sock?db=0"


def celery_url(redis_url: str) -> str:
    """Translate a redis-py URL into Celery's dialect; others stay as they are."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    query = parts.query.replace("db=", "virtual_host=")
    return f"redis+socket://{parts.path}?{query}"
