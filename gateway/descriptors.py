"""How many connections this process may have open."""

from __future__ import annotations

import contextlib
import resource

# A stream takes two: its client's and its provider's.
OPEN_MAX = 65_536


def allow_many_open() -> None:
    """
    Raise this process's limit of open files as far as the system lets it.

    A shell's usual limit (1,024) would end at some 500 streams.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_MAX if hard == resource.RLIM_INFINITY else min(hard, OPEN_MAX)
    if soft != resource.RLIM_INFINITY and soft < most:
        # Where the system says no, it stays as it is.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
