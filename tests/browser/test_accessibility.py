"""Every page by axe-core: no violation, in both themes, wide and narrow."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import OpenVisit, Theme
from tests.browser.test_pages import PAGES, path_of
from tests.browser.world import World

pytestmark = pytest.mark.browser

LOOKS: list[tuple[Theme, int]] = [("light", 1280), ("dark", 390)]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_wrong(visit: OpenVisit, world: World, name: str) -> None:
    with visit(PAGES[name][0]) as opened:
        page = opened.open(path_of(name, world))
        found = {}
        for theme, width in LOOKS:
            opened.look(theme, width)
            for each in Axe().run(page).response["violations"]:
                where = [node["target"] for node in each["nodes"]]
                found[(theme, width, each["id"])] = where[:3]
    assert found == {}


def test_control_it_finds_what_is_wrong(visit: OpenVisit, world: World) -> None:
    with visit() as opened:
        page = opened.open("/account/login/")
        page.evaluate("document.querySelector('h1').style.color = '#eee'")
        page.evaluate("document.documentElement.removeAttribute('lang')")
        rules = {each["id"] for each in Axe().run(page).response["violations"]}
    assert {"color-contrast", "html-has-lang"} <= rules
