"""Make the demo, or take it away."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone

from billing.demo.bookings import DEFAULT_RECORDS
from billing.demo.removal import NotSuperuser, remove_demo
from billing.demo.seeding import seed_demo
from billing.demo.time import demo_time
from billing.management.preparation import prepare_database
from orgs.logins import as_owner
from usage.actions import roll_up
from usage.partitions import ensure_partitions

MONTHS_MAX = 24
RECORDS_MAX = 5_000_000
OFF = ("off", "0", "no", "false")


class Command(BaseCommand):
    help = (
        "Make demo organizations with months of believable usage, or remove them. "
        "Safe to repeat: a demo that is there is left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--months", type=int, default=3, help="of usage, up to now")
        parser.add_argument(
            "--records", type=int, default=DEFAULT_RECORDS, help="about so many"
        )
        parser.add_argument("--remove", action="store_true", help="take it all away")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            self.say(options, remove())
            return
        refuse_in_production()
        months, records = options["months"], options["records"]
        check_range("--months", months, MONTHS_MAX)
        check_range("--records", records, RECORDS_MAX)
        self.say(options, seed(months=months, records=records))

    def say(self, options: dict[str, Any], text: str) -> None:
        if options["verbosity"] > 0:
            self.stdout.write(text)


def refuse_in_production() -> None:
    if settings.IS_HTTPS:
        raise CommandError("BASE_URL is https: a production installation has no demo.")
    if os.environ.get("DEMO", "").lower() in OFF:
        raise CommandError("DEMO is off. Unset it to make the demo.")


def check_range(option: str, value: int, largest: int) -> None:
    if not 1 <= value <= largest:
        raise CommandError(f"{option} is a number from 1 to {largest}.")


def seed(*, months: int, records: int) -> str:
    now = timezone.now()
    prepare_database()
    time = demo_time(months=months, now=now)
    ensure_partitions(first=time.start.date(), last=time.end.date())
    booked = seed_demo(months=months, records=records, now=now)
    if booked is None:
        return "The demo is there already; nothing was changed."
    # On a busy installation the worker does it instead, in a moment.
    with suppress(OperationalError):
        roll_up(now=now)
    return f"Made the demo with {booked} usage records."


def remove() -> str:
    try:
        # Only a superuser takes from tables that are append-only.
        with as_owner():
            removed = remove_demo()
    except NotSuperuser:
        raise CommandError(
            "Usage and audit rows are append-only. Only a superuser of Postgres may "
            "remove them: connect as one by DATABASE_URL. Nothing was removed."
        ) from None
    return f"Removed {removed} demo organizations." if removed else "There is no demo."
