"""The demo of a local installation: its people, and a key to try it with."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from keys.actions import issue_key
from keys.models import ApiKey, ApiKeyKind
from keys.secrets import digest_key
from orgs.models import Environment, Organization, User

OWNER = "ada@acme.example"
KEY_NAME = "Printed by make run"
OFF = ("off", "0", "no", "false")


@dataclass(frozen=True, slots=True)
class DemoKey:
    """What `demo.json` holds: all that a client of the demo needs."""

    api_key: str
    base_url: str
    organization_id: str


def is_wanted() -> bool:
    """Return whether a demo is in place here: never on a public address."""
    if settings.IS_HTTPS:
        return False
    return os.environ.get("DEMO", "").lower() not in OFF


def exists() -> bool:
    return Organization.objects.filter(is_demo=True).exists()


def seed() -> None:
    call_command("seed_demo", verbosity=0)


def demo_key(*, file: Path, base_url: str, now: datetime) -> DemoKey | None:
    """
    Return a working key of Ada's for Acme Staging: the one in `file`, else a new one.

    None if the demo has been removed.
    """
    staging = Organization.objects.filter(
        is_demo=True,
        environment=Environment.STAGING,
        memberships__user__email=OWNER,
    ).first()
    if staging is None:
        return None
    text = known_key(file, now=now) or new_key(now=now)
    key = DemoKey(text, base_url, staging.public_id)
    write_private(file, json.dumps(asdict(key), indent=2) + "\n")
    return key


def known_key(file: Path, *, now: datetime) -> str:
    """Return the key in `file` if it still works, else nothing."""
    try:
        text = str(json.loads(file.read_text())["api_key"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    digest = digest_key(text, pepper=settings.KEY_PEPPER)
    return text if ApiKey.objects.live(at=now).filter(digest=digest).exists() else ""


def new_key(*, now: datetime) -> str:
    ada = User.objects.get(email=OWNER)
    return issue_key(
        kind=ApiKeyKind.PERSONAL,
        environment=Environment.STAGING,
        name=KEY_NAME,
        organization=None,
        user=ada,
        acting_user=ada,
        expires_at=None,
        now=now,
    ).text


def write_private(file: Path, text: str) -> None:
    """Replace a file by one that only we can read."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(file)
