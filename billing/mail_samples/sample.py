"""A mail of the gallery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orgs.mail import SAMPLE, Addressee, Draft, drafted


@dataclass(frozen=True, slots=True)
class Sample:
    """
    A mail as it would be queued: `name` begins with its kind.

    `facts` stand in for what the template would be given otherwise.
    """

    name: str
    occasion: str
    queue: Callable[[], object]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def draft(self, recipient: Addressee = SAMPLE) -> Draft:
        """Write the mail for somebody, and queue nothing."""
        with drafted(recipient, **self.facts) as drafts:
            self.queue()
        (draft,) = drafts
        return draft
