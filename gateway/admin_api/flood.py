"""How many requests an admin key may make in a minute."""

from __future__ import annotations

import time

from django.conf import settings
from django.core.cache import cache

from gateway import errors
from keys.models import ApiKey

MINUTE_S = 60


def refuse_flood(key: ApiKey) -> None:
    """
    Count a request of an admin key in its minute of the clock.

    :raises ApiError: (429) beyond `ADMIN_API_REQUESTS_PER_MINUTE`.
    """
    most = settings.ADMIN_API_REQUESTS_PER_MINUTE
    now = time.time()
    left_s = MINUTE_S - int(now) % MINUTE_S
    name = f"admin_api:{key.pk}:{int(now) // MINUTE_S}"
    cache.add(name, 0, timeout=2 * MINUTE_S)
    try:
        count = cache.incr(name)
    except ValueError:
        # Forgotten in between: a new count begins with the next request.
        return
    if count > most:
        headers = {
            "retry-after": str(left_s),
            "x-ratelimit-limit-requests": str(most),
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": f"{left_s}s",
        }
        raise errors.requests_limited(
            f"Rate limit reached for the admin key {key.public_id} on requests per "
            f"min (RPM): Limit {most}. Please try again in {left_s}s.",
            headers,
        )
