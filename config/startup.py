"""The start of every command: servers up, and errors in one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config import local_mode, safety
from config.servers.errors import StartError
from config.servers.lease import embedded_servers
from orgs.logins import log_in_as_application
from orgs.reach import EVERYBODYS

# These touch neither Postgres nor Redis, and `run` starts them itself.
NEEDS_NO_SERVER = frozenset(
    {
        *("", "help", "version", "run", "check", "diffsettings"),
        *("collectstatic", "findstatic", "makemessages", "compilemessages"),
        *("startapp", "startproject"),
    }
)
# About the tables themselves: these log in as their owner.
OF_OWNER = frozenset(
    {
        *("migrate", "makemigrations", "showmigrations", "sqlmigrate", "dbshell"),
        *("flush", "sqlflush", "inspectdb", "optimizemigration", "squashmigrations"),
    }
)
ASKS_FOR_HELP = frozenset({"-h", "--help", "--version"})
INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run the command named on the command line; return its exit status."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        with servers_for(arguments):
            from django.core.management import execute_from_command_line

            if command_of(arguments) not in OF_OWNER:
                log_in_as_application(EVERYBODYS)
            execute_from_command_line(list(arguments))
    except (ImproperlyConfigured, StartError) as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


@contextmanager
def servers_for(arguments: Sequence[str]) -> Iterator[None]:
    """Have the servers running that the command needs, as the settings say."""
    if ASKS_FOR_HELP & set(arguments):
        yield
        return
    if command_of(arguments) == "run" or local_mode.is_local():
        local_mode.prepare()
    refuse_malformed_settings()
    if command_of(arguments) != "check":  # which shows all of them, by number
        safety.refuse_unsafe()
    if needs_servers(arguments):
        with embedded_servers(settings.DATA_DIR, embedded_names()):
            yield
    else:
        yield


def refuse_malformed_settings() -> None:
    """Load the settings; raise StartError where a number is not one."""
    try:
        settings.DATA_DIR  # noqa: B018 - the first use loads them
    except (ValueError, ArithmeticError) as error:
        raise StartError(f"A setting is malformed: {error}.") from error


def needs_servers(arguments: Sequence[str]) -> bool:
    if command_of(arguments) == "check":
        return any(argument.startswith("--database") for argument in arguments)
    return command_of(arguments) not in NEEDS_NO_SERVER


def command_of(arguments: Sequence[str]) -> str:
    return arguments[1] if len(arguments) > 1 else ""


def embedded_names() -> list[str]:
    """Return the embedded servers that the settings ask for."""
    used = {
        "postgres": settings.USES_EMBEDDED_POSTGRES,
        "redis": settings.USES_EMBEDDED_REDIS,
    }
    return [name for name, is_used in used.items() if is_used]
