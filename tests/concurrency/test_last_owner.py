"""Two owners demote each other at once: one of them stays owner."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest
from django.db import IntegrityError, connection

from orgs.actions import LastOwner, change_role, members
from orgs.models import Membership, Organization, Role, User
from tests.concurrency.threads import PATIENCE_S, all_at_once
from tests.factories import NOW, join, make_organization, make_user

pytestmark = pytest.mark.usefixtures("committed_db")


def two_owners() -> tuple[Organization, list[User]]:
    organization = make_organization("Acme")
    users = [make_user("ada@acme.example"), make_user("rita@acme.example")]
    for user in users:
        join(user, organization, Role.OWNER)
    return organization, users


def demote(organization: Organization, user: User, acting_user: User) -> bool:
    """Make an owner a reader and say whether that was done."""
    membership = Membership.objects.get(organization=organization, user=user)
    try:
        change_role(
            membership=membership, role=Role.READER, acting_user=acting_user, now=NOW
        )
    except (LastOwner, IntegrityError):
        return False
    return True


def demote_each_other(organization: Organization, users: list[User]) -> list[bool]:
    ada, rita = users
    return all_at_once(
        [
            partial(demote, organization, ada, rita),
            partial(demote, organization, rita, ada),
        ]
    )


def owners() -> int:
    return Membership.objects.filter(role=Role.OWNER).count()


def test_one_owner_stays() -> None:
    done = demote_each_other(*two_owners())
    assert sorted(done) == [False, True]
    assert owners() == 1


def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_looked = threading.Barrier(2)
    look = members.refuse_last_owner

    def look_together(membership: Membership) -> None:
        look(membership)
        both_have_looked.wait(PATIENCE_S)

    monkeypatch.setattr(members, "lock_members_of", lambda _: None)
    monkeypatch.setattr(members, "refuse_last_owner", look_together)


def test_without_the_lock_the_database_keeps_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_the_lock(monkeypatch)
    done = demote_each_other(*two_owners())
    assert sorted(done) == [False, True]
    assert owners() == 1


@pytest.fixture
def _no_trigger(committed_db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orgs_membership DISABLE TRIGGER an_owner_changes")
        yield
        cursor.execute("ALTER TABLE orgs_membership ENABLE TRIGGER an_owner_changes")


@pytest.mark.usefixtures("_no_trigger")
def test_control_without_lock_and_trigger_nobody_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_the_lock(monkeypatch)
    assert demote_each_other(*two_owners()) == [True, True]
    assert owners() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM orgs_membership",
        "UPDATE orgs_membership SET role = 'reader'",
    ],
)
def test_whatever_writes_the_last_owner_stays(statement: str) -> None:
    two_owners()
    with (
        pytest.raises(IntegrityError, match="needs an owner"),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert owners() == 2


def test_an_organization_that_goes_takes_its_owners_along() -> None:
    two_owners()
    Organization.objects.all().delete()
    assert owners() == 0
