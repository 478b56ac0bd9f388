"""What set-up commands do first, so that scripts need no other step."""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from billing.actions.price_seeding import seed_prices


def prepare_database() -> None:
    """Bring the tables up to date and fill the price list. Safe to repeat."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)
    seed_prices(now=timezone.now())
