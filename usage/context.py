"""What pages of keys show of their traffic."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from usage.queries import requests_by_key

RECENTLY = timedelta(days=1)


def recent_traffic(request: HttpRequest) -> dict[str, Any]:
    """Return the last day's requests by the keys' row ids; asked for when used."""
    organization = getattr(request, "organization", None)
    if organization is None:
        return {}
    since = timezone.now() - RECENTLY
    read = partial(requests_by_key, organization, since=since)
    return {"recent_requests": SimpleLazyObject(read)}
