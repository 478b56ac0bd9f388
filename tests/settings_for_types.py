"""Settings for the type checker: no servers, no secrets of anyone."""

from __future__ import annotations

import os

for _name, _value in {
    "DATABASE_URL": "postgres://types@localhost/types",
    "REDIS_URL": "redis://localhost/0",
    "SECRET_KEY": "type-checking-only-" * 3,
    "KEY_PEPPER": "t" * 50,
    "ENCRYPTION_KEYS": "t:" + "A" * 43 + "=",
}.items():
    os.environ.setdefault(_name, _value)

from config.settings import *  # noqa: E402, F403
