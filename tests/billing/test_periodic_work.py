"""Worker and beat do the periodic work, whatever goes away meanwhile."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError
from django.utils import timezone

from billing.models import (
    BillingProfile,
    Budget,
    PeriodicWork,
    SoftLimit,
    WorkerProcess,
)
from config.beat_table import BEAT_TABLE
from config.celery import app
from core.outages import postponed_without_database
from core.periods import cycle_of
from orgs.models import MailStatus, Organization, OutboxMail
from tests import rig
from tests.factories import usd
from tests.smtp_sink import Sink, mail_server
from tests.usage_factories import add_record
from usage.models import RollupWatermark, UsageHour


@contextmanager
def worker_and_beat(folder: Path, sink: Sink) -> Iterator[Path]:
    """Run a real worker with beat on this test's database; yield its log."""
    log, schedule = folder / "worker.log", folder / "schedule"
    environment = {
        **os.environ,
        "DATABASE_URL": rig.test_database_url(),
        "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
    }
    command = ["-m", "celery", "-A", "config.celery", "worker", "--beat"]
    options = ["--concurrency=2", "--loglevel=INFO", f"--schedule={schedule}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command, *options],
            cwd=rig.CHECKOUT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(20)


def is_rolled_up() -> bool:
    return UsageHour.objects.exists()


def is_sent() -> bool:
    return OutboxMail.objects.filter(status=MailStatus.SENT).exists()


def has_noted_its_work() -> bool:
    """Say whether the worker told that it lives, and how a task went."""
    is_there = WorkerProcess.objects.filter(tasks__gt=0).exists()
    rolled_up = PeriodicWork.objects.filter(task="usage.roll_up")
    return is_there and rolled_up.filter(succeeded_at__isnull=False).exists()


@pytest.mark.processes
def test_a_charge_becomes_a_rollup_and_a_mail_by_itself(
    committed_db: None, acme: Organization, tmp_path: Path
) -> None:
    now = timezone.now()
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc.")
    SoftLimit.objects.create(organization=acme, amount_nanos=usd(3))
    Budget.objects.create(
        organization=acme, cycle_start=cycle_of(now), spent_nanos=usd(4)
    )
    add_record(acme, at=now, cost_nanos=usd(4))
    with mail_server() as sink, worker_and_beat(tmp_path, sink) as log:
        rig.wait_until(is_rolled_up, deadline_s=120, what=log.read_text())
        rig.wait_until(is_sent, deadline_s=120, what="no mail was sent")
        told_at = RollupWatermark.objects.get().as_of
        rig.wait_until(lambda: RollupWatermark.objects.get().as_of > told_at)
        rig.wait_until(has_noted_its_work, what="the worker noted nothing")
    assert sink.recipients == ["ada@acme.example"]
    assert UsageHour.objects.get().cost_nanos == usd(4)
    assert not WorkerProcess.objects.exists(), "it did not sign off"


def test_every_entry_of_the_beat_table_is_a_task() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in BEAT_TABLE.values()} <= set(app.tasks)


def test_messages_expire_so_that_they_do_not_pile_up() -> None:
    for entry in BEAT_TABLE.values():
        assert entry["options"]["expires"] > 0


def test_a_task_takes_what_a_newer_release_sends_along() -> None:
    app.loader.import_default_modules()
    for entry in BEAT_TABLE.values():
        parameters = inspect.signature(app.tasks[entry["task"]].run).parameters
        assert any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def test_work_gives_way_when_the_database_is_away(
    committed_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    @postponed_without_database
    def reach_for_the_database() -> None:
        raise OperationalError("connection failed\nwith details")

    reach_for_the_database()
    assert "work.postponed work=reach_for_the_database" in caplog.text
    assert "with details" not in caplog.text


def test_other_failures_are_not_hidden() -> None:
    @postponed_without_database
    def fail() -> None:
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        fail()
