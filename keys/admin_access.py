"""By which key a provider is asked what it billed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """Where to ask, with which key, and of which project (empty: of all)."""

    base_url: str
    secret: str = field(repr=False)
    project_id: str = ""
