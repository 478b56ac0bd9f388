"""
Kill everything, again and again, and see that the books are right.

    python -m tests.faults [--seed N] [--minutes 5] [--unguarded] [--full-disk]

Runs on servers of its own in a temporary folder. The same seed draws the same
schedule; how processes interleave is up to the machine. Ends with status 0 if nothing
is wrong (with --unguarded: if the limit was passed, as it must be without the guard).
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import django
from django.core.management import call_command

from config.servers.lease import embedded_servers
from tests.faults.disk import LOUD, SmallDisk, enter_namespace, keep_logs, take_off

GUARDED, UNGUARDED = "config.asgi:application", "tests.gateway.unguarded:application"


def main() -> int:
    arguments = read_arguments()
    enter_namespace("tests.faults", sys.argv[1:])
    signal.signal(signal.SIGTERM, exit_cleanly)
    folder = Path(tempfile.mkdtemp(prefix="tokenhouse-faults-"))
    # The user that Postgres runs as passes through; nobody else can list it.
    folder.chmod(0o711)
    is_right = False
    try:
        wrong = wrong_after(arguments, folder)
        is_right = (
            any("OVERSHOOT" in w for w in wrong) if arguments.unguarded else (not wrong)
        )
    finally:
        if not is_right:
            keep_logs(folder / "data", folder)
        take_off(folder / "data")
        if is_right:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            sys.stdout.write(f"Logs are kept in {folder}\n")
    sys.stdout.write(f"FAULT_SEED={arguments.seed}: {'ok' if is_right else 'FAILED'}\n")
    return 0 if is_right else 1


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--unguarded", action="store_true")
    parser.add_argument("--full-disk", action="store_true", help="as well, at the end")
    return parser.parse_args()


def wrong_after(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """Run the schedule of a seed and return what is wrong afterwards."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    disk = SmallDisk(folder / "data")
    if not disk.is_own:
        sys.stdout.write(f"{LOUD}\n")
    os.environ["DATA_DIR"] = str(folder / "data")
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["LOG_LEVEL"] = "WARNING"
    os.environ["PROVIDER_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    # Not fast: what was committed before a kill must be there after it.
    with embedded_servers(folder / "data", ["postgres", "redis"]) as leases:
        django.setup()
        call_command("migrate", verbosity=0)
        # Once Django is set up.
        from tests.faults import run, schedule
        from tests.faults.house import House
        from tests.faults.network import network

        seconds = arguments.minutes * 60
        faults = schedule.draw(arguments.seed, seconds=seconds)
        if arguments.full_disk:
            faults += schedule.full_disks(since_s=seconds)
        if arguments.unguarded:
            # Nothing but the guard's absence shall pass the limit.
            faults = [fault for fault in faults if fault.name in schedule.CALM]
        run.say(f"FAULT_SEED={arguments.seed}, {seconds:.0f} s, {len(faults)} faults")
        application = UNGUARDED if arguments.unguarded else GUARDED
        with network() as proxies:
            house = House(
                folder,
                leases,
                proxies,
                disk,
                application=application,
                seed=arguments.seed,
            )
            wrong = run.run(house, faults, seconds=seconds)
    for text in wrong[: run.SHOWN_MAX]:
        run.say(f"  WRONG: {text}")
    return wrong


def exit_cleanly(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    sys.exit(main())
