"""A process of an installation without an operator logs where one is made."""

from __future__ import annotations

import http.client
import re
from pathlib import Path

import pytest

from tests import rig
from tests.factories import make_user

pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("committed_db")]

LINE = re.compile(r"no_operator_yet set_up=https?://[^/\s]+(/set-up/\w+)")


def test_the_address_in_the_log_opens_the_page(tmp_path: Path) -> None:
    with rig.gateway(tmp_path) as process:
        found = LINE.search(process.log.read_text())
        assert found, process.log.read_text()
        connection = http.client.HTTPConnection("localhost", process.port, timeout=20)
        connection.request("GET", found[1])
        assert "Make the operator" in connection.getresponse().read().decode()
        connection.close()


def test_with_an_operator_nothing_is_logged(tmp_path: Path) -> None:
    make_user("op@tokenhouse.example", is_staff=True)
    with rig.gateway(tmp_path) as process:
        assert "no_operator_yet" not in process.log.read_text()
