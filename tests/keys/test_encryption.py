"""Provider keys at rest: altered, moved or redirected, they do not open."""

from __future__ import annotations

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from keys.actions import store_provider_key
from keys.encryption import CannotDecrypt, read_ring, seal, unseal
from keys.models import ProviderKey
from keys.queries import open_provider_key
from orgs.models import Organization, User
from tests.factories import NOW

CONTEXT = ("org-1", "table", "column")
SECRET = "sk-provider-secret-1234"


def ring_of(**names: bytes) -> str:
    pairs = (f"{name}:{base64.b64encode(key).decode()}" for name, key in names.items())
    return ",".join(pairs)


def store(organization: Organization, user: User, secret: str = SECRET) -> ProviderKey:
    return store_provider_key(
        organization=organization,
        base_url="https://api.openai.com/v1",
        secret=secret,
        acting_user=user,
        now=NOW,
    )


@given(st.text(max_size=400), st.lists(st.text(max_size=20), max_size=5))
def test_a_secret_opens_in_its_own_context(text: str, context: list[str]) -> None:
    assert unseal(seal(text, context=tuple(context)), context=tuple(context)) == text


@given(
    st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4)
)
def test_a_secret_opens_in_no_other_context(one: list[str], other: list[str]) -> None:
    sealed = seal(SECRET, context=tuple(one))
    if one == other:
        return
    with pytest.raises(CannotDecrypt):
        unseal(sealed, context=tuple(other))


@pytest.mark.parametrize("cut", [("ab", "c"), ("a", "bc"), ("abc",), ("abc", "")])
def test_parts_of_a_context_do_not_run_together(cut: tuple[str, ...]) -> None:
    sealed = seal(SECRET, context=("a", "b", "c"))
    with pytest.raises(CannotDecrypt):
        unseal(sealed, context=cut)


def test_every_flipped_bit_is_noticed() -> None:
    form, name, encoded = seal(SECRET, context=CONTEXT).split(".")
    data = base64.b64decode(encoded)
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        text = f"{form}.{name}.{base64.b64encode(flipped).decode()}"
        with pytest.raises(CannotDecrypt):
            unseal(text, context=CONTEXT)


@pytest.mark.parametrize(
    "text", ["", "v1", "v1.k1.", "v1.k1.!!", "v2.k1.AAAA", "v1.zz.AA=="]
)
def test_nonsense_does_not_open(text: str) -> None:
    with pytest.raises(CannotDecrypt):
        unseal(text, context=CONTEXT)


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    assert len({seal(SECRET, context=CONTEXT) for _ in range(50)}) == 50


def test_an_older_key_of_the_ring_still_opens(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ring_of(old=b"o" * 32)
    sealed = seal(SECRET, context=CONTEXT)
    settings.ENCRYPTION_KEYS = ring_of(new=b"n" * 32, old=b"o" * 32)
    assert unseal(sealed, context=CONTEXT) == SECRET
    assert seal(SECRET, context=CONTEXT).startswith("v1.new.")
    settings.ENCRYPTION_KEYS = ring_of(new=b"n" * 32)
    with pytest.raises(CannotDecrypt):
        unseal(sealed, context=CONTEXT)


def test_a_key_renamed_in_the_ring_does_not_open(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ring_of(one=b"o" * 32)
    sealed = seal(SECRET, context=CONTEXT)
    settings.ENCRYPTION_KEYS = ring_of(two=b"o" * 32)
    with pytest.raises(CannotDecrypt):
        unseal(sealed.replace(".one.", ".two."), context=CONTEXT)


@pytest.mark.parametrize(
    "ring", ["", "k1", "k1:AAAA", ":" + "A" * 43 + "=", "k.1:" + "A" * 43 + "="]
)
def test_a_bad_ring_is_refused(ring: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        read_ring(ring)


@pytest.mark.django_db
def test_a_provider_key_opens_for_its_organization(
    acme: Organization, ada: User
) -> None:
    key = store(acme, ada)
    key.refresh_from_db()
    assert open_provider_key(key) == SECRET
    assert SECRET not in key.ciphertext


@pytest.mark.django_db
def test_swapped_rows_do_not_open(
    acme: Organization, ada: User, globex: Organization, oscar: User
) -> None:
    ours, theirs = store(acme, ada), store(globex, oscar, "sk-of-globex-9876")
    ours.ciphertext, theirs.ciphertext = theirs.ciphertext, ours.ciphertext
    for key in (ours, theirs):
        with pytest.raises(CannotDecrypt):
            open_provider_key(key)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1",
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "https://api.openai.com.evil.example/v1",
    ],
)
def test_pointed_at_another_origin_it_does_not_open(
    acme: Organization, ada: User, url: str
) -> None:
    key = store(acme, ada)
    ProviderKey.objects.filter(pk=key.pk).update(base_url=url)
    key.refresh_from_db()
    with pytest.raises(CannotDecrypt):
        open_provider_key(key)


@pytest.mark.django_db
def test_another_path_of_the_same_origin_opens(acme: Organization, ada: User) -> None:
    key = store(acme, ada)
    key.base_url = "https://API.openai.com:443/v2"
    assert open_provider_key(key) == SECRET
