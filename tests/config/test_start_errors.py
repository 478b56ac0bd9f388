"""What keeps a command from starting is one clear sentence, never a traceback."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from tests.config import conftest as cast


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("command", ["run", "migrate"])
def test_a_file_as_data_directory(data_dir: Path, command: str) -> None:
    data_dir.write_text("mine")
    assert_refused(cast.manage(data_dir, command), str(data_dir), "is a file")
    assert data_dir.read_text() == "mine"


@pytest.mark.parametrize("command", ["run", "migrate"])
def test_a_data_directory_of_somebody_else(data_dir: Path, command: str) -> None:
    data_dir.mkdir(mode=0o500)
    done = cast.manage(data_dir, command, as_user=cast.stranger())
    assert_refused(done, str(data_dir), "Permission denied", "Set DATA_DIR")
    assert list(data_dir.iterdir()) == []


def test_a_taken_port_before_anything_is_started(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = cast.manage(data_dir, "run", PORT=port)
    assert_refused(done, f"Port {port} on 127.0.0.1 is taken", "set PORT")
    assert not (data_dir / "postgres").exists()


def test_an_address_that_is_not_ours(data_dir: Path) -> None:
    done = cast.manage(data_dir, "run", BIND="192.0.2.1")
    assert_refused(done, "BIND=192.0.2.1")
    assert not (data_dir / "postgres").exists()


def test_a_port_that_does_not_exist(data_dir: Path) -> None:
    done = cast.manage(data_dir, "run", PORT="99999")
    assert_refused(done, "PORT is 99999", "1 to 65535")


def test_a_number_that_is_none(data_dir: Path) -> None:
    assert_refused(cast.manage(data_dir, "run", PORT="lots"), "malformed", "lots")
    done = cast.manage(data_dir, "migrate", TRIAL_CREDIT_USD="lots")
    assert_refused(done, "malformed")


def test_missing_secrets_in_production(data_dir: Path) -> None:
    done = cast.manage(
        data_dir, "migrate", DATABASE_URL="postgres://tokenhouse@db.invalid/tokenhouse"
    )
    assert_refused(done, "SECRET_KEY is not set")
    assert not data_dir.exists()


def test_programs_of_postgres_that_are_not_there(data_dir: Path) -> None:
    done = cast.manage(data_dir, "migrate", TOKENHOUSE_PG_BIN="/nowhere")
    assert_refused(done, "TOKENHOUSE_PG_BIN is /nowhere")


def test_help_starts_no_server(data_dir: Path) -> None:
    done = cast.manage(data_dir, "migrate", "--help")
    assert done.returncode == 0
    assert not (data_dir / "postgres").exists()
