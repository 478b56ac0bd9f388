"""What one key may spend right now: by its own limit, its member's, and all others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from billing.funding import funding_of
from billing.limits import Binding, Funding, ScopeFunding
from billing.scope_models import Scope
from billing.scope_queries import (
    KEY_COLUMNS,
    MEMBER_COLUMNS,
    ScopeRow,
    key_row,
    member_row,
    with_amounts,
)
from keys.models import ApiKey
from orgs.models import Membership, Organization

BINDINGS = {Scope.KEY: Binding.KEY_LIMIT, Scope.MEMBER: Binding.MEMBER_LIMIT}


@dataclass(frozen=True, slots=True)
class CallerFunding:
    """The funding of a key's requests, as `decide` takes it, and the key's own part."""

    funding: Funding
    key: ScopeRow


def funding_of_caller(
    organization: Organization, api_key: ApiKey, *, now: datetime
) -> CallerFunding:
    """Return what a key's requests may spend. Live, not locked."""
    key, *member = scope_rows(organization, api_key, now=now)
    scopes = tuple(
        ScopeFunding(
            binding=BINDINGS[Scope(row.scope)],
            name=row.name,
            limit_nanos=row.limit_nanos,
            spent_nanos=row.spent_nanos,
            held_nanos=row.held_nanos,
        )
        for row in (key, *member)
        if row.limit_nanos is not None
    )
    funding = replace(funding_of(organization, now=now), scopes=scopes)
    return CallerFunding(funding, key)


def scope_rows(
    organization: Organization, api_key: ApiKey, *, now: datetime
) -> Iterator[ScopeRow]:
    """Yield what the key spent and holds, then its member; limited or not."""
    keys = ApiKey.objects.filter(pk=api_key.pk)
    amounts = with_amounts(keys, Scope.KEY, "pk", organization, now)
    yield from map(key_row, amounts.values(*KEY_COLUMNS))
    if api_key.user_id is None:
        return
    members = Membership.objects.filter(
        organization=organization, user_id=api_key.user_id
    )
    amounts = with_amounts(members, Scope.MEMBER, "user_id", organization, now)
    yield from map(member_row, amounts.values(*MEMBER_COLUMNS))
