"""Two owners demote each other at once: one of them stays owner."""

from __future__ import annotations

import threading
from functools import partial

import pytest

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
    except LastOwner:
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


def test_control_without_the_lock_nobody_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_looked = threading.Barrier(2)
    look = members.refuse_last_owner

    def look_together(membership: Membership) -> None:
        look(membership)
        both_have_looked.wait(PATIENCE_S)

    monkeypatch.setattr(members, "lock_members_of", lambda _: None)
    monkeypatch.setattr(members, "refuse_last_owner", look_together)
    assert demote_each_other(*two_owners()) == [True, True]
    assert owners() == 0
