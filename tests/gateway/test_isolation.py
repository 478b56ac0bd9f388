"""Every path of the API × every kind of key × own, foreign, missing organizations."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.urls import resolve
from django.utils import timezone

from gateway.app import CALLS, MODELS
from keys.actions import block_key, issue_key, revoke_key, rotate_key
from keys.models import ApiKey
from orgs.models import Membership, Organization, Role, User
from tests import rig
from tests.architecture.routes import all_routes
from tests.factories import join, make_user, suspend
from tests.gateway.administration import things_of, what_is_kept
from tests.gateway.conftest import House, personal_key, service_key
from tests.gateway.raw import call, nothing_written

pytestmark = pytest.mark.processes

PATHS = [*(("POST", path) for path in CALLS), ("GET", MODELS), ("GET", f"{MODELS}/x")]
UNAUTHORIZED, FORBIDDEN = 401, 403
LISTS = {
    **{"users": "GET", "invites": "GET POST", "admin_api_keys": "GET POST"},
    **{"projects": "GET", "spend_alerts": "GET POST", "audit_logs": "GET"},
    **{"quota_increase_requests": "GET POST", "credit_grants": "GET"},
    **{"spend_limit": "GET POST DELETE", "costs": "GET", "usage/completions": "GET"},
}
# What the key may name in the header, if anything: none, its own, another's, no one's.
HEADERS = ("", "own", "sibling", "foreign", "missing")


@dataclass(frozen=True)
class Caller:
    """A key, and the headers with which it is let in."""

    name: str
    text: str | None
    admitted: tuple[str, ...] = ()


def ended(text: str) -> str:
    """Revoke a key and return its text."""
    key = ApiKey.objects.get(handle=text.split("-")[2])
    revoke_key(key=key, acting_user=None, now=timezone.now())
    return text


def admin_key(acme: Organization) -> str:
    return issue_key(
        kind="admin",
        environment=acme.environment,
        name="tests",
        organization=acme,
        user=None,
        acting_user=None,
        expires_at=None,
        now=timezone.now(),
    ).text


def key_of_removed(acme: Organization) -> str:
    user = make_user("rob@acme.example")
    join(user, acme, Role.OWNER)
    text = personal_key(user, "production")
    Membership.objects.filter(user=user).delete()
    return text


def expired(text: str) -> str:
    yesterday = timezone.now() - timedelta(days=1)
    ApiKey.objects.filter(handle=text.split("-")[2]).update(expires_at=yesterday)
    return text


def blocked_in(acme: Organization, text: str) -> str:
    key = ApiKey.objects.get(handle=text.split("-")[2])
    block_key(key=key, organization=acme, acting_user=None, now=timezone.now())
    return text


def former(text: str, grace: timedelta) -> str:
    """Rotate a key; return its old text."""
    key = ApiKey.objects.get(handle=text.split("-")[2])
    rotate_key(key=key, grace=grace, acting_user=None, now=timezone.now())
    return text


def of_person_put_out(acme: Organization) -> str:
    user = make_user("otto@acme.example")
    join(user, acme, Role.OWNER)
    text = personal_key(user, "production")
    User.objects.filter(pk=user.pk).update(is_active=False)
    return text


def callers(acme: Organization, globex: Organization) -> list[Caller]:
    """Return every kind of key there is; Acme is who is knocked at."""
    assert acme.sibling
    ada = User.objects.get(email="ada@acme.example")
    rita = User.objects.get(email="rita@acme.example")
    oscar = User.objects.get(email="oscar@globex.example")
    return [
        Caller("none", None),
        Caller("no key at all", "sk-something-else-entirely"),
        Caller("service", service_key(acme), ("", "own")),
        Caller("service of the sibling", service_key(acme.sibling), ("", "sibling")),
        Caller("service of a stranger", service_key(globex), ("", "foreign")),
        Caller("revoked", ended(service_key(acme))),
        Caller("admin", admin_key(acme)),
        Caller("owner's", personal_key(ada, "production"), ("", "own")),
        Caller("owner's of staging", personal_key(ada, "staging"), ("", "sibling")),
        Caller("reader's", personal_key(rita, "production"), ("", "own")),
        Caller("revoked reader's", ended(personal_key(rita, "production"))),
        Caller("stranger's", personal_key(oscar, "production"), ("", "foreign")),
        Caller("removed member's", key_of_removed(acme)),
        Caller("expired", expired(service_key(acme))),
        Caller("blocked reader's", blocked_in(acme, personal_key(rita, "production"))),
        Caller("former", former(service_key(acme), timedelta(hours=1)), ("", "own")),
        Caller("former, over", former(service_key(acme), timedelta(0))),
        Caller("of a person put out", of_person_put_out(acme)),
    ]


def test_a_key_acts_where_it_belongs_and_nowhere_else(
    house: House,
    acme_staging: Organization,
    globex: Organization,
    rita: User,
    oscar: User,
    provider: rig.Provider,
) -> None:
    acme = Organization.objects.get(pk=house.organization.pk)
    named = {
        "own": acme.public_id,
        "sibling": acme_staging.public_id,
        "foreign": globex.public_id,
        "missing": "org-000000000000000000000000",
    }
    everybody = callers(acme, globex)
    before, seen = what_is_kept(), 0
    with nothing_written(provider):
        for caller in everybody:
            for header in HEADERS:
                for method, path in PATHS:
                    headers = {"OpenAI-Organization": named[header]} if header else {}
                    answer = call(
                        house.url,
                        caller.text,
                        {},
                        method=method,
                        path=path,
                        headers=headers,
                    )
                    seen += 1
                    is_in = answer.status != UNAUTHORIZED
                    where = (caller.name, header, path, answer.status)
                    assert is_in == (header in caller.admitted), where
    assert what_is_kept() == before
    assert seen == len(everybody) * len(HEADERS) * len(PATHS)
    size = f"{seen:,} requests with {len(everybody)} kinds of key, as they should"
    sys.stdout.write(f"isolation of the API: {size}\n")


def test_no_key_but_an_admin_key_administers(
    house: House, acme_staging: Organization, globex: Organization, oscar: User
) -> None:
    acme = Organization.objects.get(pk=house.organization.pk)
    ada = User.objects.get(email="ada@acme.example")
    join(make_user("rita@acme.example"), acme, Role.READER)
    everybody = [each for each in callers(acme, globex) if each.name != "admin"]
    resources = LISTS | things_of(acme, ada)
    before = what_is_kept()

    for path, methods in resources.items():
        for method in methods.split():
            for caller in everybody:
                where: Any = {"method": method, "path": f"/v1/organization/{path}"}
                answer = call(house.url, caller.text, {}, **where)
                assert answer.status in {UNAUTHORIZED, FORBIDDEN}, (caller.name, where)

    assert what_is_kept() == before
    walked = {resolve(f"/v1/organization/{path}").url_name for path in resources}
    routes = {each.name: each.path for each in all_routes()}
    assert walked == {
        name
        for name, path in routes.items()
        if name.startswith("api_") and "v1/organization" in path
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_none_at_a_path_of_calls(
    house: House, provider: rig.Provider, method: str
) -> None:
    before = what_is_kept()
    with nothing_written(provider):
        for path in CALLS:
            for text in (house.key, None):
                answer = call(house.url, text, {}, method=method, path=path)
                assert answer.status in {401, 404, 405}, (path, answer.status)
    assert what_is_kept() == before


def test_a_suspended_organization_is_shut_to_every_key_of_its_own(
    house: House, rita: User, provider: rig.Provider
) -> None:
    keys = [house.key, personal_key(rita, "production")]
    suspend(Organization.objects.get(pk=house.organization.pk))
    rig.wait_until(lambda: call(house.url, house.key).status == FORBIDDEN)
    before = what_is_kept()
    with nothing_written(provider):
        for text in keys:
            for method, path in PATHS:
                answer = call(house.url, text, {}, method=method, path=path)
                assert answer.status == FORBIDDEN, (path, answer.status)
    assert what_is_kept() == before
