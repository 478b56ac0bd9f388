"""A setting that opens a hole is named by its number, and stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from config import safety
from config.secret_values import load_secrets
from tests.architecture.source import text_of

GOOD = {
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz",
    "KEY_PEPPER": "9876543210-abcdefghijklmnopqrstuvwxyz",
    "ENCRYPTION_KEYS": "k1:Zm9yLXRoaXMtY2hlY2stb25seS0wMTIzNDU2Nzg5LWE=",
}
PRODUCTION = {
    "DEBUG": False,
    "IS_HTTPS": True,
    "BASE_URL": "https://llm.acme.example",
    "ALLOWED_HOSTS": ["llm.acme.example"],
    "PROVIDER_ALLOWED_NETWORKS": ["10.20.0.0/16", "fd12::/48"],
    "MAIL_LEADS_NOWHERE": False,
    **GOOD,
}
ERRORS = [
    ({"DEBUG": True}, 5),
    ({"DEBUG": True, "IS_HTTPS": False, "BIND": "0.0.0.0"}, 5),  # noqa: S104
    ({"ALLOWED_HOSTS": ["*"]}, 6),
    ({"ALLOWED_HOSTS": ["llm.acme.example", "."]}, 6),
    ({"PROVIDER_ALLOWED_NETWORKS": ["nonsense"]}, 7),
    ({"PROVIDER_ALLOWED_NETWORKS": ["10.0.0.1/8"]}, 7),
    ({"PROVIDER_ALLOWED_NETWORKS": ["0.0.0.0/0"]}, 8),
    ({"PROVIDER_ALLOWED_NETWORKS": ["0.0.0.0/1", "128.0.0.0/1"]}, 8),
    ({"PROVIDER_ALLOWED_NETWORKS": ["::/0"]}, 8),
    ({"BASE_URL": "llm.acme.example"}, 9),
    ({"BASE_URL": "ftp://llm.acme.example"}, 9),
    ({"BASE_URL": "https://ada:secret@llm.acme.example"}, 9),
    ({"BASE_URL": "https://llm.acme.example/console"}, 9),
    ({"ENCRYPTION_KEYS": "k1:AAAA"}, 10),
    ({"SECRET_KEY": "ab" * 30}, 11),
    ({"KEY_PEPPER": "p" * 50}, 11),
    ({"ENCRYPTION_KEYS": f"k1:{'A' * 43}="}, 11),
]
WARNINGS = [
    ({"IS_HTTPS": False, "BASE_URL": "http://llm.acme.example"}, 1),
    ({"MAIL_LEADS_NOWHERE": True}, 2),
    ({"PROVIDER_ALLOWED_NETWORKS": ["127.0.0.0/8"]}, 3),
    ({"PROVIDER_ALLOWED_NETWORKS": ["169.254.0.0/16"]}, 3),
    ({"PROVIDER_ALLOWED_NETWORKS": ["fd00::/8"]}, 3),
]


def configure(settings: Settings, change: dict[str, object]) -> None:
    for name, value in (PRODUCTION | change).items():
        setattr(settings, name, value)


def test_a_sound_installation_has_nothing_to_say(settings: Settings) -> None:
    configure(settings, {})

    assert safety.unsafe_settings() + safety.doubtful_settings() == []
    safety.refuse_unsafe()


@pytest.mark.parametrize(("change", "number"), ERRORS)
def test_what_opens_a_hole_stops_the_start(
    settings: Settings, change: dict[str, object], number: int
) -> None:
    configure(settings, change)

    assert {f"tokenhouse.E{number:03}"} == {e.id for e in safety.unsafe_settings()}
    with pytest.raises(ImproperlyConfigured, match=f"E{number:03}"):
        safety.refuse_unsafe()
    with pytest.raises(SystemExit, match=r"Set [A-Z_]+"):
        safety.stop_if_unsafe()


@pytest.mark.parametrize(("change", "number"), WARNINGS)
def test_what_is_doubtful_is_warned_of(
    settings: Settings, change: dict[str, object], number: int
) -> None:
    configure(settings, change)

    assert [w.id for w in safety.doubtful_settings()] == [f"tokenhouse.W{number:03}"]
    safety.refuse_unsafe()


@pytest.mark.parametrize("debug", [True, False])
def test_on_this_machine_debug_is_nobodys_business(
    settings: Settings, debug: bool
) -> None:
    configure(settings, {"DEBUG": debug, "IS_HTTPS": False, "BIND": "127.0.0.1"})

    assert safety.unsafe_settings() == []


SECRETS = [
    ({"SECRET_KEY": ""}, 1),
    ({"KEY_PEPPER": ""}, 1),
    ({"ENCRYPTION_KEYS": ""}, 1),
    ({"SECRET_KEY": "short"}, 2),
    ({"KEY_PEPPER": "x" * 31}, 2),
    ({"SECRET_KEY": "change-me-0123456789-0123456789-0123456789"}, 3),
    ({"KEY_PEPPER": "django-insecure-0123456789-0123456789-0123"}, 3),
    ({"KEY_PEPPER": GOOD["SECRET_KEY"]}, 4),
    ({"KEY_PEPPER": GOOD["ENCRYPTION_KEYS"].partition(":")[2]}, 4),
    ({"ENCRYPTION_KEYS": ",".join([GOOD["ENCRYPTION_KEYS"]] * 2)}, 4),
]


@pytest.mark.parametrize(("change", "number"), SECRETS)
def test_an_unsafe_secret_stops_the_start(
    tmp_path: Path, change: dict[str, str], number: int
) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"tokenhouse.E{number:03}"):
        load_secrets(
            environment=GOOD | change,
            local_file=tmp_path / "secrets.env",
            may_create=False,
        )


def test_every_number_is_documented() -> None:
    text = text_of("docs/configuration.md")
    errors = [f"tokenhouse.E{number:03}" for _, number in (*ERRORS, *SECRETS)]
    warnings = [f"tokenhouse.W{number:03}" for _, number in WARNINGS]

    assert [each for each in errors + warnings if f"| `{each}` |" not in text] == []
