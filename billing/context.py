"""What pages of keys and members show of their limits and their last use."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from billing.scope_models import Scope
from billing.scope_queries import limits_in_force
from keys.queries import last_use_by_member


def scope_limits(request: HttpRequest) -> dict[str, Any]:
    """Return the limits of keys and members by their row ids; asked for when used."""
    organization = getattr(request, "organization", None)
    if organization is None:
        return {}
    read = partial(limits_in_force, organization, now=timezone.now())
    return {
        "key_limits": SimpleLazyObject(partial(read, Scope.KEY)),
        "member_limits": SimpleLazyObject(partial(read, Scope.MEMBER)),
        "member_last_use": SimpleLazyObject(partial(last_use_by_member, organization)),
    }
