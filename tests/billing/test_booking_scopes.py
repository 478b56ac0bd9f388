"""What each key and member spends is kept, and limited where an owner says so."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from billing.actions.scope_limits import (
    set_default_limit,
    set_key_limit,
    set_member_limit,
)
from billing.limits import Binding
from billing.models import BillingProfile
from billing.scope_models import Scope, ScopeBudget
from keys.models import ApiKey
from orgs.models import Environment, Membership, Organization, Role, User
from tests import factories
from tests.billing.books import (
    Item,
    amounts,
    book,
    hold_of,
    limit,
    open_holds,
    parts,
    settling,
    sweeping,
)
from tests.factories import NOW
from tests.usage_factories import make_key

pytestmark = pytest.mark.django_db
OTHER = 999_999


@pytest.fixture
def acme(acme: Organization) -> Organization:
    """Acme with billing information, so that credit does not bind."""
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc")
    return acme


@pytest.fixture
def laptop(ada: User) -> ApiKey:
    return make_key("laptop", user=ada)


@pytest.fixture(params=["alone", "in a batch"])
def company(request: pytest.FixtureRequest, globex: Organization) -> list[Item]:
    """What is booked in the same transaction: nothing, or a stranger's hold."""
    if request.param == "alone":
        return []
    BillingProfile.objects.create(organization=globex, legal_name="Globex")
    return [hold_of(globex, 1, api_key_id=OTHER)]


def limit_key(organization: Organization, key: ApiKey, nanos: int | None) -> None:
    set_key_limit(
        organization=organization,
        api_key=key,
        amount_nanos=nanos,
        acting_user=None,
        now=NOW,
    )


def limit_member(organization: Organization, user: User, nanos: int | None) -> None:
    set_member_limit(
        organization=organization,
        user=user,
        amount_nanos=nanos,
        acting_user=None,
        now=NOW,
    )


def test_a_hold_counts_for_its_key_and_its_member(
    acme: Organization, company: list[Item]
) -> None:
    book(hold_of(acme, 100, api_key_id=5, user_id=6), *company)

    assert parts(acme) == {("key", 5): (0, 100), ("member", 6): (0, 100)}


def test_a_service_key_is_of_no_member(acme: Organization, company: list[Item]) -> None:
    book(hold_of(acme, 100, api_key_id=5), *company)

    assert parts(acme) == {("key", 5): (0, 100)}


def test_a_settlement_moves_the_parts_from_held_to_spent(
    acme: Organization, company: list[Item]
) -> None:
    hold = hold_of(acme, 100, api_key_id=5, user_id=6)
    book(hold)

    book(settling(hold, 30), *company)

    assert parts(acme) == {("key", 5): (30, 0), ("member", 6): (30, 0)}


def test_a_release_takes_the_parts_back(
    acme: Organization, company: list[Item]
) -> None:
    hold = hold_of(acme, 100, api_key_id=5, user_id=6)
    book(hold)

    book(hold.as_release(), *company)

    assert parts(acme) == {}


def test_a_sweep_and_its_correction_change_the_parts(acme: Organization) -> None:
    hold = hold_of(acme, 100, api_key_id=5, user_id=6)
    book(hold)

    book(sweeping(hold))
    assert parts(acme) == {("key", 5): (100, 0), ("member", 6): (100, 0)}
    book(settling(hold, 30))

    assert parts(acme) == {("key", 5): (30, 0), ("member", 6): (30, 0)}


def test_a_settlement_without_any_trace_counts_for_its_key(
    acme: Organization, company: list[Item]
) -> None:
    book(settling(hold_of(acme, 100, api_key_id=5), 30), *company)

    assert parts(acme) == {("key", 5): (30, 0)}


def test_a_cost_above_a_bound_of_nothing_counts_for_its_key(
    acme: Organization, company: list[Item]
) -> None:
    hold = hold_of(acme, 0, api_key_id=5)
    book(hold)

    booked = book(settling(hold, 30), *company)

    assert parts(acme) == {("key", 5): (30, 0)}
    assert booked.bound_violations == [hold.event_id]


def test_a_cost_within_the_bound_is_no_violation(
    acme: Organization, company: list[Item]
) -> None:
    hold = hold_of(acme, 30, api_key_id=5)
    book(hold)

    assert book(settling(hold, 30), *company).bound_violations == []


