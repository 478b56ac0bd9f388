"""Who guesses passwords is slowed down, whatever address they say they come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import site

pytestmark = pytest.mark.processes

# Ten wrong passwords a minute are what an address may send.
TRIES, TOO_MANY = 14, "Too many failed login attempts"


def guess(visitor: site.Site, number: int) -> str:
    """
    Send a wrong password for another account, from an address that is made up.

    :returns: the page that answers.
    """
    found = site.TOKEN.search(visitor.ask("/account/login/").body.decode())
    assert found
    form = f"csrfmiddlewaretoken={found[1]}&login=p{number}%40acme.example&password=no"
    forged = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": f"https://{site.HOST}",
        "X-Forwarded-For": f"203.0.113.{number}",
        "X-Real-IP": f"203.0.113.{number}",
        "Forwarded": f"for=203.0.113.{number}",
    }
    answer = visitor.ask(
        "/account/login/", method="POST", headers=forged, body=form.encode()
    )
    return answer.body.decode()


def test_a_forged_address_is_no_new_visitor(committed_db: None, tmp_path: Path) -> None:
    with site.in_production(tmp_path, TRUSTED_PROXIES="0") as visitor:
        answers = [guess(visitor, number) for number in range(TRIES)]

    assert any(TOO_MANY in each for each in answers)


def test_control_a_proxy_that_is_trusted_tells_visitors_apart(
    committed_db: None, tmp_path: Path
) -> None:
    with site.in_production(tmp_path, TRUSTED_PROXIES="1") as visitor:
        answers = [guess(visitor, number) for number in range(TRIES)]

    assert not any(TOO_MANY in each for each in answers)
