"""The audit log: one row per change, in the change's own transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from orgs.models import AuditEvent, Organization, User


def record(
    *,
    organization: Organization | None,
    actor: User | None,
    action: str,
    target: str = "",
    details: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """
    Add an audit event. Without an actor it is the installation's own doing.

    Must run inside the transaction of the change that it tells of.
    """
    assert connection.in_atomic_block, "an audit event belongs to a transaction"
    AuditEvent.objects.create(
        organization=organization,
        actor=actor,
        action=action,
        target=target,
        details=details or {},
        created_at=now,
    )
