"""
How soon a change holds at every gateway: revoked keys, removed members, lower limits.

Two gateways know the key. From the commit of the change each is asked again and again,
until both refuse; the time is that of the later one, its answer included.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Any

import orjson

from bench.figures import Figure
from bench.installation import furnish, installation
from bench.processes import Server, serving

if TYPE_CHECKING:
    from keys.actions import IssuedKey
    from orgs.models import Membership

TRIES, WITHIN_MS, GIVE_UP_S = 20, 1000, 10.0
BODY = orjson.dumps(
    {
        "model": "gpt-4o-mini",
        "max_completion_tokens": 20,
        "messages": [{"role": "user", "content": "Hello"}],
    }
)
numbers = count(1)
# What is changed, and what takes it back.
Change = Callable[["Membership", "IssuedKey"], Callable[[], None] | None]


def run() -> dict[str, dict[str, float]]:
    with (
        installation(),
        serving("bench.upstream:application", core=None) as upstream,
        serving("config.asgi:application", core=None) as one,
        serving("config.asgi:application", core=None) as other,
    ):
        furnish(upstream.port)
        return {name: tried(change, [one, other]) for name, change in CHANGES.items()}


def tried(change: Change, servers: list[Server]) -> dict[str, float]:
    times = [once(change, servers) for _ in range(TRIES)]
    return {"median_ms": median(times), "most_ms": max(times)}


def once(change: Change, servers: list[Server]) -> float:
    """Return the milliseconds from a change's commit until every server obeys."""
    membership, issued = newcomer()
    gateways = [Gateway(server.port, issued.text) for server in servers]
    assert all(gateway.admits() for gateway in gateways)
    undo = change(membership, issued)
    began = time.perf_counter()
    for gateway in gateways:
        while gateway.admits():
            if time.perf_counter() - began > GIVE_UP_S:
                raise SystemExit("a gateway does not obey")
    took = (time.perf_counter() - began) * 1000
    if undo is not None:
        undo()
    return took


class Gateway:
    """Asks one gateway over a kept connection."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._headers = {
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
        }

    def admits(self) -> bool:
        """Ask once; say whether it was answered."""
        self._connection.request(
            "POST", "/v1/chat/completions", BODY, headers=self._headers
        )
        answer = self._connection.getresponse()
        answer.read()
        if answer.status in (200, 401, 429):
            return answer.status == 200
        raise SystemExit(f"a gateway answers {answer.status}")


def newcomer() -> tuple[Membership, IssuedKey]:
    """Make a member with a personal key."""
    from django.utils import timezone

    from keys.actions import issue_key
    from orgs.models import Membership, Organization, User

    user = User.objects.create(email=f"member-{next(numbers)}@bench.example")
    membership = Membership.objects.create(
        organization=Organization.objects.get(), user=user, role="reader"
    )
    User.objects.filter(pk=user.pk).update(default_organization=membership.organization)
    issued = issue_key(
        kind="personal",
        environment="production",
        name="bench",
        organization=None,
        user=user,
        acting_user=None,
        expires_at=None,
        now=timezone.now(),
    )
    return membership, issued


def revoke(membership: Membership, issued: IssuedKey) -> None:
    from django.utils import timezone

    from keys.actions import revoke_key

    revoke_key(key=issued.key, acting_user=None, now=timezone.now())


def remove(membership: Membership, issued: IssuedKey) -> None:
    # With the fewest steps, so that what is timed is the news and not the action.
    membership.delete()


def lower(membership: Membership, issued: IssuedKey) -> Callable[[], None]:
    from billing.models import SpendLimits

    before = SpendLimits.objects.get().hard_limit_nanos
    SpendLimits.objects.update(hard_limit_nanos=1)
    return lambda: set_back(before)


def set_back(nanos: int | None) -> None:
    from billing.models import SpendLimits

    SpendLimits.objects.update(hard_limit_nanos=nanos)


def limit_key(membership: Membership, issued: IssuedKey) -> None:
    from django.utils import timezone

    from billing.actions.scope_limits import set_key_limit

    set_key_limit(
        organization=membership.organization,
        api_key=issued.key,
        amount_nanos=1,
        acting_user=None,
        now=timezone.now(),
    )


CHANGES: dict[str, Change] = {
    "revoke a key": revoke,
    "remove a member": remove,
    "lower the hard limit": lower,
    "limit a key": limit_key,
}


def figures(result: dict[str, dict[str, float]]) -> list[Figure]:
    return [
        Figure(
            f"{name}: until both gateways obey, at most",
            row["most_ms"],
            "ms",
            at_most=WITHIN_MS,
        )
        for name, row in result.items()
    ]


def table(result: dict[str, Any]) -> str:
    lines = [f"{'':24} {'median ms':>10} {'most ms':>10}   ({TRIES} tries)"]
    for name, row in result.items():
        lines.append(f"{name:24} {row['median_ms']:10.1f} {row['most_ms']:10.1f}")
    return "\n".join(lines)
