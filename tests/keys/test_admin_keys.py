"""Owners set the key by which their provider is asked what it billed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from pytest_django import Settings

from keys.encryption import CannotDecrypt, key_name_of
from keys.models import ProviderAdminKey
from keys.queries import open_admin_key
from orgs.models import AuditEvent, Organization, User
from orgs.reach import OF_GATEWAY, within
from tests.keys.test_encryption import ring_of
from tests.provider_accounts import (
    ADMIN_SECRET,
    Accounts,
    provider_accounts,
)
from tests.visits import browser_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def accounts(settings: Settings) -> Iterator[Accounts]:
    settings.PROVIDER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with provider_accounts() as found:
        yield found


def send(user: User, acme: Organization, url: str, **changes: str) -> Any:
    form = {
        "admin_base_url": url,
        "admin_secret": ADMIN_SECRET,
        "admin_project": "proj_a",
    }
    address = f"/o/{acme.slug}/keys/provider-admin-key"
    return browser_of(user).post(address, form | changes)


def test_a_key_that_the_provider_answers_to_is_stored(
    acme: Organization, ada: User, accounts: Accounts
) -> None:
    assert send(ada, acme, accounts.url).status_code == 302
    key = ProviderAdminKey.objects.get()

    assert key.verified_at is not None
    assert ADMIN_SECRET not in key.ciphertext
    access = open_admin_key(key)
    assert (access.secret, access.project_id) == (ADMIN_SECRET, "proj_a")
    page = browser_of(ada).get(f"/o/{acme.slug}/keys").content.decode()
    assert "proj_a" in page
    assert ADMIN_SECRET not in page


def test_a_key_that_it_refuses_is_not_stored_unless_one_insists(
    acme: Organization, ada: User, accounts: Accounts
) -> None:
    wrong = {"admin_secret": "sk-admin-wrong-12345678"}
    answer = send(ada, acme, accounts.url, **wrong)
    assert answer.status_code == 422
    assert "It answered 401" in answer.content.decode()
    assert not ProviderAdminKey.objects.exists()

    send(ada, acme, accounts.url, **wrong, admin_unverified="on")
    assert ProviderAdminKey.objects.get().verified_at is None


@pytest.mark.parametrize(
    "changes",
    [
        {"admin_base_url": "http://192.0.2.1/v1"},
        {"admin_base_url": "https://user@api.openai.com/v1"},
        {"admin_secret": "with spaces in it"},
        {"admin_project": "../../x"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_cannot_be_right_is_refused(
    acme: Organization, ada: User, accounts: Accounts, changes: dict[str, str]
) -> None:
    answer = send(ada, acme, accounts.url, **changes, admin_unverified="on")

    assert answer.status_code == 422
    assert not ProviderAdminKey.objects.exists()
    assert accounts.asked == []


def test_it_is_bound_to_its_url_and_row(
    acme: Organization, ada: User, accounts: Accounts
) -> None:
    send(ada, acme, accounts.url)
    key = ProviderAdminKey.objects.get()
    key.base_url = "https://elsewhere.example/v1"

    with pytest.raises(CannotDecrypt):
        open_admin_key(key)


def test_it_is_removed_once(acme: Organization, ada: User, accounts: Accounts) -> None:
    send(ada, acme, accounts.url)
    for _ in range(2):
        browser_of(ada).post(f"/o/{acme.slug}/keys/provider-admin-key/remove")

    assert not ProviderAdminKey.objects.exists()
    events = AuditEvent.objects.filter(action="provider_admin_key.deleted")
    assert events.count() == 1


def test_the_gateway_cannot_read_it(
    acme: Organization, ada: User, accounts: Accounts
) -> None:
    send(ada, acme, accounts.url)
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        within(OF_GATEWAY),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT ciphertext FROM keys_provideradminkey")


def test_it_goes_over_to_the_newest_encryption_key(
    acme: Organization, ada: User, accounts: Accounts, settings: Settings
) -> None:
    old, new = b"o" * 32, b"n" * 32
    settings.ENCRYPTION_KEYS = ring_of(old=old)
    send(ada, acme, accounts.url)
    settings.ENCRYPTION_KEYS = ring_of(new=new, old=old)
    call_command("rotate_encryption_keys", verbosity=0)
    settings.ENCRYPTION_KEYS = ring_of(new=new)

    key = ProviderAdminKey.objects.get()
    assert key_name_of(key.ciphertext) == "new"
    assert open_admin_key(key).secret == ADMIN_SECRET
