"""What keeps a server from starting, in words for the person at the console."""

from __future__ import annotations

from pathlib import Path


class StartError(Exception):
    """One clear message: what failed, and what to do about it."""


def unusable(path: Path, error: OSError) -> StartError:
    """Return the start error for a folder or file that the system refuses."""
    reason = error.strerror or str(error)
    return StartError(
        f"Cannot use {error.filename or path}: {reason}. "
        "Set DATA_DIR to a folder that this user can write to."
    )
