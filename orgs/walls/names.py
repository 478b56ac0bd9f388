"""How the roles are called in Postgres, where a cluster's databases share all names."""

from __future__ import annotations

import hashlib

# Postgres cuts names at 63 bytes.
LONGEST_DATABASE = 40
LOGIN = "app"


def role_name(database: str, role: str) -> str:
    """
    Return the name of a role of ours: `tokenhouse_console` in database `tokenhouse`.

    Each database has roles of its own: with those of another installation in the same
    cluster nobody gets in here.
    """
    stem = database
    if len(database.encode()) > LONGEST_DATABASE:
        digest = hashlib.sha256(database.encode()).hexdigest()[:8]
        stem = f"{database.encode()[:30].decode(errors='ignore')}_{digest}"
    return f"{stem}_{role}"
