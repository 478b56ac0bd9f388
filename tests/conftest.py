"""The cast and the database.

Ada owns Acme and Acme Staging; Rita reads both; Oscar owns Globex only; Op operates.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.test.utils import setup_databases, teardown_databases
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker, Settings

from orgs.models import Environment, Organization, Role, User
from tests import answered, factories

# That a busy machine is slow says nothing about a test.
hypothesis_settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("patient")

DEADLOCKS_MAX = 10
BOOKED = "billing_hold, billing_budget, usage_usagerecord"
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition AND relname NOT IN (
        'django_migrations', 'django_content_type', 'auth_permission'
    )
"""
RESTART_NUMBERS = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
"""


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
        # Also holds off the triggers that refuse it.
        cursor.execute("SET session_replication_role = replica")
        empty_tables()
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("INSERT INTO usage_rollupwatermark VALUES (1, 0, now())")
        # The triggers that tell gateways were held off as well.
        cursor.execute("SELECT pg_notify('tokenhouse_gateways', 'all')")
    cache.clear()


def empty_tables() -> None:
    """
    Empty the tables that hold something while running gateways use them.

    To truncate all of them takes ten times as long.
    """
    for _ in range(DEADLOCKS_MAX):
        with (
            contextlib.suppress(OperationalError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            # Whoever books is waited for, and books nothing in between.
            cursor.execute(f"LOCK TABLE {BOOKED} IN ACCESS EXCLUSIVE MODE")
            for table in filled_tables():
                cursor.execute(f'DELETE FROM "{table}"')
            cursor.execute(RESTART_NUMBERS)
            return
    raise AssertionError("the tables cannot be emptied")


def filled_tables() -> list[str]:
    """Return the tables that have rows; a table of partitions stands for them."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        names = [name for (name,) in cursor.fetchall()]
        looks = ", ".join(f'EXISTS (SELECT FROM "{name}")' for name in names)
        cursor.execute(f"SELECT {looks}")
        return [name for name, has in zip(names, cursor.fetchone(), strict=True) if has]


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
