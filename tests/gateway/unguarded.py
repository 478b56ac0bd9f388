"""
The gateway with its guard taken out, for controls: it checks what is spent, but
what it holds does not count. That is check-then-record, as peers do it.
"""

from __future__ import annotations

from dataclasses import replace

import billing.booking
from billing.limits import Funding, Refusal, decide
from config.asgi import application as application


def decide_without_holds(funding: Funding, bound_nanos: int | None) -> Refusal | None:
    """Decide as if nothing were under way."""
    scopes = tuple(replace(scope, held_nanos=0) for scope in funding.scopes)
    return decide(replace(funding, held_nanos=0, scopes=scopes), bound_nanos)


# What does not plainly fit is decided here, alone or in a batch.
billing.booking.__dict__["decide"] = decide_without_holds
