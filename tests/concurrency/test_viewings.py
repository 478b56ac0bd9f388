"""An operator who begins to view at several places at once views at one."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import IntegrityError

from orgs.actions import begin_viewing, end_viewing
from orgs.models import AuditEvent, Organization, User, Viewing, ViewingEnd
from orgs.viewing_models import LONGEST_VIEWING
from tests.concurrency.threads import PATIENCE_S, all_at_once
from tests.factories import NOW

pytestmark = pytest.mark.usefixtures("committed_db")

REASON = "Ticket 4711: spend"


def begin(organization: Organization, op: User) -> str:
    viewing = begin_viewing(
        organization=organization, reason=REASON, acting_user=op, now=NOW
    )
    return viewing.public_id


def test_of_many_begun_at_once_one_stays(
    acme: Organization, globex: Organization, op: User
) -> None:
    both = (acme, globex, acme, globex)

    all_at_once([partial(begin, each, op) for each in both])

    assert Viewing.objects.filter(ended_at=None).count() == 1
    assert Viewing.objects.filter(ended_by=ViewingEnd.REPLACED).count() == 3
    assert AuditEvent.objects.filter(action="viewing.began").count() == 4
    assert AuditEvent.objects.filter(action="viewing.ended").count() == 3


def test_control_looking_first_is_not_enough(acme: Organization, op: User) -> None:
    looked = threading.Barrier(2)

    def look_and_begin() -> bool:
        assert not Viewing.objects.filter(operator=op, ended_at=None).exists()
        looked.wait(PATIENCE_S)
        try:
            Viewing.objects.create(
                organization=acme,
                operator=op,
                reason=REASON,
                began_at=NOW,
                ends_at=NOW + LONGEST_VIEWING,
            )
        except IntegrityError:
            return False
        return True

    assert sorted(all_at_once([look_and_begin] * 2)) == [False, True]


def test_stopped_many_times_at_once_it_ends_once(acme: Organization, op: User) -> None:
    stop = partial(
        end_viewing,
        public_id=begin(acme, op),
        ended_by=ViewingEnd.STOPPED,
        acting_user=op,
        now=NOW,
    )

    all_at_once([stop] * 4)

    assert AuditEvent.objects.filter(action="viewing.ended").count() == 1
