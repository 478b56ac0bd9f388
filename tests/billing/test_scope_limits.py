"""Owners set and remove limits of keys and members."""

from __future__ import annotations

import pytest

from billing.actions.scope_limits import (
    NotOfOrganization,
    set_default_limit,
    set_key_limit,
    set_member_limit,
)
from billing.models import SpendLimits
from billing.scope_models import Scope, ScopeLimit
from orgs.actions.members import remove_member
from orgs.models import AuditEvent, Membership, Organization, User
from tests.concurrency.threads import all_at_once
from tests.factories import NOW, usd
from tests.usage_factories import make_key


def limit_key(
    acme: Organization, ada: User, amount: int | None, **given: object
) -> None:
    set_key_limit(
        organization=acme,
        api_key=given.get("key") or make_key("laptop", user=ada),  # type: ignore[arg-type]
        amount_nanos=amount,
        acting_user=ada,
        now=NOW,
    )


def limit_member(acme: Organization, user: User, amount: int | None) -> None:
    set_member_limit(
        organization=acme, user=user, amount_nanos=amount, acting_user=user, now=NOW
    )


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action__endswith="_limit.updated"))


@pytest.mark.django_db
def test_it_sets_a_keys_limit_and_records_who_did(
    acme: Organization, ada: User
) -> None:
    key = make_key("laptop", user=ada)
    limit_key(acme, ada, usd(5), key=key)

    row = ScopeLimit.objects.get()
    assert (row.scope, row.subject_id, row.amount_nanos) == ("key", key.pk, usd(5))
    (event,) = events()
    assert (event.action, event.target) == ("key_limit.updated", key.public_id)
    assert event.actor == ada
    assert event.details == {
        "before": {"amount_nanos": None},
        "after": {"amount_nanos": usd(5)},
    }


@pytest.mark.django_db
def test_it_changes_and_removes_a_members_limit(acme: Organization, ada: User) -> None:
    for amount in (usd(5), usd(7), None):
        limit_member(acme, ada, amount)

    assert not ScopeLimit.objects.exists()
    changes = [event.details["after"]["amount_nanos"] for event in events()]
    assert changes == [usd(5), usd(7), None]


@pytest.mark.django_db
@pytest.mark.parametrize("amount", [usd(5), None])
def test_the_same_again_records_nothing(
    acme: Organization, ada: User, amount: int | None
) -> None:
    limit_member(acme, ada, amount)
    before = len(events())
    limit_member(acme, ada, amount)

    assert len(events()) == before


@pytest.mark.django_db
def test_keys_of_strangers_are_refused(
    acme: Organization, globex: Organization, ada: User, oscar: User
) -> None:
    staging = make_key("of staging", user=ada)
    staging.environment = "staging"
    staging.save(update_fields=["environment"])
    strange = [make_key("his", user=oscar), make_key("theirs", organization=globex)]
    for key in (*strange, staging):
        with pytest.raises(NotOfOrganization):
            limit_key(acme, ada, usd(5), key=key)

    assert not ScopeLimit.objects.exists()
    assert events() == []


@pytest.mark.django_db
def test_people_outside_are_refused(acme: Organization, oscar: User) -> None:
    with pytest.raises(NotOfOrganization):
        limit_member(acme, oscar, usd(5))

    assert not ScopeLimit.objects.exists()
    assert events() == []


def test_two_who_set_the_first_limit_at_once_leave_one(
    committed_db: None, acme: Organization, ada: User
) -> None:
    all_at_once([lambda n=n: limit_member(acme, ada, n) for n in range(1, 5)])  # type: ignore[misc]

    assert ScopeLimit.objects.get().amount_nanos in range(1, 5)
    assert len(events()) == 4


def test_a_member_who_goes_while_a_limit_comes_leaves_none(
    committed_db: None, acme: Organization, rita: User
) -> None:
    membership = Membership.objects.get(user=rita)

    def limit() -> None:
        try:
            limit_member(acme, rita, usd(5))
        except NotOfOrganization:
            return

    def remove() -> None:
        remove_member(membership=membership, acting_user=None, now=NOW)

    all_at_once([limit, remove])

    assert not ScopeLimit.objects.filter(scope=Scope.MEMBER).exists()
    assert not Membership.objects.filter(user=rita).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("scope", list(Scope))
def test_a_default_is_set_once_and_records_who_did(
    acme: Organization, ada: User, scope: Scope
) -> None:
    for amount in (usd(5), usd(5), None):
        set_default_limit(
            organization=acme,
            scope=scope,
            amount_nanos=amount,
            acting_user=ada,
            now=NOW,
        )

    name = f"{scope}_default_nanos"
    first, second = AuditEvent.objects.order_by("pk")
    assert first.action == second.action == f"{scope}_limit_default.updated"
    assert first.details == {"before": {name: None}, "after": {name: usd(5)}}
    assert second.details == {"before": {name: usd(5)}, "after": {name: None}}
    assert getattr(SpendLimits.objects.get(), name) is None
