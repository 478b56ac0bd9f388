"""Tell people that far more is spent than usual: once for each subject and day."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from billing.actions.announcing import announce
from billing.alert_models import AlertSettings
from billing.models import Alert, AlertKind
from billing.unusual import Hours, Sensitivity, Unusual, find_unusual
from billing.unusual_queries import (
    costs_of_keys,
    costs_of_organization,
    organizations_spending,
)
from core.periods import cycle_of
from core.zones import zone_called
from orgs import audit
from orgs.models import Organization, User

logger = logging.getLogger(__name__)

OF_THE_ORGANIZATION = 0
# Keys of one organization that are told of in one run.
KEYS_MAX = 20


def evaluate_spend(*, now: datetime) -> int:
    """
    Write an alert for each organization or key that spends unusually, and tell of it.

    Returns how many were written. Safe to repeat and to run many times at once. What
    fails for one organization does not keep the others from theirs.

    :raises ExceptionGroup: of what failed, once all others are told.
    """
    told, failures = 0, list[Exception]()
    for organization in organizations_spending(now):
        try:
            told += tell_of_unusual(organization, now=now)
        except (OperationalError, InterfaceError):
            # The database is away or busy: for all of them.
            raise
        except Exception as error:
            logger.exception("unusual_spend_not_told organization=%d", organization.pk)
            failures.append(error)
    if failures:
        raise ExceptionGroup("unusual spend was not told", failures)
    return told


@transaction.atomic
def tell_of_unusual(organization: Organization, *, now: datetime) -> int:
    """
    Write an organization's alerts of unusual spend, and tell of them.

    Of a day on which the organization as a whole is unusual, its keys are in that mail
    and have none of their own.
    """
    settings = alert_settings_of(organization)
    if settings.unusual_spend == Sensitivity.OFF:
        return 0
    written = []
    for subject_id, costs in subjects(organization, settings, now=now):
        found = find_unusual(
            costs,
            zone_name=organization.time_zone,
            sensitivity=Sensitivity(settings.unusual_spend),
            floor_nanos=settings.unusual_floor_nanos,
            now=now,
        )
        if found is None:
            continue
        alert = alert_of(organization, subject_id, found, now=now)
        if alert is not None:
            written.append(alert)
        if subject_id == OF_THE_ORGANIZATION or len(written) >= KEYS_MAX:
            break
    announce(organization, written, now=now)
    return len(written)


def subjects(
    organization: Organization, settings: AlertSettings, *, now: datetime
) -> Iterator[tuple[int, Hours]]:
    """Yield the organization, and then its keys, each with what its hours cost."""
    yield OF_THE_ORGANIZATION, costs_of_organization(organization, now=now)
    yield from costs_of_keys(
        organization, least_nanos=settings.unusual_floor_nanos, now=now
    )


def alert_of(
    organization: Organization, subject_id: int, found: Unusual, *, now: datetime
) -> Alert | None:
    """Write the alert; None if one of the subject and day was written before."""
    began_at = found.stretch.begins
    alert, is_new = Alert.objects.get_or_create(
        organization=organization,
        kind=AlertKind.UNUSUAL_SPEND,
        subject_id=subject_id,
        happened_on=began_at.astimezone(zone_called(organization.time_zone)).date(),
        defaults={
            "cycle_start": cycle_of(began_at),
            "limit_nanos": found.usual_nanos,
            "spent_nanos": found.nanos,
            "began_at": began_at,
            "is_day": found.stretch.is_day,
            "created_at": now,
        },
    )
    return alert if is_new else None


def alert_settings_of(organization: Organization) -> AlertSettings:
    """Return the settings in force; the defaults where none were saved."""
    found = AlertSettings.objects.filter(organization=organization).first()
    return found or AlertSettings(organization=organization)


@transaction.atomic
def set_unusual_spend(
    *,
    organization: Organization,
    sensitivity: Sensitivity,
    floor_nanos: int,
    acting_user: User,
    now: datetime,
) -> None:
    """
    Set how unusual spend must be to be told, and by how much more it must be at least.

    Counts from now on. Safe to repeat: the same again changes and records nothing.
    """
    AlertSettings.objects.get_or_create(organization=organization)
    settings = AlertSettings.objects.select_for_update(no_key=True).get(
        organization=organization
    )
    before = {
        "unusual_spend": settings.unusual_spend,
        "unusual_floor_nanos": settings.unusual_floor_nanos,
    }
    after = {
        "unusual_spend": sensitivity.value,
        "unusual_floor_nanos": floor_nanos,
    }
    if before == after:
        return
    settings.unusual_spend, settings.unusual_floor_nanos = sensitivity, floor_nanos
    settings.updated_at, settings.updated_by = now, acting_user
    settings.save(
        update_fields=[
            *("unusual_spend", "unusual_floor_nanos"),
            *("updated_at", "updated_by"),
        ]
    )
    audit.record(
        organization=organization,
        actor=acting_user,
        action="alert_settings.updated",
        target=organization.public_id,
        details={"before": before, "after": after},
        now=now,
    )
