"""`make run`: the whole installation on this machine, until Ctrl-C."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections
from django.utils import timezone

from billing.management import preparation
from billing.models import Price
from config import demo, listening, startup
from config.banner import banner
from config.servers.errors import StartError
from config.servers.lease import Lease, embedded_servers
from config.servers.locks import FileLock
from config.servers.places import Places
from config.supervisor import Child, GaveUp, StopRequest, Supervisor
from orgs import first_set_up

READY_WAIT_S = 60.0
READY_POLL_S = 0.3


class Command(BaseCommand):
    help = "Run everything on this machine: servers, web, Celery worker and beat."
    # The children check the same settings, in parallel, when they start.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stop_request = StopRequest()
        self.stop_request.listen()
        self.places = Places(settings.DATA_DIR)
        try:
            with (
                only_one(self.places),
                listening.bind(settings.BIND, settings.PORT) as listener,
                embedded_servers(settings.DATA_DIR, startup.embedded_names()) as leases,
            ):
                key = self.prepare_data()
                self.supervise(listener, leases, key)
        except OperationalError as error:
            raise CommandError(
                f"Postgres does not answer: {first_line(error)}"
            ) from error
        except GaveUp as error:
            raise CommandError(f"Stopped everything: {error}") from error
        except KeyboardInterrupt:
            pass
        self.say("Stopped.")

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def prepare_data(self) -> demo.DemoKey | None:
        """Migrate, price and seed what is missing; return the key to print."""
        if is_behind():
            self.say("Bringing the database up to date …")
            preparation.prepare_database()
        if demo.is_wanted() and not demo.exists():
            self.say("Making the demo's data, this first time …")
            demo.seed()
        key = demo.demo_key(
            file=settings.DATA_DIR / "demo.json",
            base_url=f"{settings.BASE_URL}/v1",
            now=timezone.now(),
        )
        self.set_up = first_set_up.set_up_address() if first_set_up.is_open() else None
        connections.close_all()
        return key

    def supervise(
        self,
        listener: socket.socket,
        leases: list[Lease],
        key: demo.DemoKey | None,
    ) -> None:
        log = self.places.log
        children = [
            Child("web", log / "web.log", listener=listener),
            Child("worker", log / "worker.log"),
            Child("beat", log / "beat.log"),
        ]
        announcer = Announcer(
            self,
            banner(
                base_url=settings.BASE_URL,
                log_dir=log,
                demo_key=key,
                set_up=self.set_up,
            ),
        )
        Supervisor(children, leases, stop_request=self.stop_request, say=self.say).run(
            each_tick=announcer.tick
        )


class Announcer:
    """Prints the banner once, as soon as the installation is ready."""

    def __init__(self, command: Command, text: str) -> None:
        self.command = command
        self.text = text
        self.is_done = False
        self.ask_at = 0.0
        self.complain_at = time.monotonic() + READY_WAIT_S

    def tick(self) -> None:
        now = time.monotonic()
        if self.is_done or now < self.ask_at:
            return
        self.ask_at = now + READY_POLL_S
        if listening.is_ready(settings.BIND, settings.PORT, host_header=host_header()):
            self.is_done = True
            self.command.say(self.text)
        elif now > self.complain_at:
            self.complain_at = now + READY_WAIT_S
            log = self.command.places.log
            self.command.say(f"Not ready yet; see the logs in {log}.")


@contextmanager
def only_one(places: Places) -> Iterator[None]:
    """Refuse to run twice on one data directory."""
    places.make()
    lock = FileLock(places.run / "run.lock")
    if not lock.try_exclusive():
        raise StartError(
            f"Tokenhouse already runs on DATA_DIR {places.data_dir}. "
            "Stop it first, or set another DATA_DIR and PORT."
        )
    try:
        yield
    finally:
        lock.release()


def is_behind() -> bool:
    """Return whether the database is of another release, or without prices."""
    return preparation.is_behind() or not Price.objects.exists()


def host_header() -> str:
    """Return a host name that the settings allow us to ask for."""
    allowed = settings.ALLOWED_HOSTS
    if "*" in allowed or "localhost" in allowed:
        return "localhost"
    return str(allowed[0]).lstrip(".")


def first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
