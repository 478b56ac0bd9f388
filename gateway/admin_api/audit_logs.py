"""The audit log in OpenAI's shape, newest first."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q

from gateway.admin_api.door import ApiRequest, admin_view
from gateway.admin_api.lists import Listing, page_of, unix, without_nul
from gateway.admin_api.parameters import instant, texts
from gateway.admin_api.projects import project_id_of
from orgs.audit_models import AuditEvent
from orgs.models import Organization

# Answers tell whole seconds: "after a second" begins with the next one.
SIDES = {"gt": ("gte", 1), "gte": ("gte", 0), "lt": ("lt", 0), "lte": ("lt", 1)}
# The last second that another one follows.
LATEST = datetime(9999, 12, 31, 23, 59, 58, tzinfo=UTC)
TIMES = tuple(f"effective_at[{side}]" for side in SIDES)
FILTERS = ("event_types", "actor_ids", "actor_emails", "resource_ids", "project_ids")


@admin_view
def audit_logs(request: ApiRequest) -> dict[str, Any]:
    """List what was changed, by whom, and through which door."""
    events = AuditEvent.objects.filter(organization=request.organization)
    events = events.select_related("actor", "organization")
    chosen = events.filter(asked_for(request))
    return page_of(request, chosen, event_of, NEWEST_FIRST, once=events)


def uuid_in(public_id: str) -> uuid.UUID | None:
    """Return the row's own id in the public one, if it is one."""
    try:
        return uuid.UUID(public_id.removeprefix("audit_"))
    except ValueError:
        return None


NEWEST_FIRST = Listing(
    "event_uuid", is_newest_first=True, known=(*TIMES, *FILTERS), kept=uuid_in
)


def asked_for(request: ApiRequest) -> Q:
    """Return the events that the filters let through."""
    chosen = Q()
    for (lookup, later_s), name in zip(SIDES.values(), TIMES, strict=True):
        moment = instant(request.GET, name)
        if moment is not None:
            bound = min(moment, LATEST) + timedelta(seconds=later_s)
            chosen &= Q(**{f"created_at__{lookup}": bound})
    lookups = {
        "event_types": "action__in",
        "actor_ids": "actor__public_id__in",
        "actor_emails": "actor__email__in",
        "resource_ids": "target__in",
    }
    for name, lookup in lookups.items():
        if values := texts(request.GET, name):
            chosen &= Q(**{lookup: [without_nul(value) for value in values]})
    project_ids = texts(request.GET, "project_ids")
    if project_ids and project_id_of(request.organization) not in project_ids:
        chosen &= Q(pk__in=())
    return chosen


def event_of(event: AuditEvent) -> dict[str, Any]:
    """Return an event. What changed is under its type, as OpenAI has it."""
    assert isinstance(event.organization, Organization)
    return {
        "object": "organization.audit_log",
        "id": event.public_id,
        "type": event.action,
        "effective_at": unix(event.created_at),
        "project": {
            "id": project_id_of(event.organization),
            "name": event.organization.name,
        },
        "actor": actor_of(event),
        event.action: {"id": event.target, **told(event)},
    }


def told(event: AuditEvent) -> dict[str, Any]:
    """Return what changed: OpenAI says `data` of what is new."""
    details = event.details
    said = {
        "changes_requested" if "before" in details else "data": details.get("after")
    }
    return said if details.get("after") else {}


def actor_of(event: AuditEvent) -> dict[str, Any] | None:
    """Return who did it: a person at a page or by an admin key; None if nobody."""
    user = None
    if event.actor is not None:
        user = {"id": event.actor.public_id, "email": event.actor.email}
    key = event.details.get("api_key")
    if key is not None:
        by = {"id": key, "type": "user", "user": user, "service_account": None}
        return {"type": "api_key", "api_key": by, "session": None}
    if user is None:
        return None
    session = {"user": user, "ip_address": event.address}
    return {"type": "session", "session": session, "api_key": None}
