"""
The audit log's tables: events, their chain, and what tells of a chain cut short.

Events and links are append-only by trigger. A link is made by the database when the
event's transaction commits, see `orgs/migrations/0004_audit_links.py`.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q

from orgs.origin import Door

LONGEST_ACTION = 60
LONGEST_TARGET = 120


class AuditEvent(models.Model):
    """One change, written in the change's own transaction. Append-only by trigger."""

    event_uuid = models.UUIDField(
        unique=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    organization = models.ForeignKey(
        "orgs.Organization", null=True, on_delete=models.PROTECT, related_name="+"
    )
    actor = models.ForeignKey(
        "orgs.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    # `noun.verb`, OpenAI's name where it has one: api_key.created, invite.sent.
    action = models.CharField(max_length=LONGEST_ACTION)
    target = models.CharField(max_length=LONGEST_TARGET, blank=True)
    # What changed, without secrets: {"before": {...}, "after": {...}}.
    details = models.JSONField(default=dict)
    door = models.CharField(
        max_length=8,
        choices=Door.choices,
        default=Door.UNKNOWN,
        db_default=Door.UNKNOWN.value,
    )
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=200, blank=True, db_default="")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "-created_at"], name="audit_by_organization"
            ),
            models.Index(fields=["organization", "-id"], name="audit_newest_first"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(door__in=Door.values), name="audit_door_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"

    @property
    def public_id(self) -> str:
        return f"audit_{self.event_uuid.hex}"

    @staticmethod
    def uuid_from(public_id: str) -> uuid.UUID | None:
        """Return the id that an `audit_…` text carries, or None if it carries none."""
        try:
            return uuid.UUID(hex=public_id.removeprefix("audit_"))
        except ValueError:
            return None


class AuditLink(models.Model):
    """An event's place in the chain of its organization (none: the installation's)."""

    event = models.OneToOneField(
        AuditEvent, primary_key=True, on_delete=models.PROTECT, related_name="link"
    )
    organization = models.ForeignKey(
        "orgs.Organization", null=True, on_delete=models.PROTECT, related_name="+"
    )
    # From 1 on, without gaps.
    sequence = models.BigIntegerField()
    previous_hash = models.CharField(max_length=64, blank=True)
    # SHA-256 over place, previous hash and event: `orgs.audit_chain.link_hash`.
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "sequence"],
                name="audit_link_one_per_place",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.sequence}: {self.hash}"


class AuditChain(models.Model):
    """A chain's end, kept apart from its links: they alone would not miss the last."""

    organization = models.ForeignKey(
        "orgs.Organization", null=True, on_delete=models.PROTECT, related_name="+"
    )
    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                name="audit_chain_one_each",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.sequence}: {self.hash}"


class AuditAnchor(models.Model):
    """
    A chain's end at a moment, sealed with a key that the database does not have.

    Whoever can write to the database can compute a chain anew, and not a seal.
    """

    organization = models.ForeignKey(
        "orgs.Organization", null=True, on_delete=models.PROTECT, related_name="+"
    )
    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    taken_at = models.DateTimeField()
    seal = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "sequence"],
                name="audit_anchor_one_per_place",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.sequence}: {self.hash}"
