"""Pages may not run what somebody smuggled into them."""

from __future__ import annotations

import pytest
from django.test import AsyncClient, Client

from orgs.models import User

HEADER = "Content-Security-Policy"

pytestmark = pytest.mark.django_db


def test_a_page_runs_only_scripts_of_this_site(client: Client) -> None:
    for path in ("/account/login/", "/nowhere", "/healthz"):
        policy = client.get(path).headers[HEADER]

        assert "default-src 'self'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy


async def test_it_does_so_as_the_server_runs_it() -> None:
    answer = await AsyncClient().get("/healthz")

    assert "default-src 'self'" in answer.headers[HEADER]


def test_the_operators_admin_keeps_its_own_scripts(client: Client, op: User) -> None:
    client.force_login(op)

    assert HEADER not in client.get("/operator/admin/").headers
