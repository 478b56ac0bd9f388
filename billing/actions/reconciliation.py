"""Compare the books with what providers say that they billed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from billing.reconciliation_models import (
    LONGEST_ERROR,
    Reconciliation,
    ReconciliationRow,
    ReconciliationStatus,
)
from billing.reconciliation_queries import booked_between
from billing.reconciling import Tolerance, compare
from core.money import NANOS_PER_CENT
from keys.encryption import CannotDecrypt
from keys.models import ProviderAdminKey
from keys.provider_bill import Bill, NotTold, read_bill
from keys.queries import admin_key_of, open_admin_key
from orgs import audit
from orgs.models import Organization, User

EVERY = timedelta(days=1)
KEPT_FOR = timedelta(days=90)
# A provider's figures of a day still come in for so long.
PROVISIONAL_DAYS = 3
# The most days that one comparison asks for.
DAYS_MAX = 31
KEY_DOES_NOT_OPEN = "The admin key does not open: its encryption key is missing."
NO_KEY = "The organization has no admin key of its provider any more."


class NoAdminKey(Exception):
    """The organization has no key by which its provider could be asked."""


@transaction.atomic
def request_reconciliation(
    *,
    organization: Organization,
    first_day: date,
    last_day: date,
    acting_user: User,
    now: datetime,
) -> Reconciliation:
    """
    Let a worker compare some days now, unless a comparison waits already.

    :raises NoAdminKey: if the provider cannot be asked.
    """
    assert timedelta(0) <= last_day - first_day < timedelta(days=DAYS_MAX)
    if admin_key_of(organization) is None:
        raise NoAdminKey
    run, is_new = Reconciliation.objects.get_or_create(
        organization=organization,
        status=ReconciliationStatus.WAITING,
        defaults={
            "first_day": first_day,
            "last_day": last_day,
            "requested_by": acting_user,
            "requested_at": now,
        },
    )
    if is_new:
        audit.record(
            organization=organization,
            actor=acting_user,
            action="reconciliation.requested",
            target=run.public_id,
            details={"first_day": str(first_day), "last_day": str(last_day)},
            now=now,
        )
    return run


def request_due_reconciliations(*, now: datetime) -> int:
    """
    Ask for the comparisons that are due, one a day for each key; return how many.

    Safe to repeat and to run twice at once.
    """
    recent = Reconciliation.objects.filter(
        organization=OuterRef("organization"), requested_at__gt=now - EVERY
    )
    due = ProviderAdminKey.objects.filter(~Exists(recent))
    today = now.date()
    first_day = today - timedelta(days=settings.RECONCILIATION_DAYS - 1)
    runs = [
        Reconciliation(
            organization_id=key.organization_id,
            first_day=first_day,
            last_day=today,
            requested_at=now,
        )
        for key in due
    ]
    # One that waits already is enough.
    Reconciliation.objects.bulk_create(runs, ignore_conflicts=True)
    return len(runs)


def forget_old_reconciliations(*, now: datetime) -> None:
    Reconciliation.objects.filter(finished_at__lt=now - KEPT_FOR).delete()


@transaction.atomic
def carry_out_next(*, now: datetime) -> Reconciliation | None:
    """
    Carry out the comparison that waits longest; None if none does.

    The provider is asked while the row is locked, so that a worker that dies leaves it
    waiting. What the provider does not tell is kept as an error, not as a difference.
    """
    run = (
        Reconciliation.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(status=ReconciliationStatus.WAITING)
        .select_related("organization")
        .order_by("requested_at", "pk")
        .first()
    )
    if run is None:
        return None
    try:
        bill = bill_for(run)
    except NotTold as error:
        run.status = ReconciliationStatus.FAILED
        run.error = str(error)[:LONGEST_ERROR]
    else:
        run.status = ReconciliationStatus.SUCCEEDED
        note_rows(run, bill, now=now)
    run.finished_at = now
    run.save()
    return run


def bill_for(run: Reconciliation) -> Bill:
    """Ask the provider, and note whom. Raises NotTold."""
    key = admin_key_of(run.organization)
    if key is None:
        raise NotTold(NO_KEY)
    run.base_url, run.project_id = key.base_url, key.project_id
    try:
        access = open_admin_key(key)
    except CannotDecrypt:
        raise NotTold(KEY_DOES_NOT_OPEN) from None
    return read_bill(
        access,
        first_day=run.first_day,
        last_day=run.last_day,
        allowed_networks=settings.PROVIDER_ALLOWED_NETWORKS,
    )


def note_rows(run: Reconciliation, bill: Bill, *, now: datetime) -> None:
    """Compare, and keep what came of it with the tolerance that decided."""
    run.tolerance_nanos = settings.RECONCILIATION_TOLERANCE_CENTS * NANOS_PER_CENT
    run.tolerance_percent = settings.RECONCILIATION_TOLERANCE_PERCENT
    rows = compare(
        booked=booked_between(run.organization, run.first_day, run.last_day),
        costs=[each for each in bill.costs if is_asked_for(run, each.day)],
        counts=[each for each in bill.counts if is_asked_for(run, each.day)],
        tolerance=Tolerance(run.tolerance_nanos, run.tolerance_percent),
    )
    provisional_from = now.date() - timedelta(days=PROVISIONAL_DAYS - 1)
    ReconciliationRow.objects.bulk_create(
        ReconciliationRow(
            reconciliation=run,
            organization=run.organization,
            day=row.day,
            model=row.model,
            verdict=row.verdict,
            ours_nanos=row.ours_nanos,
            theirs_nanos=row.theirs_nanos,
            ours_requests=row.ours_requests,
            ours_estimated=row.ours_estimated,
            theirs_requests=row.theirs_requests,
            ours_tokens=row.ours_tokens,
            theirs_tokens=row.theirs_tokens,
            is_provisional=row.day >= provisional_from,
            line_items=row.line_items,
        )
        for row in rows
    )


def is_asked_for(run: Reconciliation, day: date) -> bool:
    """Say whether a day is one of the run's; providers may tell of more."""
    return run.first_day <= day <= run.last_day
