"""What owners change holds at every gateway (bench effects says how soon)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from django.utils import timezone

from billing.actions.limits import set_hard_limit
from billing.actions.price_seeding import seed_prices
from billing.actions.scope_limits import set_key_limit, set_member_limit
from keys.actions import revoke_key
from keys.models import ApiKey
from orgs.actions import remove_member
from orgs.models import Membership, Organization, User
from tests import rig
from tests.gateway.conftest import client_of, furnish_at, personal_key
from tests.gateway.test_hard_limit_under_concurrency import two_gateways

pytestmark = pytest.mark.processes
ASK: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "max_completion_tokens": 20,
    "messages": [{"role": "user", "content": "Hello"}],
}


@dataclass
class Scene:
    """Rita's key at two gateways that know it already."""

    organization: Organization
    rita: User
    key: ApiKey
    clients: list[openai.OpenAI]

    def outcomes(self) -> list[str]:
        """Ask once at each gateway."""
        return [outcome_of(client) for client in self.clients]


def outcome_of(client: openai.OpenAI) -> str:
    try:
        client.chat.completions.create(**ASK)
    except openai.APIStatusError as error:
        return str(error.code)
    return "answered"


@pytest.fixture
def scene(
    committed_db: None,
    folder: Path,
    provider: rig.Provider,
    acme: Organization,
    rita: User,
) -> Iterator[Scene]:
    seed_prices(now=timezone.now())
    with (
        two_gateways(folder, "config.asgi:application") as urls,
        contextlib.ExitStack() as stack,
    ):
        furnish_at(acme, provider, urls[0])
        text = personal_key(rita, "production")
        clients = [stack.enter_context(client_of(url, text)) for url in urls]
        scene = Scene(acme, rita, ApiKey.objects.get(user=rita), clients)
        assert scene.outcomes() == ["answered"] * 2
        yield scene


def revoke(scene: Scene) -> None:
    revoke_key(key=scene.key, acting_user=scene.rita, now=timezone.now())


def remove(scene: Scene) -> None:
    membership = Membership.objects.get(user=scene.rita)
    remove_member(membership=membership, acting_user=None, now=timezone.now())


@pytest.mark.parametrize(
    ("change", "code"), [(revoke, "invalid_api_key"), (remove, "no_organization")]
)
def test_who_may_no_longer_ask_is_soon_refused_at_every_gateway(
    scene: Scene, change: Callable[[Scene], None], code: str
) -> None:
    change(scene)

    rig.wait_until(lambda: scene.outcomes() == [code] * 2)


@pytest.mark.parametrize(
    ("change", "whose", "code"),
    [
        (set_hard_limit, (), "organization_spend_limit_exceeded"),
        (set_key_limit, ("api_key",), "key_spend_limit_exceeded"),
        (set_member_limit, ("user",), "member_spend_limit_exceeded"),
    ],
)
def test_a_limit_holds_at_every_gateway_from_the_next_request_on(
    scene: Scene, change: Callable[..., Any], whose: tuple[str, ...], code: str
) -> None:
    facts = {"api_key": scene.key, "user": scene.rita}

    def limit(nanos: int | None) -> None:
        change(
            organization=scene.organization,
            amount_nanos=nanos,
            acting_user=None,
            now=timezone.now(),
            **{name: facts[name] for name in whose},
        )

    limit(1)
    assert scene.outcomes() == [code] * 2
    limit(None)
    assert scene.outcomes() == ["answered"] * 2
