"""Whatever is killed, the bill stays within the limit and no usage is lost."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from tests.faults import schedule
from tests.faults.disk import LOUD
from tests.rig import CHECKOUT

# Draws the most kinds: of gateways, servers, links, the worker and limits.
SEED = 15424
MINUTES = 0.22


def run_faults(*arguments: str) -> str:
    """Run a schedule to its end, which must be a good one; return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--seed", str(SEED), *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.processes
def test_nothing_is_lost_or_overspent_while_everything_is_killed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = run_faults("--minutes", str(MINUTES), "--full-disk")

    assert "'fill_disk of its log': 1, 'fill_disk of rows': 1" in said
    assert f"'{schedule.REFUSED}'" in said
    if LOUD in said:
        with capsys.disabled():
            sys.stderr.write(f"\n{LOUD}\n")


def test_a_seed_draws_one_schedule() -> None:
    assert schedule.draw(7, seconds=60) == schedule.draw(7, seconds=60)
    assert schedule.draw(7, seconds=60) != schedule.draw(8, seconds=60)


def test_every_fault_is_drawn() -> None:
    drawn = Counter(fault.name for fault in schedule.draw(1, seconds=600))
    assert drawn.keys() == schedule.WEIGHTS.keys()


def test_no_server_dies_so_often_that_its_keeper_gives_up() -> None:
    for server in schedule.SERVERS:
        faults = schedule.draw(1, seconds=600)
        deaths = [fault.at_s for fault in faults if fault.name == server]
        pauses = [later - earlier for earlier, later in pairwise(deaths)]
        # Five times in a minute is too often.
        assert 4 * min(pauses) > 60
