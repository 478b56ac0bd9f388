"""What the database itself refuses, whoever writes to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection

from tests.architecture.source import APPS

APPEND_ONLY = (
    "orgs_auditevent",
    "orgs_auditlink",
    "orgs_auditanchor",
    "usage_usagerecord",
    "billing_ledgertransaction",
    "billing_ledgerentry",
    "billing_invoice",
    "billing_invoiceline",
    "billing_invoicepayment",
)
WITHOUT_CHECK = {
    # Facts written once by the books from the gateway's own enumeration, never
    # read back into a decision: a check would cost each request and guard nothing.
    ("usage_usagerecord", "endpoint"),
    ("usage_usagerecord", "outcome"),
    ("usage_usagehour", "endpoint"),
    ("usage_timinghour", "endpoint"),
}


def columns_with_choices() -> Iterator[tuple[str, str]]:
    for model in apps.get_models():
        if model._meta.app_label in APPS:
            for field in model._meta.concrete_fields:
                if field.choices:
                    yield model._meta.db_table, field.attname


def checks_of(table: str) -> str:
    """Return the definitions of a table's check constraints, as one text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = %s::regclass AND contype = 'c'",
            [table],
        )
        return "\n".join(text for (text,) in cursor.fetchall())


@pytest.mark.django_db
def test_every_state_has_a_check_constraint() -> None:
    columns = set(columns_with_choices())
    unchecked = {
        (table, column)
        for table, column in columns
        if f"({column})" not in checks_of(table)
    }

    assert len(columns) > 8
    assert unchecked == WITHOUT_CHECK


def triggers_of(table: str) -> dict[str, str]:
    """Return the events that a table's enabled append-only triggers refuse."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger "
            "WHERE tgrelid = %s::regclass AND tgenabled IN ('O', 'A') "
            "AND tgfoid = 'refuse_change'::regproc",
            [table],
        )
        return dict(cursor.fetchall())


def partitions_of(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = %s::regclass",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.django_db
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_history_refuses_changes_in_the_table_and_in_its_partitions(table: str) -> None:
    for name in [table, *partitions_of(table)]:
        definitions = "".join(triggers_of(name).values())

        assert "BEFORE DELETE OR UPDATE OR TRUNCATE" in definitions, name


@pytest.mark.django_db
def test_usage_records_are_partitioned() -> None:
    assert len(partitions_of("usage_usagerecord")) >= 3
