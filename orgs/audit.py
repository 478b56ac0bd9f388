"""The audit log: one row per change, in the change's own transaction."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from orgs import reach
from orgs.models import AuditEvent, Organization, User
from orgs.origin import current_origin

# A limit on everything: an event tells of a change, it does not archive it.
DETAILS_LONGEST = 16 * 1024
REMOVED = "[looked like a secret]"
SECRET_NAMES = {
    *("secret", "password", "token", "token_digest", "key", "private_key", "digest"),
    *("ciphertext", "pepper", "authorization", "cookie", "recovery_codes"),
}
# Whole keys of ours and of providers, and what else logs somebody in.
SECRET_TEXT = re.compile(
    r"\bth-\w+-[^\W_]{6,}-[^\W_]{20,}|\bsk-[\w-]{16,}|\b(?:Bearer|Basic) \S{8,}"
    r"|://[^/\s:@]+:[^/\s@]+@|-----BEGIN "
)


def record(
    *,
    organization: Organization | None,
    actor: User | None,
    action: str,
    target: str = "",
    details: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """
    Add an audit event. Without an actor it is the installation's own doing.

    Must run inside the transaction of the change that it tells of: the database puts
    it into its organization's chain when that commits. Where it came from is what
    `orgs.origin` says. Details must not name secrets; what looks like one in a text
    that people typed is taken out.
    """
    assert connection.in_atomic_block, "an audit event belongs to a transaction"
    origin = current_origin()
    by_key = {"api_key": origin.api_key} if origin.api_key else {}
    kept = without_secrets((details or {}) | by_key)
    assert len(json.dumps(kept, cls=DjangoJSONEncoder)) <= DETAILS_LONGEST
    event = AuditEvent(
        organization=organization,
        actor=actor,
        action=action,
        target=SECRET_TEXT.sub(REMOVED, target),
        details=kept,
        door=origin.door,
        address=origin.address,
        user_agent=origin.user_agent,
        created_at=now,
    )
    with reach.elsewhere(event.organization_id, "an event of the audit log"):
        event.save(force_insert=True)


def without_secrets(value: Any) -> Any:
    """Return details without texts that look like secrets; a field may not be one."""
    if isinstance(value, dict):
        named = {name for name in value if str(name).lower() in SECRET_NAMES}
        assert not named, f"the audit log must not hold {sorted(named)}"
        return {name: without_secrets(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(inner) for inner in value]
    return SECRET_TEXT.sub(REMOVED, value) if isinstance(value, str) else value
