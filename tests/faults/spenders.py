"""Who spends within Acme: keys and a member with limits of their own."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from keys.actions import issue_key
from keys.models import ApiKey
from orgs.models import Organization, User
from tests.factories import join, make_user
from tests.gateway.rates import limit_rate

# Few enough that some are refused, so that Redis matters.
REQUESTS_PER_MINUTE = 40
BOT, MEMBER, HURRIED = "bot", "member", "hurried"


@dataclass(frozen=True, slots=True)
class Spender:
    """Somebody with keys, and whose limit they count in: None for no limit."""

    name: str
    keys: tuple[str, ...]
    subject: ApiKey | User | None


def spenders_of(organization: Organization) -> list[Spender]:
    """Make a bot and a member with limits, and a key with requests per minute."""
    ada = make_user("ada@acme.example")
    join(ada, organization)
    hers = tuple(new_key(organization, ada)[0] for _ in range(2))
    bots, bot = new_key(organization)
    hurried, rated = new_key(organization)
    limit_rate(organization, api_key=rated, requests_per_minute=REQUESTS_PER_MINUTE)
    return [
        Spender(BOT, (bots,), bot),
        Spender(MEMBER, hers, ada),
        Spender(HURRIED, (hurried,), None),
    ]


def new_key(organization: Organization, user: User | None = None) -> tuple[str, ApiKey]:
    """Issue a service key of the organization, or a personal one."""
    issued = issue_key(
        kind="personal" if user else "service",
        environment=organization.environment,
        name="faults",
        organization=None if user else organization,
        user=user,
        acting_user=user,
        expires_at=None,
        now=timezone.now(),
    )
    return issued.text, issued.key
