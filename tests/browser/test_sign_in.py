"""Passkeys in a real browser, and the pages of logging in as they look."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SCREENSHOTS, OpenVisit, Theme, Visit
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser
RITA = "rita@acme.example"
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def plug_in_key(page: Page) -> None:
    """Give the browser a passkey device that agrees to everything."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})


def log_in(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/o/acme/overview")


def test_a_passkey_is_added_and_then_opens_the_account_alone(visit: OpenVisit) -> None:
    with visit() as opened:
        page = opened.open("/account/login/")
        plug_in_key(page)
        log_in(page, RITA)
        page.goto(f"{opened.url}/account/two-factor/passkeys/add/")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
        page.get_by_label("Log in with it alone").check()
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")

        page.goto(f"{opened.url}/account/logout/")
        page.get_by_role("main").get_by_role("button", name="Log out").click()
        page.goto(f"{opened.url}/account/login/")
        page.get_by_role("button", name="Log in with a passkey").click()
        page.wait_for_url("**/o/acme/overview")
        assert opened.problems == []


def picture(opened: Visit, name: str, theme: Theme, width: int) -> None:
    opened.look(theme, width)
    scroll = "document.documentElement.scrollWidth"
    assert opened.page.evaluate(scroll) <= width, "wider than the window"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    opened.page.screenshot(
        path=SCREENSHOTS / f"{name}-{theme}-{width}.png", full_page=True
    )


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_fit_phone_and_desk(
    visit: OpenVisit, theme: Theme, width: int
) -> None:
    with visit() as opened:
        opened.open("/account/login/")
        picture(opened, "login", theme, width)
    with visit("ada@acme.example") as opened:
        for name, path in (
            ("account", "/account/"),
            ("two-factor", "/account/two-factor/"),
            ("sessions", "/account/sessions/"),
            ("security", "/o/acme/settings"),
        ):
            opened.open(path)
            picture(opened, name, theme, width)
        page = opened.open("/account/two-factor/app/")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
        page.get_by_role("img", name="QR code").wait_for()
        picture(opened, "app", theme, width)
