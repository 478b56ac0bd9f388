"""What an older gateway booked without parts is summed up; sound parts stay alone."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import connection

from billing.actions.scope_mending import mend_scope_budgets
from billing.models import BillingProfile
from billing.scope_models import ScopeBudget
from orgs.models import Organization
from tests.billing.books import book, hold_of, parts, settling

pytestmark = pytest.mark.django_db
SOUND = {("key", 5): (30, 100), ("member", 6): (30, 100)}


@pytest.fixture
def acme(acme: Organization) -> Organization:
    """Acme, where a key of a member spent 30 and holds 100."""
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc")
    first, second = (hold_of(acme, 100, api_key_id=5, user_id=6) for _ in range(2))
    book(first, second)
    book(settling(first, 30))
    assert parts(acme) == SOUND
    return acme


def test_parts_that_an_older_release_did_not_keep_are_summed_up(
    acme: Organization,
) -> None:
    ScopeBudget.objects.filter(scope="key").update(held_nanos=0)
    ScopeBudget.objects.filter(scope="member").delete()

    assert mend_scope_budgets() == 1
    assert parts(acme) == SOUND
    assert mend_scope_budgets() == 0


def test_what_nobody_spent_is_taken_out(
    acme: Organization,
) -> None:
    ScopeBudget.objects.filter(scope="key").update(subject_id=99)
    ScopeBudget.objects.update(spent_nanos=31)

    assert mend_scope_budgets() == 1
    assert parts(acme) == SOUND


def test_sound_parts_are_left_alone(
    acme: Organization,
) -> None:
    assert mend_scope_budgets() == 0


def test_the_migration_fills_the_parts_and_can_be_repeated(acme: Organization) -> None:
    ScopeBudget.objects.all().delete()
    fill = import_module("billing.migrations.0009_fill_scope_budgets")

    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute(fill.LOCK)
            cursor.execute(fill.FILL)
        assert parts(acme) == SOUND
