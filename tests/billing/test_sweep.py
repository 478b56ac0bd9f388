"""Holds of gateways that are gone are charged, however long that is ago."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.actions.sweep import charge_orphaned_holds
from billing.models import BillingProfile, Hold
from orgs.models import Organization
from tests.billing.books import amounts, held, records

pytestmark = pytest.mark.django_db


def test_a_hold_of_last_month_is_charged_once_a_worker_is_back(
    acme: Organization,
) -> None:
    BillingProfile.objects.create(organization=acme)
    held(acme, 100)
    Hold.objects.update(created_at=timezone.now() - timedelta(days=40))

    assert charge_orphaned_holds(dead_after_s=15) == 1

    assert amounts(acme) == (100, 0)
    # As long as a record can say that something took.
    assert records(acme)[0].latency_ms == 2**31 - 1
