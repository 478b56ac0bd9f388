"""Prices for tests, which no installation could write so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def prices_not_kept() -> Iterator[None]:
    """Let prices be changed and taken away, which a trigger refuses."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")
        # The trigger that tells gateways was held off as well.
        cursor.execute("SELECT pg_notify('tokenhouse_gateways', 'billing_price')")
