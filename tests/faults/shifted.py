"""
A program on a host whose clock is wrong: `python -m tests.faults.shifted FILE -m …`.

FILE says by how many seconds, and may change meanwhile: whatever Python asks for the
time of day is so far off, what measures durations is right. Postgres, elsewhere, has
the right time.
"""

from __future__ import annotations

import datetime
import os
import runpy
import sys
import time
from pathlib import Path
from typing import Any

TrueDatetime = datetime.datetime


class Clock:
    """How far the clock of this host is off, as the file says right now."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)

    def off_by_s(self) -> float:
        return float(os.pread(self._file, 32, 0) or b"0")


def set_clock(path: Path, seconds: float) -> None:
    """Put a clock forward, or back if `seconds` is negative."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    # Of one length, written over at once: a reader finds the old or the new one.
    os.pwrite(descriptor, f"{seconds:+031.9f}".encode(), 0)
    os.close(descriptor)


class AsDatetime(type):
    """Takes for a datetime whatever is one: Postgres' driver makes true ones."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TrueDatetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, TrueDatetime)


def shift(clock: Clock) -> None:
    """Have all that is imported from now on see the clock of the file."""
    true_time, true_time_ns = time.time, time.time_ns

    class ShiftedDatetime(TrueDatetime, metaclass=AsDatetime):
        """Says the wrong time; all that it makes are plain datetimes."""

        def __new__(cls, *fields: Any, **named: Any) -> Any:
            return TrueDatetime(*fields, **named)

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            off_by = datetime.timedelta(seconds=clock.off_by_s())
            return TrueDatetime.now(tz) + off_by

    time.__dict__["time"] = lambda: true_time() + clock.off_by_s()
    time.__dict__["time_ns"] = lambda: true_time_ns() + int(clock.off_by_s() * 1e9)
    datetime.__dict__["datetime"] = ShiftedDatetime


def main() -> None:
    _, clock, flag, module, *arguments = sys.argv
    assert flag == "-m"
    shift(Clock(Path(clock)))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
