"""The memory of a process at its highest (Linux)."""

from __future__ import annotations

from pathlib import Path

from tests import rig


class Memory:
    """Watches a process's memory from now on."""

    def __init__(self, process: rig.Process) -> None:
        self._folder = Path(f"/proc/{process.popen.pid}")
        # The highest so far counts from here on.
        (self._folder / "clear_refs").write_text("5")
        self._before = self._status("VmRSS")

    def growth_mb(self) -> float:
        """Return by how much it ever was larger than at the beginning."""
        return (self._status("VmHWM") - self._before) / 1024

    def _status(self, name: str) -> int:
        lines = (self._folder / "status").read_text().splitlines()
        return int(next(one for one in lines if one.startswith(f"{name}:")).split()[1])
