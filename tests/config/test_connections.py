"""Visits to pages leave no connections to Postgres behind."""

from __future__ import annotations

import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from tests import rig

pytestmark = pytest.mark.processes

AT_ONCE, VISITS = 8, 80


def connections_of_pages() -> int:
    """Return how many others are connected to this database, gateways left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND application_name <> 'tokenhouse-gateway'"
        )
        return int(cursor.fetchone()[0])


def test_a_busy_console_keeps_no_connection(committed_db: None, tmp_path: Path) -> None:
    with rig.gateway(tmp_path) as process:
        before = connections_of_pages()

        def visit(_: int) -> None:
            urllib.request.urlopen(f"{process.url}/readyz", timeout=10).close()  # noqa: S310

        with ThreadPoolExecutor(AT_ONCE) as visitors:
            list(visitors.map(visit, range(VISITS)))

        rig.wait_until(
            lambda: connections_of_pages() <= before,
            deadline_s=5,
            what="the console keeps connections that it does not use",
        )
