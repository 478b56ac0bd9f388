"""Reads for the pages: what keys and members spend and may, and what is held now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import CharField, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf

from billing.models import GatewayProcess, Hold, SpendLimits
from billing.scope_models import Scope, ScopeBudget, ScopeLimit
from core.periods import cycle_of
from keys.models import ApiKey
from keys.queries import keys_visible_to
from orgs.models import Membership, Organization
from orgs.queries import visible_to

PAGE_SIZE = 20
HOLDS_SHOWN = 100
FIND_LONGEST = 80
COLUMNS = (
    "spent_nanos",
    "held_nanos",
    "own_limit_nanos",
    "default_nanos",
    "set_by",
    "set_at",
)
KEY_COLUMNS = ("public_id", "name", "handle", "user__name", "user__email", *COLUMNS)
MEMBER_COLUMNS = ("user__public_id", "user__name", "user__email", *COLUMNS)
DEFAULTS = {Scope.KEY: "key_default_nanos", Scope.MEMBER: "member_default_nanos"}


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """A key or a member: what it spent and holds in this cycle, and what it may."""

    scope: str
    public_id: str
    name: str
    # What tells it from others of the same name.
    detail: str
    spent_nanos: int
    held_nanos: int
    own_limit_nanos: int | None
    # What applies to those without a limit of their own.
    default_nanos: int | None
    set_by: str | None
    set_at: datetime | None

    @property
    def limit_nanos(self) -> int | None:
        """The limit in force."""
        own = self.own_limit_nanos
        return self.default_nanos if own is None else own

    @property
    def is_default(self) -> bool:
        return self.own_limit_nanos is None and self.default_nanos is not None

    @property
    def used_nanos(self) -> int:
        return self.spent_nanos + self.held_nanos

    @property
    def left_nanos(self) -> int | None:
        if self.limit_nanos is None:
            return None
        return max(self.limit_nanos - self.used_nanos, 0)


@dataclass(frozen=True, slots=True)
class ScopePage:
    """A page of rows, and where it stands among all of them."""

    rows: list[ScopeRow]
    page: Page[Any]


def key_page(
    viewer: Membership, *, find: str = "", number: str = "1", now: datetime
) -> ScopePage:
    """Return keys that work or have something to show, the dearest first."""
    keys = with_amounts(
        keys_visible_to(viewer), Scope.KEY, "pk", viewer.organization, now
    )
    keys = keys.filter(
        Q(pk__in=ApiKey.objects.live(at=now))
        | Q(own_limit_nanos__isnull=False)
        | Q(spent_nanos__gt=0)
        | Q(held_nanos__gt=0)
    )
    if find:
        keys = keys.filter(
            Q(name__icontains=find)
            | Q(handle__icontains=find)
            | Q(user__name__icontains=find)
            | Q(user__email__icontains=find)
        )
    page = page_of(
        keys.order_by("-spent_nanos", "name", "pk").values(*KEY_COLUMNS), number
    )
    return ScopePage([key_row(row) for row in page], page)


def key_row(row: dict[str, Any]) -> ScopeRow:
    person = row["user__name"] or row["user__email"]
    return ScopeRow(
        scope=Scope.KEY,
        public_id=row["public_id"],
        name=row["name"],
        detail=f"{person or 'Service key'} · {row['handle']}",
        **{column: row[column] for column in COLUMNS},
    )


def member_page(
    viewer: Membership, *, find: str = "", number: str = "1", now: datetime
) -> ScopePage:
    """Return members, the dearest first; a reader is shown themselves."""
    seen = Membership.objects.filter(organization=viewer.organization)
    if not viewer.is_owner:
        seen = seen.filter(pk=viewer.pk)
    members = with_amounts(seen, Scope.MEMBER, "user_id", viewer.organization, now)
    if find:
        members = members.filter(
            Q(user__name__icontains=find) | Q(user__email__icontains=find)
        )
    ordered = members.order_by("-spent_nanos", "user__email").values(*MEMBER_COLUMNS)
    page = page_of(ordered, number)
    return ScopePage([member_row(row) for row in page], page)


def member_row(row: dict[str, Any]) -> ScopeRow:
    return ScopeRow(
        scope=Scope.MEMBER,
        public_id=row["user__public_id"],
        name=row["user__name"] or row["user__email"],
        detail=row["user__email"],
        **{column: row[column] for column in COLUMNS},
    )


def page_of(rows: QuerySet[Any, Any], number: str) -> Page[Any]:
    """Return a page by number; a number beyond the last gives the last."""
    return Paginator(rows, PAGE_SIZE).get_page(number)


def with_amounts(
    rows: QuerySet[Any, Any],
    scope: str,
    subject: str,
    organization: Organization,
    now: datetime,
) -> QuerySet[Any, Any]:
    """Add each subject's part of the budget of this cycle, and its limit."""
    same = {
        "organization": organization,
        "scope": scope,
        "subject_id": OuterRef(subject),
    }
    parts = ScopeBudget.objects.filter(**same, cycle_start=cycle_of(now))
    limits = ScopeLimit.objects.filter(**same)
    defaults = SpendLimits.objects.filter(organization=organization)
    name = Coalesce(
        NullIf(F("updated_by__name"), Value("")),
        F("updated_by__email"),
        output_field=CharField(),
    )
    annotated: QuerySet[Any, Any] = rows.annotate(
        spent_nanos=Coalesce(Subquery(parts.values("spent_nanos")), 0),
        held_nanos=Coalesce(Subquery(parts.values("held_nanos")), 0),
        own_limit_nanos=Subquery(limits.values("amount_nanos")),
        default_nanos=Subquery(defaults.values(DEFAULTS[Scope(scope)])),
        set_by=Subquery(limits.annotate(by=name).values("by")),
        set_at=Subquery(limits.values("updated_at")),
    )
    return annotated


