"""An organization with usage behind it, and OpenAI's own clients to ask about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.utils import timezone
from openai import BaseModel, OpenAI

from billing.actions.funding import set_approved_limit
from billing.actions.limits import add_soft_limit
from billing.actions.quota import request_increase
from billing.models import CreditGrant, QuotaRequest
from gateway.admin_api.projects import project_id_of
from keys.models import ApiKey, ApiKeyKind
from orgs.actions import invite_member
from orgs.models import Organization, User
from tests.architecture.routes import everything_written
from tests.factories import usd
from tests.gateway.conftest import service_key
from tests.gateway.raw import Answer, call
from tests.usage_factories import add_record, make_key
from usage.actions import roll_up
from usage.models import Endpoint

Model = TypeVar("Model", bound=BaseModel)

MODELS = ("gpt-4o-mini", "gpt-4.1")
# That it lives, which keys were used, what it refused in an earlier test.
NOTED_LATER = (
    *("billing_gatewayprocess", "keys_keyuse", "keys_formerkey"),
    *("usage_refusedminute", "usage_refusedrequest"),
)


def admin_key(organization: Organization, maker: User | None = None) -> str:
    """Issue an admin key. Without a maker it is the installation's: it reads."""
    return service_key(organization, kind="admin", maker=maker)


def whole(thing: Model) -> Model:
    """Return what the client made of an answer, if its type holds to the letter."""
    kind = type(thing)
    kind.model_validate(thing.to_dict(), strict=True)
    assert set(kind.model_fields) <= thing.model_fields_set
    return thing


def admin_client(url: str, text: str) -> OpenAI:
    """Return the official client as an administrator's program makes it."""
    return OpenAI(
        base_url=f"{url}/v1", admin_api_key=text, api_key="unused", max_retries=0
    )


def what_is_kept() -> dict[str, str]:
    """Return a digest of all rows, without what the gateway notes on its own time."""
    tables = everything_written()
    return {name: rows for name, rows in tables.items() if name not in NOTED_LATER}


def things_of(organization: Organization, owner: User) -> dict[str, str]:
    """Make one of everything in an organization; return the paths by what they are."""
    now: Any = {"acting_user": owner, "now": timezone.now()}
    invitation = invite_member(
        organization=organization, email="z@x.example", role="reader", **now
    )
    alert = add_soft_limit(organization=organization, amount_nanos=5, **now)
    request, grant = funding_of(organization, owner)
    service_key(organization)
    service_key(organization, kind="admin")
    keys = ApiKey.objects.filter(organization=organization)
    service = keys.filter(kind=ApiKeyKind.SERVICE).latest("pk").public_id
    admin = keys.filter(kind=ApiKeyKind.ADMIN).latest("pk").public_id
    project = f"projects/{project_id_of(organization)}"
    return {
        f"users/{owner.public_id}": "GET POST DELETE",
        f"invites/{invitation.public_id}": "GET DELETE",
        f"admin_api_keys/{admin}": "GET DELETE",
        f"spend_alerts/{alert.public_id}": "GET POST DELETE",
        f"quota_increase_requests/{request.public_id}": "GET",
        f"quota_increase_requests/{request.public_id}/withdraw": "POST",
        f"credit_grants/{grant.public_id}": "GET",
        project: "GET",
        f"{project}/users": "GET",
        f"{project}/users/{owner.public_id}": "GET",
        f"{project}/api_keys": "GET",
        f"{project}/api_keys/{service}": "GET DELETE",
        f"{project}/service_accounts": "GET POST",
        f"{project}/service_accounts/{service}": "GET DELETE",
    }


def funding_of(
    organization: Organization, owner: User
) -> tuple[QuotaRequest, CreditGrant]:
    """Let an organization ask for a higher limit; give it credit."""
    now = timezone.now()
    by: Any = {"organization": organization, "acting_user": owner, "now": now}
    set_approved_limit(amount_nanos=usd(120), **by)
    request = request_increase(amount_nanos=usd(500), until=None, reason="X", **by)
    grant = CreditGrant.objects.create(
        organization=organization, name="Trial", amount_nanos=5, effective_at=now
    )
    return request, grant


@dataclass(frozen=True, slots=True)
class Used:
    """What was booked: its first day, and the sum of all costs."""

    first: datetime
    cost_nanos: int


def book(organization: Organization, users: list[User], *, days: int = 3) -> Used:
    """Book requests of each person and model at odd times and odd prices."""
    today = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = (today - timedelta(days=days)).replace(hour=0)
    keys = [make_key(f"key of {user.email}", user=user) for user in users]
    cost = 0
    for day in range(days):
        for number, key in enumerate(keys):
            for model in MODELS:
                cost_nanos = 1_234_567 * (day + 1) + number * 7 + len(model)
                cost += cost_nanos
                add_record(
                    organization,
                    at=first + timedelta(days=day, hours=5 * number + 1, minutes=59),
                    cost_nanos=cost_nanos,
                    api_key=key,
                    model=model,
                    endpoint=Endpoint.CHAT_COMPLETIONS,
                    input_tokens=1000,
                    cached_input_tokens=400,
                    cache_write_tokens=100,
                    audio_input_tokens=50,
                    cached_audio_input_tokens=20,
                    output_tokens=500,
                    audio_output_tokens=30,
                )
    roll_up(now=timezone.now())
    return Used(first, cost)


def get(url: str, text: str | None, path: str, **query: str) -> Answer:
    return call(url, text, b"", method="GET", path=f"{path}?{urlencode(query)}")
