"""The cast and the database.

Ada owns Acme and Acme Staging; Rita reads both; Oscar owns Globex only; Op operates.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test.utils import setup_databases, teardown_databases
from pytest_django import DjangoDbBlocker, Settings

from orgs.models import Environment, Organization, Role, User
from tests import answered, factories

DEADLOCKS_MAX = 10


@pytest.fixture(autouse=True)
def _accounts_are_settled() -> Iterator[None]:
    """Look into the accounts only once what was answered is settled."""
    with connection.execute_wrapper(answered.settled_first):
        yield
    answered.forget()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """
    The test database, whichever tests are chosen.

    Pytest-django's own makes none for `committed_db` alone, which would then empty
    the database that the settings name.
    """
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=0, interactive=False, aliases={"default": None}
        )
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture
def committed_db(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """
    A database whose commits other processes and threads see, emptied afterwards.

    Django's own flush is of no use here: append-only tables refuse it.
    """
    with django_db_blocker.unblock():
        empty_database()
        yield
        empty_database()
        connection.close()


def empty_database() -> None:
    """Empty every table but the migrations', and put back what migrations insert."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename NOT IN ('django_migrations', 'django_content_type', "
            "'auth_permission')"
        )
        tables = ", ".join(f'"{name}"' for (name,) in cursor.fetchall())
        # Also holds off the triggers that refuse it.
        cursor.execute("SET session_replication_role = replica")
        truncate(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("INSERT INTO usage_rollupwatermark VALUES (1, 0, now())")
        # The triggers that tell gateways were held off as well.
        cursor.execute("SELECT pg_notify('tokenhouse_gateways', 'all')")
    cache.clear()


def truncate(statement: str) -> None:
    """Empty tables that running gateways read meanwhile, in an order of their own."""
    for _ in range(DEADLOCKS_MAX):
        with contextlib.suppress(OperationalError), connection.cursor() as cursor:
            cursor.execute(statement)
            return
    raise AssertionError("the tables cannot be emptied")


@pytest.fixture
def acme(ada: User) -> Organization:
    """Acme, of production, owned by Ada."""
    organization = factories.make_organization("Acme")
    factories.join(ada, organization, Role.OWNER)
    return organization


@pytest.fixture
def acme_staging(ada: User, acme: Organization) -> Organization:
    """Acme Staging, Acme's pair, on the sandbox, owned by Ada."""
    staging = factories.make_organization(
        "Acme Staging", environment=Environment.STAGING
    )
    factories.join(ada, staging, Role.OWNER)
    for one, other in ((acme, staging), (staging, acme)):
        one.sibling = other
        one.save(update_fields=["sibling"])
    return staging


@pytest.fixture
def globex(oscar: User) -> Organization:
    """Globex, of production, owned by Oscar."""
    organization = factories.make_organization("Globex")
    factories.join(oscar, organization, Role.OWNER)
    return organization


@pytest.fixture
def ada() -> User:
    return factories.make_user("ada@acme.example", name="Ada Moss")


@pytest.fixture
def rita(acme: Organization) -> User:
    """Rita, a reader of Acme."""
    user = factories.make_user("rita@acme.example", name="Rita Vale")
    factories.join(user, acme, Role.READER)
    return user


@pytest.fixture
def oscar() -> User:
    return factories.make_user("oscar@globex.example", name="Oscar Hale")


@pytest.fixture
def op() -> User:
    return factories.make_user("op@tokenhouse.example", name="Op", is_staff=True)
