"""An organization's audit events: which of them, page by page, and all for a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet

from core.money import exact_usd
from orgs.models import AuditEvent, Organization, User

PAGE_LENGTH = 50
CHUNK_LENGTH = 1000
# Who stands for what the installation did by itself.
NOBODY = "tokenhouse"
NANOS = "_nanos"


@dataclass(frozen=True, slots=True)
class EventSelection:
    """Which events: what is empty does not narrow. Both days are included (UTC)."""

    actor: str = ""
    action: str = ""
    target: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, newest first. `older` is where the next page begins, if there is one."""

    events: Sequence[AuditEvent]
    older: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A fact of an event: what it was and what it became, in words."""

    name: str
    before: str
    after: str


def events_of(
    organization: Organization, selection: EventSelection
) -> QuerySet[AuditEvent]:
    """Return the selected events, newest first."""
    events = AuditEvent.objects.filter(organization=organization)
    if selection.actor == NOBODY:
        events = events.filter(actor=None)
    elif selection.actor:
        events = events.filter(actor__public_id=selection.actor)
    if selection.action:
        events = events.filter(action=selection.action)
    if selection.target:
        events = events.filter(target__icontains=selection.target)
    if selection.since:
        events = events.filter(created_at__gte=start_of(selection.since))
    if selection.until:
        next_day = start_of(selection.until) + timedelta(days=1)
        events = events.filter(created_at__lt=next_day)
    return events.select_related("actor", "link").order_by("-pk")


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def page_of_events(
    organization: Organization, selection: EventSelection, *, before: str | None
) -> EventPage:
    """Return a page of the selected events, from the one older than `before` on."""
    events = events_of(organization, selection)
    if before:
        last = event_of(organization, before)
        events = events.filter(pk__lt=last.pk) if last else events.none()
    found = list(events[: PAGE_LENGTH + 1])
    shown = found[:PAGE_LENGTH]
    return EventPage(shown, shown[-1].public_id if len(found) > PAGE_LENGTH else None)


def event_of(organization: Organization, public_id: str) -> AuditEvent | None:
    """Return an organization's event by its `audit_…` id."""
    event_uuid = AuditEvent.uuid_from(public_id)
    if event_uuid is None:
        return None
    events = events_of(organization, EventSelection())
    return events.filter(event_uuid=event_uuid).first()


def chunks_of(
    organization: Organization, selection: EventSelection
) -> Iterator[list[AuditEvent]]:
    """Yield all selected events, some at a time: however many, memory holds few."""
    events = events_of(organization, selection)
    chunk = list(events[:CHUNK_LENGTH])
    while chunk:
        yield chunk
        chunk = list(events.filter(pk__lt=chunk[-1].pk)[:CHUNK_LENGTH])


def actors_in(organization: Organization) -> QuerySet[User]:
    """Return everybody who ever changed something in the organization."""
    events = AuditEvent.objects.filter(organization=organization)
    return User.objects.filter(pk__in=events.values("actor")).order_by("email")


def actions_in(organization: Organization) -> list[str]:
    """Return the actions that occur, by name."""
    events = AuditEvent.objects.filter(organization=organization)
    return list(events.order_by("action").values_list("action", flat=True).distinct())


def changes_in(details: dict[str, Any]) -> list[Change]:
    """Return what an event says that changed, and what else it tells."""
    before = as_fields(details.get("before"))
    after = as_fields(details.get("after"))
    names = [*before, *(name for name in after if name not in before)]
    rest = {k: v for k, v in details.items() if k not in {"before", "after"}}
    return [
        *(
            Change(words(name), in_words(name, before.get(name)), in_words(name, value))
            for name, value in ((name, after.get(name)) for name in names)
        ),
        *(Change(words(name), "—", in_words(name, rest[name])) for name in rest),
    ]


def as_fields(value: Any) -> dict[str, Any]:
    """Return facts by name; a bare one (a role) has none of its own."""
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"value": value}


def words(name: str) -> str:
    return name.removesuffix(NANOS).replace("_", " ")


def in_words(name: str, value: Any) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith(NANOS) and isinstance(value, int):
        return f"${exact_usd(value)}"
    return str(value)


def subject_of(event: AuditEvent) -> str:
    """Return the name that the event's target had for people, if it is told."""
    details = event.details
    for facts in (details.get("after"), details.get("before"), details):
        for name in ("name", "email", "subject"):
            if isinstance(facts, dict) and isinstance(facts.get(name), str):
                return str(facts[name])
    return ""