def test_the_parts_begin_anew_in_each_cycle(acme: Organization) -> None:
    for at in (
        datetime(2026, 10, 31, 23, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
    ):
        book(hold_of(acme, 100, api_key_id=5, at=at))

    cycles = ScopeBudget.objects.order_by("cycle_start").values_list("cycle_start")
    assert list(cycles) == [(date(2026, 10, 1),), (date(2026, 11, 1),)]


def test_a_key_is_refused_beyond_its_limit(
    acme: Organization, laptop: ApiKey, company: list[Item]
) -> None:
    limit(acme, 1000)
    limit_key(acme, laptop, 100)
    book(hold_of(acme, 70, api_key_id=laptop.pk))
    late = hold_of(acme, 31, api_key_id=laptop.pk)

    refusal = book(late, *company).refusals[late.event_id]

    assert (refusal.binding, refusal.scope_name) == (Binding.KEY_LIMIT, "laptop")
    assert (refusal.limit_nanos, refusal.held_nanos) == (100, 70)
    assert refusal.left_nanos == 30
    assert amounts(acme) == (0, 70)
    assert late.event_id not in open_holds(acme)


def test_a_key_can_spend_its_limit_to_the_last_nano_dollar(
    acme: Organization, laptop: ApiKey, company: list[Item]
) -> None:
    limit_key(acme, laptop, 100)
    book(hold_of(acme, 70, api_key_id=laptop.pk))

    assert book(hold_of(acme, 30, api_key_id=laptop.pk), *company).refusals == {}


def test_a_limited_key_takes_nothing_from_other_keys(
    acme: Organization, laptop: ApiKey, company: list[Item]
) -> None:
    limit_key(acme, laptop, 0)

    assert book(hold_of(acme, 100, api_key_id=OTHER), *company).refusals == {}


def test_a_member_is_limited_over_all_their_keys(
    acme: Organization, ada: User, company: list[Item]
) -> None:
    limit_member(acme, ada, 100)
    book(hold_of(acme, 70, api_key_id=5, user_id=ada.pk))
    late = hold_of(acme, 31, api_key_id=7, user_id=ada.pk)

    refusal = book(late, *company).refusals[late.event_id]

    assert (refusal.binding, refusal.scope_name) == (Binding.MEMBER_LIMIT, "Ada Moss")
    assert amounts(acme) == (0, 70)


def test_what_was_spent_before_a_limit_was_set_counts(
    acme: Organization, laptop: ApiKey, company: list[Item]
) -> None:
    before = hold_of(acme, 70, api_key_id=laptop.pk)
    book(before)
    book(settling(before, 60))

    limit_key(acme, laptop, 100)
    late = hold_of(acme, 41, api_key_id=laptop.pk)

    assert book(late, *company).refusals[late.event_id].spent_nanos == 60


def test_a_batch_is_decided_against_what_it_holds_itself(
    acme: Organization, laptop: ApiKey
) -> None:
    limit_key(acme, laptop, 100)
    asked = [hold_of(acme, bound, api_key_id=laptop.pk) for bound in (60, 50, 40)]

    refusals = book(*asked).refusals

    assert list(refusals) == [asked[1].event_id]
    assert parts(acme) == {("key", laptop.pk): (0, 100)}


def test_what_costs_nothing_passes_whatever_the_key_spent(
    acme: Organization, laptop: ApiKey, company: list[Item]
) -> None:
    limit_key(acme, laptop, 0)

    assert book(hold_of(acme, 0, api_key_id=laptop.pk), *company).refusals == {}


def test_what_nobody_can_bound_is_refused_to_a_limited_key(
    acme: Organization, laptop: ApiKey
) -> None:
    limit_key(acme, laptop, 10**15)
    hold = hold_of(acme, None, api_key_id=laptop.pk)

    assert hold.event_id in book(hold).refusals


def test_a_limit_of_a_personal_key_is_of_one_organization(
    acme: Organization, ada: User, laptop: ApiKey
) -> None:
    other = factories.make_organization("Other", environment=Environment.PRODUCTION)
    BillingProfile.objects.create(organization=other, legal_name="Other")
    factories.join(ada, other)
    limit_key(acme, laptop, 10)

    asked = [hold_of(place, 50, api_key_id=laptop.pk) for place in (acme, other)]

    assert [bool(book(hold).refusals) for hold in asked] == [True, False]


def test_a_members_limit_goes_with_the_membership(
    acme: Organization, rita: User
) -> None:
    limit_member(acme, rita, 10)
    Membership.objects.get(user=rita, organization=acme).delete()
    factories.join(rita, acme, Role.READER)

    assert book(hold_of(acme, 50, user_id=rita.pk)).refusals == {}


def default_of(organization: Organization, scope: Scope, nanos: int | None) -> None:
    set_default_limit(
        organization=organization,
        scope=scope,
        amount_nanos=nanos,
        acting_user=None,
        now=NOW,
    )


@pytest.mark.parametrize("scope", [Scope.KEY, Scope.MEMBER])
def test_a_default_limits_each_one_without_a_limit_exactly_as_its_own_would(
    acme: Organization, ada: User, laptop: ApiKey, company: list[Item], scope: Scope
) -> None:
    default_of(acme, scope, 100)
    whose: dict[str, Any] = {"api_key_id": laptop.pk, "user_id": ada.pk}
    first, second = hold_of(acme, 60, **whose), hold_of(acme, 41, **whose)
    of_others = hold_of(acme, 100, api_key_id=OTHER, user_id=OTHER)

    book(first, *company)
    (refusal,) = book(second, of_others).refusals.values()

    assert refusal.binding.value == f"{scope}_limit"
    assert (refusal.limit_nanos, refusal.held_nanos, refusal.left_nanos) == (
        100,
        60,
        40,
    )
    assert refusal.scope_name == ("laptop" if scope is Scope.KEY else "Ada Moss")
    assert open_holds(acme) == {first.event_id, of_others.event_id}


@pytest.mark.parametrize("own", [50, 150])
def test_a_limit_of_its_own_stands_before_the_default(
    acme: Organization, laptop: ApiKey, company: list[Item], own: int
) -> None:
    default_of(acme, Scope.KEY, 100)
    limit_key(acme, laptop, own)

    fits = book(hold_of(acme, own, api_key_id=laptop.pk), *company)
    refused = book(hold_of(acme, 1, api_key_id=laptop.pk))

    assert not fits.refusals
    (refusal,) = refused.refusals.values()
    assert refusal.limit_nanos == own


def test_a_default_that_is_taken_away_limits_nobody(acme: Organization) -> None:
    default_of(acme, Scope.KEY, 0)
    assert book(hold_of(acme, 1)).refusals
    default_of(acme, Scope.KEY, None)

    assert not book(hold_of(acme, 1)).refusals
