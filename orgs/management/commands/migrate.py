"""Django's `migrate`, which also makes the roles and builds the walls."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from orgs.logins import application_password, as_owner
from orgs.walls.building import build_walls, walls_are_built
from orgs.walls.roles import RolesMissing, ensure_roles


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner():
            if settings.DATABASE_ROLES:
                self.make_roles(options["database"])
            super().handle(*args, **options)
            if settings.DATABASE_ROLES and not is_partial(options):
                self.build(options["database"])

    def make_roles(self, alias: str) -> None:
        database = connections[alias].settings_dict["NAME"]
        try:
            ensure_roles(database, password=application_password(database))
        except RolesMissing as error:
            raise CommandError(str(error)) from None

    def build(self, alias: str) -> None:
        database = connections[alias].settings_dict["NAME"]
        if not walls_are_built(database):
            build_walls(database)


def is_partial(options: dict[str, Any]) -> bool:
    """Say whether some migrations only are wanted, or none: a table may be missing."""
    return bool(options["app_label"] or options["plan"] or options["check_unapplied"])
