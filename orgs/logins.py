"""
Who a process logs in to Postgres as: the application, or the owner of the tables.

`DATABASE_URL` names the owner, who migrates. Console, gateway, worker and commands log
in as a role that owns nothing and, before it becomes another, may do nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, connections

from orgs.reach import AS_LOGIN, Reach, set_reach_of_process, within
from orgs.walls import names

# What differs between the two.
CREDENTIALS = ("USER", "PASSWORD")


def log_in_as_application(reach: Reach) -> None:
    """
    Let this process's connections be the application's; before there is any.

    `reach` holds where a request, task or command says nothing narrower.
    """
    if not settings.DATABASE_ROLES:
        return
    database = settings_of_database()
    database.setdefault("OWNER", {name: database[name] for name in CREDENTIALS})
    database["USER"] = names.role_name(database["NAME"], names.LOGIN)
    database["PASSWORD"] = application_password(database["NAME"])
    set_reach_of_process(reach)


@contextmanager
def as_owner() -> Iterator[None]:
    """Let this thread own the tables: for migrations, and for what only it may do."""
    database = settings_of_database()
    owner = database.get("OWNER")
    if owner is None:
        with within(AS_LOGIN):
            yield
        return
    application = {name: database[name] for name in CREDENTIALS}
    try:
        connection.close()
        database.update(owner)
        with within(AS_LOGIN):
            yield
    finally:
        connection.close()
        database.update(application)


def settings_of_database() -> dict[str, Any]:
    """Return the settings that all connections of this process read."""
    database: dict[str, Any] = connections.settings["default"]
    return database


def application_password(database: str) -> str:
    """Return the password of the application's login: as given, else derived."""
    if settings.DATABASE_APP_PASSWORD:
        return str(settings.DATABASE_APP_PASSWORD)
    text = f"login of the application in {database}".encode()
    return hmac.new(settings.KEY_PEPPER.encode(), text, hashlib.sha256).hexdigest()
