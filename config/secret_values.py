"""Secrets of the installation: from the environment, a file, or (locally) made once."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

NAMES = ("SECRET_KEY", "KEY_PEPPER", "ENCRYPTION_KEYS")
# Not set means that what it opens stays shut.
STRIPE_NAMES = ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET")
OPTIONAL_NAMES = (
    *("METRICS_TOKEN", "OIDC_CLIENT_SECRET", "DATABASE_APP_PASSWORD"),
    *STRIPE_NAMES,
)
# As long as whoever issues them makes them.
MADE_BY_OTHERS = ("OIDC_CLIENT_SECRET", "DATABASE_APP_PASSWORD", *STRIPE_NAMES)
SHORTEST_SECRET = 32
PLACEHOLDERS = ("change", "placeholder", "insecure", "example", "secret-key")


def load_secrets(
    *, environment: Mapping[str, str], local_file: Path, may_create: bool
) -> dict[str, str]:
    """
    Return the value of each name in `NAMES`.

    Looks at the variable, then at the file that `NAME_FILE` names, then at
    `local_file`, which is made (mode 0600) if `may_create`: for development only.

    :raises ImproperlyConfigured: if one is missing, short, a placeholder, or the same
        as another.
    """
    found = {name: from_environment(environment, name) for name in NAMES}
    if not all(found.values()):
        local = read_or_create(local_file, may_create=may_create)
        found = {name: found[name] or local.get(name, "") for name in NAMES}
    for name, value in found.items():
        refuse_unsafe(name, value)
    refuse_repeated(found)
    return found


def optional_secret(environment: Mapping[str, str], name: str) -> str:
    """Return a secret that need not be there; ImproperlyConfigured if it is unsafe."""
    assert name in OPTIONAL_NAMES
    value = from_environment(environment, name)
    if value and name not in MADE_BY_OTHERS:
        refuse_unsafe(name, value)
    return value


def stripe_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """Return all of Stripe's keys, or none; ImproperlyConfigured if one is missing."""
    found = {name: optional_secret(environment, name) for name in STRIPE_NAMES}
    missing = [name for name, value in found.items() if not value]
    if missing and len(missing) < len(found):
        raise ImproperlyConfigured(
            f"Payment by card needs {', '.join(STRIPE_NAMES)} (or their _FILE "
            f"variants): {', '.join(missing)} is not set."
        )
    return found


def from_environment(environment: Mapping[str, str], name: str) -> str:
    """Return a variable, or the content of the file its `_FILE` variant names."""
    file_name = environment.get(f"{name}_FILE", "")
    if not file_name:
        return environment.get(name, "").strip()
    try:
        return Path(file_name).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}_FILE names {file_name}, which cannot be read: {error.strerror}."
        ) from error


def refuse_unsafe(name: str, value: str) -> None:
    """Raise if a secret is missing, too short, or looks like a placeholder."""
    how = f"Set {name} (or {name}_FILE): {HINTS[name]}."
    if not value:
        raise unsafe(1, f"{name} is not set. {how}")
    if len(value) < SHORTEST_SECRET:
        raise unsafe(2, f"{name} is shorter than 32 characters. {how}")
    if any(word in value.lower() for word in PLACEHOLDERS):
        raise unsafe(3, f"{name} looks like a placeholder. {how}")


def refuse_repeated(found: Mapping[str, str]) -> None:
    """Raise if one secret does the work of two: who learns one has both."""
    keys = found["ENCRYPTION_KEYS"].split(",")
    ring = [key.partition(":")[2].strip() for key in keys]
    others = [value for name, value in found.items() if name != "ENCRYPTION_KEYS"]
    values = [*others, *ring]
    if len(set(values)) < len(values):
        names = ", ".join(found)
        raise unsafe(4, f"Two secrets are the same. Make each of {names} a new one.")


def unsafe(number: int, sentence: str) -> ImproperlyConfigured:
    """Return the refusal; the numbers go on in `config.safety`."""
    return ImproperlyConfigured(f"{sentence} (tokenhouse.E{number:03})")


HINTS = {
    "SECRET_KEY": "50 random characters",
    "KEY_PEPPER": "50 random characters; changing it voids every API key",
    "METRICS_TOKEN": "50 random characters, or nothing",
    "ENCRYPTION_KEYS": "`name:base64` of 32 random bytes each, newest first",
}


def read_or_create(local_file: Path, *, may_create: bool) -> dict[str, str]:
    """Return the secrets of a local installation, made at its first start."""
    if not local_file.exists():
        if not may_create:
            return {}
        create(local_file)
    pairs = (line.partition("=") for line in local_file.read_text().splitlines())
    return {name: value for name, _, value in pairs}


def create(local_file: Path) -> None:
    """Write fresh secrets; a second process that comes first wins."""
    local_file.parent.mkdir(parents=True, exist_ok=True)
    text = (
        f"SECRET_KEY={secrets.token_urlsafe(48)}\n"
        f"KEY_PEPPER={secrets.token_urlsafe(48)}\n"
        f"ENCRYPTION_KEYS=k1:{base64.b64encode(secrets.token_bytes(32)).decode()}\n"
    )
    fresh = local_file.with_name(f"{local_file.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    try:
        os.link(fresh, local_file)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
