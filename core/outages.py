"""Work that comes again by itself: give way when the database is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from django.db import InterfaceError, OperationalError, connections

logger = logging.getLogger(__name__)
P = ParamSpec("P")


def postponed_without_database(work: Callable[P, None]) -> Callable[P, None]:
    """
    Log one line instead of failing when the database cannot be reached or is busy.

    For periodic work only: its next turn makes up for the one that was missed.
    """

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            reason = str(error).strip().partition("\n")[0]
            logger.warning("work.postponed work=%s reason=%s", work.__name__, reason)
            # A broken connection is not used again.
            connections.close_all()

    return run
