"""A Celery worker that dies in the middle of its work: the next turn does it, once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.db.models import Sum
from django.utils import timezone
from pytest_django import Settings

from billing.actions.alerts import evaluate_limits
from billing.actions.kept_answers import forget_kept_answers
from billing.actions.scope_mending import mend_scope_budgets
from billing.actions.sweep import charge_orphaned_holds
from billing.models import Alert, BillingProfile, Hold, KeptAnswer, SoftLimit
from billing.scope_models import ScopeBudget
from config.celery import app
from config.children import PARENT_VARIABLE
from core.periods import cycle_interval, cycle_of, next_cycle
from orgs.models import MailStatus, Organization, OutboxMail
from orgs.outbox import send_due_mail
from tests import rig
from tests.billing.books import book, held, hold_of, parts, settling
from tests.billing.test_kept_answers import keep
from tests.faults.matrix.conftest import Links, wait_for
from tests.faults.points import RECORD_ROW
from tests.smtp_sink import mail_server
from tests.usage.test_partitions import rows_in
from tests.usage_factories import add_record
from usage.actions import roll_up
from usage.models import UsageHour, UsageRecord
from usage.partitions import ensure_coming_partitions, exists, partition_name

pytestmark = pytest.mark.processes


@pytest.fixture
def acme_spends(priced: Organization) -> Organization:
    """Acme with billing information, so that credit does not bind."""
    BillingProfile.objects.create(organization=priced, legal_name="Acme Inc")
    return priced


@contextlib.contextmanager
def worker(
    folder: Path, links: Links, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a real worker, whose Postgres is behind a proxy."""
    database = links.settings()["DATABASE_URL"]
    settings = {
        "DATABASE_URL": database,
        "REDIS_URL": os.environ["REDIS_URL"],
        "SWEEP_INTERVAL_S": "0.1",
        PARENT_VARIABLE: str(os.getpid()),
        **more,
    }
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.children", "worker"],
            cwd=rig.CHECKOUT,
            env=os.environ | settings,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a worker and its own children as a crash of the host does."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def kill_within(
    task: str,
    pattern: bytes,
    folder: Path,
    links: Links,
    *,
    at_start: bool = False,
    **settings: str,
) -> None:
    """
    Have a worker begin a task and die once Postgres has carried `pattern` out.

    What it does at its start (`at_start`) it is not asked for.
    """
    trap = links.postgres.set_trap(pattern, answers=0)
    with worker(folder, links, **settings) as process:
        if not at_start:
            app.send_task(task, expires=60)
        wait_for(trap)
        kill(process)
        trap.drop()


def test_a_sweep_that_died_is_undone_and_done_by_the_next(
    acme_spends: Organization, links: Links, tmp_path: Path
) -> None:
    hold = held(acme_spends, 100)

    kill_within("billing.sweep_orphaned_holds", RECORD_ROW, tmp_path, links)
    assert (Hold.objects.count(), UsageRecord.objects.count()) == (1, 0)
    rig.wait_until(lambda: charge_orphaned_holds(dead_after_s=0.1) == 1)

    (record,) = UsageRecord.objects.all()
    assert (record.event_id, record.kind) == (hold.event_id, "estimated")
    assert charge_orphaned_holds(dead_after_s=0.1) == 0


def test_a_roll_up_that_died_adds_nothing_twice(
    acme_spends: Organization, links: Links, tmp_path: Path
) -> None:
    book(settling(held(acme_spends, 100), 70))

    kill_within("usage.roll_up", b"usage_usagehour", tmp_path, links)
    assert not UsageHour.objects.exists()
    rig.wait_until(lambda: rolled_up_nanos() == 70)

    roll_up(now=timezone.now())
    assert UsageHour.objects.aggregate(n=Sum("cost_nanos"))["n"] == 70


def rolled_up_nanos() -> int:
    roll_up(now=timezone.now())
    return UsageHour.objects.aggregate(n=Sum("cost_nanos"))["n"] or 0


def test_a_mail_whose_worker_died_is_sent_by_the_next(
    committed_db: None, links: Links, tmp_path: Path
) -> None:
    now = timezone.now()
    mail = OutboxMail.objects.create(
        kind="test",
        recipient="ada@acme.example",
        subject="Hello",
        body_text="Hello",
        dedupe_key="hello",
        next_attempt_at=now,
        created_at=now,
    )
    kill_within("orgs.send_outbox", b'UPDATE "orgs_outboxmail"', tmp_path, links)
    mail.refresh_from_db()
    assert mail.status == MailStatus.QUEUED

    rig.wait_until(lambda: send_due_mail(now=timezone.now()) == 1)
    assert send_due_mail(now=timezone.now()) == 0


