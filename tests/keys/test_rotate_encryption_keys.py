"""The ring's keys change; provider keys go over to the newest."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from pytest_django import Settings

from keys import encryption
from keys.actions import reseal_provider_keys
from keys.encryption import CannotDecrypt, key_name_of
from keys.models import ProviderKey
from keys.queries import open_provider_key
from keys.two_factor import CONTEXT
from orgs.models import AuditEvent, Organization, User
from tests.factories import NOW
from tests.keys.test_encryption import SECRET, ring_of, store

pytestmark = pytest.mark.django_db

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def _two_provider_keys(
    acme: Organization,
    globex: Organization,
    ada: User,
    oscar: User,
    settings: Settings,
) -> None:
    settings.ENCRYPTION_KEYS = ring_of(old=OLD)
    store(acme, ada)
    store(globex, oscar)
    settings.ENCRYPTION_KEYS = ring_of(new=NEW, old=OLD)


def names() -> set[str]:
    return {key_name_of(key.ciphertext) for key in ProviderKey.objects.all()}


def opened() -> set[str]:
    return {open_provider_key(key) for key in ProviderKey.objects.all()}


@pytest.mark.usefixtures("_two_provider_keys")
def test_afterwards_the_old_key_is_not_needed(settings: Settings) -> None:
    call_command("rotate_encryption_keys", verbosity=0)
    settings.ENCRYPTION_KEYS = ring_of(new=NEW)
    assert (names(), opened()) == ({"new"}, {SECRET})


@pytest.mark.usefixtures("_two_provider_keys")
def test_it_goes_on_where_it_stopped() -> None:
    assert reseal_provider_keys(now=NOW, batch_max=1) == 1
    assert (names(), opened()) == ({"new", "old"}, {SECRET})
    assert reseal_provider_keys(now=NOW) == 1
    assert reseal_provider_keys(now=NOW) == 0
    assert AuditEvent.objects.filter(action="provider_key.resealed").count() == 2


@pytest.mark.usefixtures("_two_provider_keys")
def test_a_key_that_does_not_open_stops_it_and_changes_nothing(
    settings: Settings,
) -> None:
    settings.ENCRYPTION_KEYS = ring_of(new=NEW)
    with pytest.raises(CommandError, match="does not open"):
        call_command("rotate_encryption_keys", verbosity=0)
    assert names() == {"old"}


@pytest.mark.usefixtures("_two_provider_keys")
def test_a_ciphertext_that_says_it_is_under_another_key_does_not_open() -> None:
    key = ProviderKey.objects.first()
    assert key is not None
    key.ciphertext = key.ciphertext.replace(".old.", ".new.")
    with pytest.raises(CannotDecrypt):
        open_provider_key(key)


def seal_factors(ada: User) -> None:
    for kind, field in (("totp", "secret"), ("recovery_codes", "seed")):
        sealed = encryption.seal(SECRET, context=CONTEXT)
        data = {field: sealed, "used_mask": 0}
        Authenticator.objects.create(user=ada, type=kind, data=data)
    Authenticator.objects.create(user=ada, type="webauthn", data={"name": "phone"})


def test_second_factors_go_over_too(ada: User, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ring_of(old=OLD)
    seal_factors(ada)
    settings.ENCRYPTION_KEYS = ring_of(new=NEW, old=OLD)

    call_command("rotate_encryption_keys", verbosity=0)

    settings.ENCRYPTION_KEYS = ring_of(new=NEW)
    found = {f.type: f.data for f in Authenticator.objects.all()}
    sealed = [found["totp"]["secret"], found["recovery_codes"]["seed"]]
    assert [encryption.unseal(s, context=CONTEXT) for s in sealed] == [SECRET, SECRET]
    assert found["recovery_codes"]["used_mask"] == 0
    assert found["webauthn"] == {"name": "phone"}
