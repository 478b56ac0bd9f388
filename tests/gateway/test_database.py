"""The gateway connects to the same Postgres as Django, in the same way."""

from __future__ import annotations

import pytest
from django.db import connections

from gateway.database import connection_parameters


def test_options_of_the_database_url_hold_for_the_gateway_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {
        "sslmode": "verify-full",
        "sslrootcert": "/etc/tokenhouse/postgres.crt",
        "options": "-c search_path=tokenhouse",
    }
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", options)

    parameters = connection_parameters()

    assert parameters["sslmode"] == "verify-full"
    assert parameters["sslrootcert"] == "/etc/tokenhouse/postgres.crt"
    assert parameters["options"].startswith("-c search_path=tokenhouse -c role=")
    assert " -c lock_timeout=" in parameters["options"]
