"""Owners say how the gateway treats their organization's requests."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from billing.gateway_models import (
    CACHE_LONGEST_S,
    CACHE_SHORTEST_S,
    GatewaySettings,
)
from orgs import audit
from orgs.models import Organization, User


@dataclass(frozen=True, slots=True)
class GatewayWish:
    """How the gateway shall treat an organization's requests."""

    clamps_output: bool
    caches_answers: bool
    cache_s: int


@transaction.atomic
def set_gateway_settings(
    *,
    organization: Organization,
    wish: GatewayWish,
    acting_user: User | None,
    now: datetime,
) -> GatewaySettings:
    """
    Change an organization's gateway settings.

    Gateways hear of it at commit. Safe to repeat: the same again changes and records
    nothing. A change empties the cache of answers (`gateway.answer_cache`).
    """
    assert CACHE_SHORTEST_S <= wish.cache_s <= CACHE_LONGEST_S
    settings = locked_settings(organization)
    wished = asdict(wish)
    before = {name: getattr(settings, name) for name in wished}
    changed = [name for name in wished if wished[name] != before[name]]
    if not changed:
        return settings
    for name in changed:
        setattr(settings, name, wished[name])
    settings.updated_at = now
    settings.updated_by = acting_user
    settings.save(update_fields=[*changed, "updated_at", "updated_by"])
    audit.record(
        organization=organization,
        actor=acting_user,
        action="organization.updated",
        target=organization.public_id,
        details={
            "before": {name: before[name] for name in changed},
            "after": {name: wished[name] for name in changed},
        },
        now=now,
    )
    return settings


def locked_settings(organization: Organization) -> GatewaySettings:
    """Lock and return the settings' row, made if there is none."""
    GatewaySettings.objects.get_or_create(organization=organization)
    return GatewaySettings.objects.select_for_update(no_key=True).get(
        organization=organization
    )
