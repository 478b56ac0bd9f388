"""Note what workers do, and what the proofs of the books and the audit log find."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from billing.upkeep_models import (
    LONGEST_NAME,
    PeriodicWork,
    Proof,
    Verification,
    WorkerProcess,
)
from billing.verification.report import verify
from orgs.audit_verification import verify_audit

# A worker that was silent for so long is none any more.
FORGOTTEN_AFTER = timedelta(days=1)
VERIFICATIONS_KEPT_FOR = timedelta(days=90)
EXAMPLES_MAX = 20


def note_worker(
    *,
    worker_id: uuid.UUID,
    host: str,
    pid: int,
    tasks: int,
    started_at: datetime,
    now: datetime,
) -> None:
    """Note that a worker lives, and forget those that were silent for a day."""
    row = WorkerProcess(
        id=worker_id,
        host=host[:LONGEST_NAME],
        pid=pid,
        tasks=tasks,
        started_at=started_at,
        beat_at=now,
    )
    WorkerProcess.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["tasks", "beat_at"],
    )
    WorkerProcess.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).delete()


def forget_worker(*, worker_id: uuid.UUID) -> None:
    """Note that a worker ended as it should."""
    WorkerProcess.objects.filter(pk=worker_id).delete()


def note_task(*, task: str, error: str, duration_ms: int, now: datetime) -> None:
    """Note how a periodic task went; an empty `error` says that it succeeded."""
    ended = "failed_at" if error else "succeeded_at"
    row = PeriodicWork(
        task=task, error=error[:LONGEST_NAME], duration_ms=duration_ms, **{ended: now}
    )
    PeriodicWork.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["task"],
        update_fields=[ended, "duration_ms", *(["error"] if error else [])],
    )


def prove_books(*, now: datetime) -> Verification:
    """Recompute every invariant of the books, and keep what was found."""
    began = time.monotonic()
    findings = verify(sweep_interval_s=settings.SWEEP_INTERVAL_S)
    broken = [finding for finding in findings if not finding.holds]
    examples = [
        f"{finding.name}: {text}"
        for finding in broken
        for text in (finding.examples or (f"{finding.differences} wrong",))
    ]
    return keep_verification(
        proof=Proof.LEDGER,
        checked=len(findings),
        wrong=len(broken),
        examples=examples,
        began=began,
        now=now,
    )


def prove_audit(*, now: datetime) -> Verification:
    """Recompute the chains of the audit log, and keep what was found."""
    began = time.monotonic()
    verdict = verify_audit(seal_key=settings.KEY_PEPPER)
    return keep_verification(
        proof=Proof.AUDIT,
        checked=verdict.events,
        wrong=sum(verdict.counts.values()),
        examples=[
            f"{each.kind} {each.chain}: {each.text}" for each in verdict.problems
        ],
        began=began,
        now=now,
    )


def keep_verification(
    *,
    proof: Proof,
    checked: int,
    wrong: int,
    examples: Sequence[str],
    began: float,
    now: datetime,
) -> Verification:
    """Keep a result for 90 days; `began` is what the monotonic clock said at `now`."""
    Verification.objects.filter(finished_at__lt=now - VERIFICATIONS_KEPT_FOR).delete()
    return Verification.objects.create(
        proof=proof,
        started_at=now,
        finished_at=now + timedelta(seconds=time.monotonic() - began),
        checked=checked,
        wrong=wrong,
        examples=list(examples[:EXAMPLES_MAX]),
    )
