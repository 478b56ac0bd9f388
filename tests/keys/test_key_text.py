"""The text of a key: its errors are caught, its parts are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import ids
from keys.secrets import digest_key, make_key, mask_key, parse_key
from orgs.models import Environment

KINDS = st.sampled_from(["personal", "service", "admin"])
ENVIRONMENTS = st.sampled_from(Environment.values)
PLACES = st.integers(min_value=0, max_value=200)
CHARACTERS = st.sampled_from(ids.ALPHABET + "-_ \n")


@given(KINDS, ENVIRONMENTS)
def test_a_key_is_read_as_it_was_made(kind: str, environment: str) -> None:
    made = make_key(kind=kind, environment=environment)
    assert parse_key(made.text) == made
    assert made.text.startswith(f"th-{kind}")
    assert made.handle in made.text


@given(KINDS, ENVIRONMENTS, PLACES, CHARACTERS)
def test_one_wrong_character_is_caught(
    kind: str, environment: str, place: int, character: str
) -> None:
    text = make_key(kind=kind, environment=environment).text
    place %= len(text)
    wrong = text[:place] + character + text[place + 1 :]
    assert (parse_key(wrong) is None) == (wrong != text)


@given(KINDS, ENVIRONMENTS, PLACES)
def test_two_swapped_neighbors_are_caught(
    kind: str, environment: str, place: int
) -> None:
    text = make_key(kind=kind, environment=environment).text
    place %= len(text) - 1
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assert (parse_key(swapped) is None) == (swapped != text)


@given(KINDS, ENVIRONMENTS, PLACES)
def test_a_missing_or_extra_character_is_caught(
    kind: str, environment: str, place: int
) -> None:
    text = make_key(kind=kind, environment=environment).text
    place %= len(text)
    assert parse_key(text[:place] + text[place + 1 :]) is None
    assert parse_key(text[:place] + "x" + text[place:]) is None


@given(st.text(max_size=200))
def test_no_text_makes_parsing_fail(text: str) -> None:
    assert parse_key(text) is None


def test_staging_keys_say_so() -> None:
    made = make_key(kind="personal", environment=Environment.STAGING)
    assert made.text.startswith("th-personal_staging-")


def test_keys_have_256_random_bits() -> None:
    texts = {make_key(kind="service", environment="production").text for _ in range(99)}
    secrets = {text.rsplit("-", 1)[1][:43] for text in texts}
    assert len(secrets) == 99
    assert all(len(secret) == 43 for secret in secrets)


def test_a_digest_depends_on_text_and_pepper() -> None:
    one = digest_key("th-a", pepper="p")
    assert one == digest_key("th-a", pepper="p")
    assert one != digest_key("th-a", pepper="q")
    assert one != digest_key("th-b", pepper="p")


@pytest.mark.parametrize("length", [0, 1, 8, 12, 23])
def test_a_short_wrong_key_is_masked_whole(length: int) -> None:
    assert mask_key("x" * length) == "***"


@given(st.text(min_size=24, max_size=300))
def test_a_mask_shows_twelve_characters_at_most(text: str) -> None:
    assert len(mask_key(text)) == 15
