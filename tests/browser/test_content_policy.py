"""Under the content policy every script of ours runs, and none that was smuggled in."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenVisit

pytestmark = [pytest.mark.browser, pytest.mark.processes]

ADMIN = "/operator/admin/"
INJECTED = """() => {
    const script = document.createElement("script");
    script.textContent = "window.smuggled = true";
    document.body.append(script);
    const image = document.createElement("img");
    image.setAttribute("onerror", "window.smuggled = true");
    image.src = "/nowhere.png";
    document.body.append(image);
    return new Promise((done) => setTimeout(() => done(!!window.smuggled), 500));
}"""


@pytest.mark.parametrize("path", ["", "keys/apikey/", "orgs/organization/"])
def test_the_admin_works_under_its_policy(visit: OpenVisit, path: str) -> None:
    with visit("op@tokenhouse.example") as visitor:
        page = visitor.open(f"{ADMIN}{path}")
        # Alpine.js has run: it takes this attribute off what it has set up.
        page.wait_for_function("() => window.Alpine !== undefined")
        page.wait_for_function("() => !document.querySelector('[x-cloak]')")

    assert visitor.problems == []


@pytest.mark.parametrize(
    ("email", "path"),
    [
        ("ada@acme.example", "/o/acme/usage"),
        ("ada@acme.example", "/o/acme/keys"),
        (None, "/account/login/"),
        ("op@tokenhouse.example", ADMIN),
    ],
)
def test_a_script_that_stands_in_a_page_does_not_run(
    visit: OpenVisit, email: str | None, path: str
) -> None:
    with visit(email) as visitor:
        was_run = visitor.open(path).evaluate(INJECTED)

    assert not was_run
    assert any("Content Security Policy" in problem for problem in visitor.problems)
