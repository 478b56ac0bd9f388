"""Which paths of the API administer or tell balances: Django serves those."""

from __future__ import annotations

STARTS = ("/v1/organization/", "/v1/dashboard/")
WHOLE = ("/v1/organization", "/v1/key")


def is_administration(path: str) -> bool:
    """Say whether a path below `/v1` is none of the gateway's."""
    return path in WHOLE or path.startswith(STARTS)
