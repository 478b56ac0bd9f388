"""
Ask whether a version that the locks pin has a known vulnerability.

    python .ci/audit.py requirements.lock …

Exit status 1 if one has. Where the database of vulnerabilities cannot be reached, it
says so and passes: a build without internet is no reason to fail, nor to be silent.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TIMEOUT_S = 5
# Asked about first: a build without internet should not wait once for each package.
PROBE = "django"


def audit(lock: Path) -> list[dict[str, Any]] | None:
    """Return what is known of each package in a lock; None if nobody answers."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--requirement", str(lock)),
            *("--disable-pip", "--no-deps", "--format", "json"),
            *("--progress-spinner", "off", "--timeout", str(TIMEOUT_S)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return found


def is_reachable(lock: Path) -> bool:
    """Ask about one package of the lock alone."""
    text = lock.read_text()
    begin = text.index(f"\n{PROBE}==") + 1
    lines = text[begin:].splitlines()
    end = next(n for n, line in enumerate(lines) if not line.endswith("\\"))
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe.lock"
        probe.write_text("\n".join(lines[: end + 1]) + "\n")
        found = audit(probe)
    return bool(found) and not any("skip_reason" in package for package in found or [])


def main(locks: list[Path]) -> int:
    if not is_reachable(locks[0]):
        print("Skipped: the database of known vulnerabilities cannot be reached.")  # noqa: T201
        return 0
    status = 0
    for lock in locks:
        for package in audit(lock) or [{"name": str(lock), "skip_reason": "no answer"}]:
            for known in package.get("vulns", []):
                print(f"{package['name']} {package['version']}: {known['id']}")  # noqa: T201
                status = 1
            if "skip_reason" in package:
                print(f"{package['name']}: not audited, {package['skip_reason']}")  # noqa: T201
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
