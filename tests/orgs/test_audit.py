"""Audit events belong to their change, and stay."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from keys.secrets import make_key
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


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["secret", "Password", "token_digest", "ciphertext"])
def test_details_may_not_have_a_field_for_a_secret(name: str) -> None:
    with pytest.raises(AssertionError, match="must not hold"):
        audit.record(
            organization=None,
            actor=None,
            action="test.made",
            details={"after": [{name: "x"}]},
            now=NOW,
        )
    assert not AuditEvent.objects.exists()


SECRETS = [
    make_key(kind="service", environment="staging").text,
    "sk-proj-0123456789abcdefghij",
    "Bearer abcdefghijkl",
    "https://ada:hunter2@provider.example/v1",
]


@pytest.mark.django_db
@pytest.mark.parametrize("secret", SECRETS, ids=["ours", "theirs", "header", "URL"])
def test_a_secret_that_somebody_typed_as_a_name_is_taken_out(secret: str) -> None:
    audit.record(
        organization=None,
        actor=None,
        action="test.made",
        target=secret,
        details={"after": {"name": f"my {secret}", "masked": "th-service-abc-…wxyz"}},
        now=NOW,
    )
    event = AuditEvent.objects.get()
    assert audit.REMOVED in event.details["after"]["name"]
    assert audit.REMOVED in event.target
    assert event.details["after"]["masked"] == "th-service-abc-…wxyz"
    assert secret not in f"{event.target} {event.details}"


@pytest.mark.django_db
def test_an_event_is_no_archive() -> None:
    details = {"after": "x" * audit.DETAILS_LONGEST}
    with pytest.raises(AssertionError):
        audit.record(
            organization=None, actor=None, action="test.made", details=details, now=NOW
        )
