"""Which tables are an organization's, and what the catalog says of their references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection
from django.db.models import Field, ForeignKey, Model

from tests.architecture.source import APPS

ORGANIZATION = "organization_id"
# What carries the organization in a reference; a key's home is its organization.
CARRIERS = {ORGANIZATION, "api_key_home"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of the database."""

    name: str
    table: str
    columns: frozenset[str]
    target: str


def tenant_models() -> list[type[Model]]:
    """Return the models whose rows are of one organization."""
    return [
        model
        for model in apps.get_models()
        if model._meta.app_label in APPS
        and any(field.column == ORGANIZATION for field in columns_of(model))
    ]


def columns_of(model: type[Model]) -> list[Field]:  # type: ignore[type-arg]
    return list(model._meta.concrete_fields)


def tenant_links() -> Iterator[tuple[str, str, str]]:
    """Yield table, column and target of each foreign key between two such models."""
    tables = {model._meta.db_table for model in tenant_models()}
    for model in tenant_models():
        for field in columns_of(model):
            if isinstance(field, ForeignKey):
                target = field.related_model._meta.db_table
                if target in tables:
                    yield model._meta.db_table, field.column, target


def references() -> list[Reference]:
    """Return the foreign keys that carry the organization."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, conrelid::regclass::text, confrelid::regclass::text, "
            "array(SELECT attname::text FROM pg_attribute "
            "WHERE attrelid = conrelid AND attnum = ANY(conkey)) "
            "FROM pg_constraint WHERE contype = 'f' AND cardinality(conkey) > 1 "
            "AND conparentid = 0"
        )
        found = [
            Reference(name, table, frozenset(columns), target)
            for name, table, target, columns in cursor.fetchall()
        ]
    return [each for each in found if each.columns & CARRIERS]
