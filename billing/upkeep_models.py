"""What the installation notes of itself: its workers, its periodic work, its proofs."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

LONGEST_NAME = 120


class WorkerProcess(models.Model):
    """A worker that lives or lived; it says so every few seconds."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    host = models.CharField(max_length=LONGEST_NAME)
    pid = models.PositiveIntegerField()
    # How many tasks it took on since it started.
    tasks = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "worker processes"

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class PeriodicWork(models.Model):
    """How a task of the beat table went last; a row for each."""

    task = models.CharField(max_length=LONGEST_NAME, primary_key=True)
    succeeded_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    # The name of what it raised; empty if it never failed.
    error = models.CharField(max_length=LONGEST_NAME, blank=True, default="")
    duration_ms = models.PositiveBigIntegerField()

    class Meta:
        verbose_name_plural = "periodic work"
        constraints = [
            models.CheckConstraint(
                condition=Q(succeeded_at__isnull=False) | Q(failed_at__isnull=False),
                name="periodic_work_ended",
            )
        ]

    def __str__(self) -> str:
        return self.task


class Proof(models.TextChoices):
    """What is recomputed as a whole."""

    LEDGER = "ledger", "The books"
    AUDIT = "audit", "The audit log"


class Verification(models.Model):
    """What a recomputation found: nothing wrong, or what. Written once."""

    proof = models.CharField(max_length=8, choices=Proof.choices)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    checked = models.PositiveBigIntegerField()
    wrong = models.PositiveBigIntegerField()
    # For a person who looks for the cause: a few lines.
    examples = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(proof__in=Proof.values), name="verification_proof_known"
            )
        ]
        indexes = [
            models.Index(fields=["proof", "-finished_at"], name="verification_newest")
        ]

    def __str__(self) -> str:
        return f"{self.proof}: {self.wrong} wrong of {self.checked}"
