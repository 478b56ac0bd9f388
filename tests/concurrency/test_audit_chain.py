"""However many change things at once, each chain is one line; nobody deadlocks."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import pytest
from django.conf import settings
from django.db import connection, transaction

from orgs import audit
from orgs.audit_verification import verify_audit
from orgs.locks import lock_members_of
from orgs.models import AuditLink, Organization
from tests.concurrency.threads import PATIENCE_S, all_at_once, meanwhile, somebody_waits
from tests.factories import NOW
from tests.rig import wait_until

pytestmark = pytest.mark.usefixtures("committed_db")
WRITERS, EVENTS_EACH = 8, 5


def record(organization: Organization | None) -> None:
    audit.record(organization=organization, actor=None, action="test.made", now=NOW)


def write(organizations: list[Organization | None]) -> None:
    for _ in range(EVENTS_EACH):
        with transaction.atomic():
            for organization in organizations:
                record(organization)


def sequences(organization: Organization | None) -> list[int]:
    links = AuditLink.objects.filter(organization=organization).order_by("sequence")
    return list(links.values_list("sequence", flat=True))


def test_writers_at_once_make_one_line(acme: Organization) -> None:
    all_at_once([partial(write, [acme])] * WRITERS)
    assert sequences(acme) == list(range(1, WRITERS * EVENTS_EACH + 1))
    assert verify_audit(seal_key=settings.KEY_PEPPER).holds


def test_writers_of_several_chains_in_any_order_do_not_deadlock(
    acme: Organization, globex: Organization
) -> None:
    orders = [[acme, globex, None], [None, globex, acme], [globex, None, acme]]
    all_at_once([partial(write, order) for order in orders * 2])
    total = len(orders) * 2 * EVENTS_EACH
    for chain in (acme, globex, None):
        assert sequences(chain) == list(range(1, total + 1))


def lock_then_record(organization: Organization) -> None:
    with transaction.atomic():
        lock_members_of(organization)
        record(organization)


def test_an_event_locks_nothing_until_its_commit(acme: Organization) -> None:
    """Or who records first and locks then would wait for one who locked first."""
    with transaction.atomic():
        record(acme)
        with meanwhile(partial(lock_then_record, acme)) as other:
            other.result(PATIENCE_S)
        lock_members_of(acme)
    assert sequences(acme) == [1, 2]


def test_control_with_the_chain_taken_early_the_other_waits(acme: Organization) -> None:
    with ExitStack() as stack:
        with transaction.atomic():
            record(acme)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS audit_link IMMEDIATE")
            work = partial(lock_then_record, acme)
            other = stack.enter_context(meanwhile(work))
            wait_until(somebody_waits)
            assert not other.done()
        other.result(PATIENCE_S)
    assert sequences(acme) == [1, 2]
