"""Who set each limit, when, and what it was before: from the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orgs.models import AuditEvent, Organization

# Each limit's column in `SpendLimits`, and the event of its change.
ACTIONS = {
    "hard_limit_nanos": "spend_limit.updated",
    "approved_limit_nanos": "approved_limit.updated",
    "key_default_nanos": "key_limit_default.updated",
    "member_default_nanos": "member_limit_default.updated",
}


@dataclass(frozen=True, slots=True)
class LimitChange:
    """The last change of a limit. Nobody's is the installation's own."""

    by: str
    at: datetime
    before_nanos: int | None


def last_changes(organization: Organization) -> dict[str, LimitChange]:
    """Return the last change of each limit that was ever changed, by its column."""
    events = (
        AuditEvent.objects.filter(
            organization=organization, action__in=ACTIONS.values()
        )
        .select_related("actor")
        .order_by("action", "-pk")
        .distinct("action")
    )
    by_action = {event.action: event for event in events}
    return {
        column: LimitChange(
            by=event.actor.get_full_name() if event.actor else "Tokenhouse",
            at=event.created_at,
            before_nanos=event.details["before"][column],
        )
        for column, action in ACTIONS.items()
        if (event := by_action.get(action)) is not None
    }
