"""What set-up commands do first, so that scripts need no other step."""

from __future__ import annotations

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from billing.actions.price_seeding import seed_prices
from orgs.logins import as_owner
from orgs.walls.building import walls_are_built


def prepare_database() -> None:
    """Bring the tables up to date and fill the price list. Safe to repeat."""
    if is_behind():
        call_command("migrate", interactive=False, verbosity=0)
    seed_prices(now=timezone.now())


def is_behind() -> bool:
    """Say whether tables or walls are not those of this release."""
    with as_owner():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return True
        database = connection.settings_dict["NAME"]
        return bool(settings.DATABASE_ROLES) and not walls_are_built(database)
