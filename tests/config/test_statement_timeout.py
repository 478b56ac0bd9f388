"""Postgres ends what a page asks for too long; nobody waits for ever."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest

from tests import rig

pytestmark = pytest.mark.processes


def test_a_page_whose_statement_takes_too_long_gives_up(
    committed_db: None, tmp_path: Path
) -> None:
    with (
        rig.gateway(tmp_path, PAGE_STATEMENT_TIMEOUT_S="0.5") as process,
        psycopg.connect(rig.test_database_url()) as blocker,
    ):
        blocker.execute("LOCK TABLE orgs_invitation IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{process.url}/invitations/x", timeout=60)  # noqa: S310

    refused.value.close()
    assert refused.value.code == 500
    assert "statement timeout" in process.log.read_text()
