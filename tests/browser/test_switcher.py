"""The switcher: found by typing, moved in by keys, there without JavaScript."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenVisit

pytestmark = pytest.mark.browser

ADA = "ada@acme.example"


def test_typing_finds_and_enter_opens(visit: OpenVisit) -> None:
    with visit(ADA) as opened:
        page = opened.open("/o/acme/members")
        page.locator(".menu-switcher > summary").press("Enter")
        page.get_by_label("Find an organization").press_sequentially("stag")
        page.get_by_label("Find an organization").press("Enter")
        page.wait_for_url("**/o/acme-staging/overview")
        assert opened.problems == []


def test_arrows_move_through_the_list(visit: OpenVisit) -> None:
    with visit(ADA) as opened:
        page = opened.open("/o/acme/members")
        page.locator(".menu-switcher > summary").press("Enter")
        page.locator("[data-switcher-find]:focus").wait_for()
        for _ in range(2):
            page.keyboard.press("ArrowDown")
        assert "Acme Staging" in page.locator(":focus").inner_text()
        page.keyboard.press("Escape")
        assert not page.get_by_label("Find an organization").is_visible()


def test_what_is_not_there_is_said(visit: OpenVisit) -> None:
    with visit(ADA) as opened:
        page = opened.open("/o/acme/members")
        page.locator(".menu-switcher > summary").click()
        page.get_by_label("Find an organization").fill("globex")
        assert page.get_by_text("No organization of that name").is_visible()


def test_without_scripts_the_list_is_there(visit: OpenVisit) -> None:
    with visit(ADA, scripts=False) as opened:
        page = opened.open("/o/acme/members")
        page.locator(".menu-switcher > summary").click()
        assert not page.get_by_label("Find an organization").is_visible()
        page.locator(".menu-switcher").get_by_text("Acme Staging").click()
        page.wait_for_url("**/o/acme-staging/overview")