def key_amounts(
    viewer: Membership, public_id: str, *, now: datetime
) -> ScopeRow | None:
    """Return one key that the viewer sees, or None."""
    keys = with_amounts(
        keys_visible_to(viewer), Scope.KEY, "pk", viewer.organization, now
    )
    row = keys.filter(public_id=public_id).values(*KEY_COLUMNS).first()
    return key_row(row) if row else None


def member_amounts(
    viewer: Membership, public_id: str, *, now: datetime
) -> ScopeRow | None:
    """Return one member by the person's public id, or None."""
    found = Membership.objects.filter(
        organization=viewer.organization, user__public_id=public_id
    )
    members = with_amounts(found, Scope.MEMBER, "user_id", viewer.organization, now)
    row = members.values(*MEMBER_COLUMNS).first()
    return member_row(row) if row else None


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """The limit of a key or a member, and what is spent and held of it."""

    limit_nanos: int
    used_nanos: int


@dataclass(frozen=True, slots=True)
class LimitsInForce:
    """Looks up the limit of a key or a member by row id, as a mapping does."""

    own: Mapping[int, int]
    default_nanos: int | None
    used: Mapping[int, int]

    def get(self, subject_id: int) -> LimitInForce | None:
        limit = self.own.get(subject_id, self.default_nanos)
        if limit is None:
            return None
        return LimitInForce(limit, self.used.get(subject_id, 0))


def limits_in_force(
    organization: Organization, scope: str, *, now: datetime
) -> LimitsInForce:
    """Return the limits of an organization's keys or members, by their row ids."""
    of_scope = {"organization": organization, "scope": scope}
    own = ScopeLimit.objects.filter(**of_scope)
    terms = SpendLimits.objects.filter(organization=organization)
    default = terms.values_list(DEFAULTS[Scope(scope)], flat=True).first()
    parts = ScopeBudget.objects.filter(**of_scope, cycle_start=cycle_of(now))
    limited = dict(own.values_list("subject_id", "amount_nanos"))
    if default is None:
        parts = parts.filter(subject_id__in=limited)
    used = parts.values_list("subject_id", F("spent_nanos") + F("held_nanos"))
    return LimitsInForce(limited, default, dict(used))


@dataclass(frozen=True, slots=True)
class OpenHolds:
    """Requests under way: how many, what they hold together, and the newest."""

    count: int
    newest: list[Hold]
    # Where each gateway runs, by its id.
    gateways: dict[Any, GatewayProcess]


def holds_visible_to(viewer: Membership) -> QuerySet[Hold]:
    """Return an owner's view (all of the organization) or a reader's (their own)."""
    return visible_to(viewer, Hold.objects.all())


def open_holds_of(viewer: Membership) -> OpenHolds:
    """Return the open holds that a member may see, the newest first."""
    holds = holds_visible_to(viewer)
    newest = list(
        holds.select_related("api_key", "user").order_by("-event_id")[:HOLDS_SHOWN]
    )
    ids = {hold.gateway_id for hold in newest}
    return OpenHolds(
        count=len(newest) if len(newest) < HOLDS_SHOWN else holds.count(),
        newest=newest,
        gateways=GatewayProcess.objects.in_bulk(ids),
    )
