"""People can log in while Redis is away."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.test import Client
from pytest_django import Settings

from config.cache import ForgivingRedisCache
from orgs.models import User
from tests import factories

NOWHERE = "redis://127.0.0.1:1/0"


def test_without_redis_it_remembers_in_this_process() -> None:
    cache = ForgivingRedisCache(NOWHERE, {})

    assert cache.add("throttle", 1, 60)
    assert cache.incr("throttle") == 2
    assert cache.get("throttle") == 2
    cache.delete("throttle")
    assert cache.get("throttle", "gone") == "gone"


@pytest.mark.django_db
def test_one_can_log_in_without_redis(
    client: Client, ada: User, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": NOWHERE},
    }
    assert caches["default"].get("anything") is None

    answer = client.post(
        "/account/login/", {"login": ada.email, "password": factories.PASSWORD}
    )

    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(ada.pk)
