"""The embedded servers run while somebody needs them, whoever starts or dies."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config import embedded
from config.servers.errors import StartError
from config.servers.lease import embedded_servers
from config.servers.locks import wait_until
from tests.config import conftest as cast

BOTH = ("postgres", "redis")
HOLD_BOTH = """
import sys, time
from pathlib import Path
from config.servers.lease import embedded_servers
with embedded_servers(Path(sys.argv[1]), ["postgres", "redis"]):
    print("up", flush=True)
    time.sleep(60)
"""


def test_servers_answer_inside_and_are_gone_after(data_dir: Path) -> None:
    with embedded_servers(data_dir, BOTH, fast=True):
        assert cast.postgres_answers(data_dir)
        assert cast.redis_answers(data_dir)
        pid = cast.postgres_pid(data_dir)
    assert not cast.postgres_answers(data_dir)
    assert not cast.redis_answers(data_dir)
    assert not cast.runs(pid)


def test_data_is_there_at_the_next_start(data_dir: Path) -> None:
    with embedded_servers(data_dir, ["postgres"], fast=True):
        cast.query(data_dir, "CREATE TABLE note AS SELECT 'kept' AS text")
    with embedded_servers(data_dir, ["postgres"], fast=True):
        assert cast.query(data_dir, "SELECT text FROM note") == "kept"


def test_only_what_is_needed_is_started(data_dir: Path) -> None:
    with embedded_servers(data_dir, ["redis"], fast=True):
        assert cast.redis_answers(data_dir)
        assert not (data_dir / "postgres").exists()


def test_nobody_else_may_enter_the_socket_folder(data_dir: Path) -> None:
    with embedded_servers(data_dir, BOTH, fast=True):
        mode = stat.S_IMODE(embedded.socket_dir(data_dir).stat().st_mode)
    assert mode == 0o700


def test_a_second_user_keeps_the_servers_up(data_dir: Path) -> None:
    with embedded_servers(data_dir, BOTH, fast=True):
        with embedded_servers(data_dir, BOTH, fast=True):
            pid = cast.postgres_pid(data_dir)
        assert cast.postgres_answers(data_dir)
        assert cast.redis_answers(data_dir)
        assert cast.postgres_pid(data_dir) == pid
    assert not cast.postgres_answers(data_dir)


def test_a_crashed_user_leaves_no_servers_behind(data_dir: Path) -> None:
    holder = hold_in_another_process(data_dir)
    pid = cast.postgres_pid(data_dir)
    cast.kill(holder.pid)
    holder.communicate()
    assert wait_until(lambda: not cast.runs(pid), timeout_s=10)
    assert wait_until(lambda: not cast.redis_answers(data_dir), timeout_s=10)


def test_a_killed_postgres_is_started_again(data_dir: Path) -> None:
    with embedded_servers(data_dir, ["postgres"], fast=True):
        killed = cast.postgres_pid(data_dir)
        cast.kill(killed)
        assert wait_until(lambda: cast.postgres_answers(data_dir), timeout_s=15)
        assert cast.postgres_pid(data_dir) != killed


def test_the_keeper_dying_ends_its_server(data_dir: Path) -> None:
    with embedded_servers(data_dir, ["postgres"], fast=True) as leases:
        pid = cast.postgres_pid(data_dir)
        cast.kill(cast.parent_of(pid))
        assert wait_until(lambda: not cast.runs(pid), timeout_s=10)
        assert not leases[0].is_served()
        leases[0].begin_start()
        leases[0].wait_ready()
        assert cast.postgres_answers(data_dir)


def test_kill_9_of_everything_recovers_at_the_next_start(data_dir: Path) -> None:
    holder = hold_in_another_process(data_dir)
    cast.query(data_dir, "CREATE TABLE note AS SELECT 'kept' AS text")
    pid = cast.postgres_pid(data_dir)
    cast.kill(pid, cast.parent_of(pid), holder.pid)
    holder.communicate()
    assert (data_dir / "postgres" / "postmaster.pid").exists()
    with embedded_servers(data_dir, BOTH):
        assert cast.query(data_dir, "SELECT text FROM note") == "kept"


def test_a_stale_process_number_of_another_program_is_no_obstacle(
    data_dir: Path,
) -> None:
    with embedded_servers(data_dir, ["postgres"], fast=True):
        pass
    stale = data_dir / "postgres" / "postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as innocent:
        stale.write_text(f"{innocent.pid}\n{data_dir}/postgres\n0\n5432\n")
        with embedded_servers(data_dir, ["postgres"], fast=True):
            assert cast.postgres_answers(data_dir)
        assert innocent.poll() is None
        innocent.kill()


def test_a_private_folder_is_entered_without_opening_it(data_dir: Path) -> None:
    # Run by root, Postgres has to find a way in: no other user gets this far.
    private = data_dir.parent
    private.chmod(0o700)
    with embedded_servers(data_dir, BOTH, fast=True):
        assert cast.postgres_answers(data_dir)
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert private.stat().st_uid == os.geteuid()


def test_a_long_path_gets_short_sockets(data_dir: Path) -> None:
    far = data_dir / ("long" * 20) / "Data Ü"
    with embedded_servers(far, BOTH, fast=True):
        assert cast.postgres_answers(far)
        assert cast.redis_answers(far)
    assert embedded.socket_dir(far).parent == Path("/tmp")  # noqa: S108
    for left in embedded.socket_dir(far).iterdir():
        left.unlink()
    embedded.socket_dir(far).rmdir()


def test_data_of_another_major_version_is_refused(data_dir: Path) -> None:
    with embedded_servers(data_dir, ["postgres"], fast=True):
        pass
    (data_dir / "postgres" / "PG_VERSION").write_text("12\n")
    with (
        pytest.raises(StartError, match=r"made by Postgres 12.*dump"),
        embedded_servers(data_dir, ["postgres"], fast=True),
    ):
        pass
    assert not cast.postgres_answers(data_dir)


def test_a_folder_of_other_files_is_not_made_a_database(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "thesis.txt").write_text("mine")
    with (
        pytest.raises(StartError, match="no Postgres data"),
        embedded_servers(data_dir, ["postgres"], fast=True),
    ):
        pass
    assert os.listdir(data_dir / "postgres") == ["thesis.txt"]


def test_a_setup_that_was_cut_short_is_begun_anew(data_dir: Path) -> None:
    half_made = data_dir / "postgres.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with embedded_servers(data_dir, ["postgres"], fast=True):
        assert cast.postgres_answers(data_dir)
    assert not half_made.exists()


def hold_in_another_process(data_dir: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_BOTH, str(data_dir)],
        cwd=cast.CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    return holder