def test_an_alert_whose_worker_died_is_written_once_by_the_next(
    acme_spends: Organization, links: Links, tmp_path: Path
) -> None:
    now = timezone.now()
    SoftLimit.objects.create(organization=acme_spends, amount_nanos=50, created_at=now)
    book(settling(held(acme_spends, 100), 70))

    kill_within(
        "billing.evaluate_limits", b"INSERT INTO billing_alert", tmp_path, links
    )
    assert not Alert.objects.exists()
    rig.wait_until(lambda: evaluate_limits(now=timezone.now()) == 1)

    assert evaluate_limits(now=timezone.now()) == 0
    mails = OutboxMail.objects.values_list("recipient", flat=True)
    assert list(mails) == ["ada@acme.example"]


def test_an_owner_has_one_mail_of_an_event_whose_worker_died_after_sending_it(
    acme_spends: Organization, links: Links, tmp_path: Path, settings: Settings
) -> None:
    """The mail server has it twice, under one id: whoever reads it is shown one."""
    now = timezone.now()
    SoftLimit.objects.create(organization=acme_spends, amount_nanos=50, created_at=now)
    book(settling(held(acme_spends, 100), 70))
    evaluate_limits(now=now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    with mail_server() as sink:
        settings.EMAIL_PORT = sink.port
        kill_within(
            "orgs.send_outbox",
            b'UPDATE "orgs_outboxmail"',
            tmp_path,
            links,
            EMAIL_URL=f"smtp://127.0.0.1:{sink.port}",
        )
        rig.wait_until(lambda: send_due_mail(now=timezone.now()) == 1)
        assert evaluate_limits(now=timezone.now()) == 0
        assert send_due_mail(now=timezone.now()) == 0

        assert sink.recipients == ["ada@acme.example"] * 2
        assert len({message["Message-ID"] for message in sink.messages}) == 1


def test_a_split_of_partitions_whose_worker_died_is_whole(
    acme_spends: Organization, links: Links, tmp_path: Path
) -> None:
    month = next_cycle(next_cycle(cycle_of(timezone.now())))
    partition = partition_name(month)
    run_sql(f"DROP TABLE {partition}")
    record = add_record(acme_spends, at=cycle_interval(month).start, cost_nanos=7)

    kill_within(
        "usage.make_partitions",
        b"make_usage_partition",
        tmp_path,
        links,
        at_start=True,
    )
    # One call, which Postgres carries out or not.
    rig.wait_until(lambda: has_partition(partition), what="it is never made")

    assert rows_in(partition) == 1
    assert UsageRecord.objects.get().sequence == record.sequence


def has_partition(name: str) -> bool:
    """Try as the next turn does; it gives way while the dead worker's lock lasts."""
    with contextlib.suppress(OperationalError):
        ensure_coming_partitions(now=timezone.now())
    return exists(name)


def run_sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_answers_whose_forgetting_died_are_forgotten_by_the_next(
    committed_db: None, acme: Organization, links: Links, tmp_path: Path
) -> None:
    keep(acme, hours=-24 * 400)

    kill_within(
        "billing.forget_kept_answers",
        b'DELETE FROM "billing_keptanswer"',
        tmp_path,
        links,
    )
    assert KeptAnswer.objects.count() == 1
    rig.wait_until(lambda: forget_kept_answers(now=timezone.now()) == 1)
    assert not KeptAnswer.objects.exists()


def test_parts_whose_mending_died_are_mended_by_the_next(
    acme_spends: Organization, links: Links, tmp_path: Path
) -> None:
    hold = hold_of(acme_spends, 100, api_key_id=5, user_id=6)
    book(hold)
    book(settling(hold, 30))
    sound = parts(acme_spends)
    ScopeBudget.objects.update(spent_nanos=31)

    kill_within(
        "billing.sweep_orphaned_holds", b"UPDATE billing_scopebudget", tmp_path, links
    )
    assert set(ScopeBudget.objects.values_list("spent_nanos", flat=True)) == {31}
    rig.wait_until(lambda: mend_scope_budgets() == 1)

    assert (parts(acme_spends), mend_scope_budgets()) == (sound, 0)
