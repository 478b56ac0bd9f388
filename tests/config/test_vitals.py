"""The health page says what is wrong, and what to do about it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from billing.actions.upkeep import note_task, note_worker, prove_books
from billing.actions.usage_posting import post_usage
from billing.models import Budget, GatewayProcess, Hold
from billing.upkeep_models import Proof, Verification
from config.beat_table import BEAT_TABLE, QUEUE
from config.celery import app
from config.vitals import books, surroundings, work
from config.vitals.line import span
from config.work_queue import redis_client
from core.periods import cycle_of, next_cycle
from orgs.models import MailStatus, Organization, OutboxMail
from tests.factories import usd
from tests.usage_factories import add_record
from usage.actions import roll_up
from usage.partitions import partition_name

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def empty_queue() -> Iterator[None]:
    with redis_client() as client:
        client.delete(QUEUE)
        yield
        client.delete(QUEUE)


def work_on(now: datetime, *, began: timedelta) -> None:
    """Let a worker live that started some time ago."""
    note_worker(
        worker_id=uuid.uuid4(),
        host="north",
        pid=7,
        tasks=3,
        started_at=now - began,
        now=now,
    )


def do_all_work(at: datetime) -> None:
    for entry in BEAT_TABLE.values():
        note_task(task=entry["task"], error="", duration_ms=4, now=at)


def hold(organization: Organization, *, at: datetime, gateway: uuid.UUID) -> None:
    budget, _ = Budget.objects.get_or_create(
        organization=organization, cycle_start=cycle_of(at)
    )
    Hold.objects.create(
        event_id=uuid.uuid4(),
        organization=organization,
        api_key_id=1,
        budget_id=budget.pk,
        cycle_start=cycle_of(at),
        gateway_id=gateway,
        endpoint="responses",
        model="gpt-5",
        simulated=False,
        streamed=False,
        price_id=1,
        bound_nanos=usd(2),
        created_at=at,
    )


def open_gateway(now: datetime) -> uuid.UUID:
    gateway = GatewayProcess.objects.create(
        id=uuid.uuid4(), host="south", pid=8, started_at=now, beat_at=now
    )
    return gateway.pk


def mail(status: str, *, at: datetime) -> None:
    OutboxMail.objects.create(
        kind="invoice",
        recipient="ada@acme.example",
        subject="Invoice",
        body_text="Invoice",
        dedupe_key=f"{status}{at}",
        status=status,
        next_attempt_at=at,
        created_at=at,
    )


def test_without_a_worker_it_says_how_to_start_one(now: datetime) -> None:
    line = work.workers(now)

    assert line.facts == {"alive": 0}
    assert "celery -A config.celery worker" in line.advice


def test_a_worker_that_beats_is_alive_until_it_is_silent(now: datetime) -> None:
    work_on(now, began=timedelta(hours=3))

    assert work.workers(now).is_ok
    assert "3 tasks" in work.workers(now).details[0][1]
    assert not work.workers(now + timedelta(minutes=1)).is_ok


def test_a_task_that_nobody_takes_is_seen_by_its_age(
    now: datetime, empty_queue: None
) -> None:
    assert work.queue(now).facts == {"waiting": 0, "oldest_seconds": 0}

    app.send_task("usage.roll_up")
    app.send_task("usage.roll_up")
    later = work.queue(now + timedelta(minutes=5))

    assert work.queue(now).is_ok
    assert later.facts["waiting"] == 2
    assert "for 4 min" in later.says or "for 5 min" in later.says
    assert "start another" in later.advice


def test_without_redis_it_says_so(now: datetime, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert "Bring Redis back" in work.queue(now).advice


def test_work_that_is_done_in_time_is_well(now: datetime) -> None:
    work_on(now, began=timedelta(days=9))
    do_all_work(now)

    line = work.periodic_work(now)
    assert line.is_ok
    assert line.says == f"{len(BEAT_TABLE)} of {len(BEAT_TABLE)} in time."


def test_work_that_stays_away_is_late_by_its_own_measure(now: datetime) -> None:
    do_all_work(now - timedelta(minutes=5))

    line = work.periodic_work(now)
    assert "roll up usage records (late)" in line.advice
    assert "anchor the audit log" not in line.advice
    assert "make partitions" not in line.advice


def test_work_that_never_came_is_awaited_from_the_workers_start(now: datetime) -> None:
    work_on(now, began=timedelta(seconds=5))
    assert work.periodic_work(now).is_ok

    work_on(now, began=timedelta(hours=1))
    assert "roll up usage records (late)" in work.periodic_work(now).advice


def test_work_that_failed_is_named_with_its_error_until_it_succeeds(
    now: datetime,
) -> None:
    do_all_work(now)
    failed: dict[str, Any] = {"task": "usage.roll_up", "duration_ms": 1}
    note_task(**failed, error="ValueError", now=now + timedelta(seconds=1))
    line = work.periodic_work(now + timedelta(seconds=2))
    note_task(**failed, error="", now=now + timedelta(seconds=3))

    assert "roll up usage records (failed)" in line.advice
    assert "ValueError" in dict(line.details)["roll up usage records"]
    assert work.periodic_work(now + timedelta(seconds=3)).is_ok


def test_a_gateway_lives_while_it_beats(now: datetime) -> None:
    open_gateway(now)

    assert books.gateways(now).is_ok
    gone = books.gateways(now + timedelta(minutes=2))
    assert "the last beat was 2 min ago" in gone.says
    assert not gone.is_ok


def test_holds_are_told_by_age(now: datetime, acme: Organization) -> None:
    gateway = open_gateway(now)
    for minutes in (0, 5, 30):
        hold(acme, at=now - timedelta(minutes=minutes), gateway=gateway)
    line = books.holds(now)

    assert [each for _, each in line.details] == ["1, $2.00"] * 3 + ["0, $0.00"]
    assert line.facts["nanos"] == usd(6)
    assert "longer than any answer" in line.advice


def test_a_hold_of_a_gateway_that_is_gone_is_an_orphan(
    now: datetime, acme: Organization
) -> None:
    hold(acme, at=now - timedelta(minutes=2), gateway=uuid.uuid4())
    line = books.holds(now)

    assert line.facts["orphaned"] == 1
    assert line.facts["orphaned_nanos"] == usd(2)
    assert "should have been charged" in line.advice


def test_sums_that_nobody_adds_to_are_old(now: datetime, acme: Organization) -> None:
    add_record(acme, at=now, cost_nanos=5)
    late = timezone.now() + timedelta(minutes=2)

    assert books.rollups(late).facts["lag_records"] == 1
    assert "a worker running" in books.rollups(late).advice
    roll_up(now=late)
    assert books.rollups(late).is_ok
    assert books.rollups(late).facts["lag_records"] == 0


def test_records_that_nobody_posts_are_told(now: datetime, acme: Organization) -> None:
    add_record(acme, at=now, cost_nanos=5)
    roll_up(now=timezone.now())
    late = timezone.now() + timedelta(minutes=6)

    assert books.posting(late).facts["lag_records"] == 1
    assert "billing.post_usage" in books.posting(late).advice
    post_usage(now=timezone.now())
    assert books.posting(late).is_ok


def test_a_model_without_a_price_is_named_with_its_volume(
    now: datetime, acme: Organization
) -> None:
    assert books.unpriced(now).is_ok
    used: dict[str, Any] = {"at": now, "cost_nanos": 0}
    add_record(acme, model="house-special", input_tokens=90, output_tokens=3, **used)
    add_record(acme, model="omni-moderation", endpoint="moderations", **used)

    line = books.unpriced(now)
    assert line.facts == {"models": 1, "requests": 1}
    assert "house-special" in line.advice
    assert line.details == [("house-special", "1 request, 93 tokens")]


def test_a_partition_that_is_missing_is_told(now: datetime) -> None:
    assert books.partitions(now).is_ok
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {partition_name(next_cycle(cycle_of(now)))}")
    assert "next month has none" in books.partitions(now).advice

    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {partition_name(cycle_of(now))}")
    assert "default partition" in books.partitions(now).advice


def test_mails_that_were_given_up_or_wait_long_are_told(now: datetime) -> None:
    mail(MailStatus.QUEUED, at=now)
    assert surroundings.mail(now).is_ok
    assert "no worker sends" in surroundings.mail(now + timedelta(hours=1)).advice

    mail(MailStatus.FAILED, at=now)
    assert surroundings.mail(now).facts["failed"] == 1
    assert "send them again" in surroundings.mail(now).advice


def test_what_a_proof_found_stays_to_be_seen(now: datetime, acme: Organization) -> None:
    prove_books(now=now)
    assert books.proof_of_books(now).is_ok

    Budget.objects.create(
        organization=acme, cycle_start=cycle_of(now), spent_nanos=usd(1)
    )
    prove_books(now=now + timedelta(hours=1))
    line = books.proof_of_books(now + timedelta(hours=1))

    assert "verify_ledger" in line.advice
    assert any("I2 spent" in text for _, text in line.details)


def test_a_proof_that_does_not_come_is_missed(
    now: datetime, settings: Settings
) -> None:
    assert books.proof_of_audit(now).is_ok
    Verification.objects.create(
        proof=Proof.AUDIT,
        started_at=now,
        finished_at=now,
        checked=9,
        wrong=0,
    )
    later = now + timedelta(days=3)
    assert "verify_audit" in books.proof_of_audit(later).advice

    settings.NIGHTLY_PROOFS = False
    assert books.proof_of_audit(later).is_ok


def test_results_are_kept_for_a_season(now: datetime) -> None:
    for days in (0, 50, 100):
        prove_books(now=now + timedelta(days=days))

    assert Verification.objects.count() == 2


def test_the_database_is_measured(now: datetime) -> None:
    found = surroundings.disk(now).facts["database_bytes"]
    assert isinstance(found, int)
    assert found > 1_000_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (90, "1 min"), (7200, "2 h"), (200_000, "2 days")],
)
def test_a_time_is_told_in_one_unit(seconds: float, text: str) -> None:
    assert span(seconds) == text
