"""Audit events belong to their change, and stay."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from orgs import audit
from orgs.models import AuditEvent, Organization, User
from tests.factories import NOW


def record(organization: Organization | None, actor: User | None) -> None:
    audit.record(organization=organization, actor=actor, action="test.made", now=NOW)


def undone_change(organization: Organization, actor: User) -> None:
    with transaction.atomic():
        record(organization, actor)
        raise RuntimeError("undo")


@pytest.mark.django_db
def test_an_audit_event_goes_with_its_change(acme: Organization, ada: User) -> None:
    with pytest.raises(RuntimeError, match="undo"):
        undone_change(acme, ada)
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    ["UPDATE orgs_auditevent SET action = 'x'", "DELETE FROM orgs_auditevent"],
)
def test_audit_events_stay_as_they_are(
    acme: Organization, ada: User, change: str
) -> None:
    record(acme, ada)
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)
    assert AuditEvent.objects.get().action == "test.made"


def test_an_audit_event_needs_a_transaction() -> None:
    with pytest.raises(AssertionError, match="transaction"):
        record(None, None)
