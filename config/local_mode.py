"""Local mode: what a checkout needs before its settings can load."""

from __future__ import annotations

import os
from pathlib import Path

import environ

from config import secret_values
from config.servers.errors import unusable
from config.servers.places import Places

CHECKOUT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.0/8,::1/128"


def is_local() -> bool:
    """Return whether the embedded Postgres is used, as on a developer's machine."""
    read_dotenv()
    return not os.environ.get("DATABASE_URL", "")


def prepare() -> None:
    """
    Make the data directory and its secrets, and allow providers on this machine.

    :raises StartError: if the data directory cannot be used.
    :raises ImproperlyConfigured: if a secret that was given is unsafe.
    """
    read_dotenv()
    os.environ.setdefault("PROVIDER_ALLOWED_NETWORKS", LOOPBACK)
    data_dir = Path(os.environ.get("DATA_DIR") or CHECKOUT / ".data").absolute()
    Places(data_dir).make()
    try:
        secret_values.load_secrets(
            environment=os.environ,
            local_file=data_dir / "secrets.env",
            may_create=True,
        )
    except OSError as error:
        raise unusable(data_dir, error) from error


def read_dotenv() -> None:
    if (CHECKOUT / ".env").is_file():
        environ.Env.read_env(CHECKOUT / ".env")
