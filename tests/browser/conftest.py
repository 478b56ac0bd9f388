"""Chromium against a real server on this test run's database."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django import DjangoDbBlocker

from orgs.models import User
from tests import rig
from tests.browser.world import World, furnish
from tests.conftest import empty_database

# Playwright's synchronous interface runs an event loop in this thread; Django would
# refuse its database for that. Nothing here is asynchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).resolve().parent.parent / "output" / "screenshots"


Theme = Literal["light", "dark"]


@dataclass
class Visit:
    """A page in the browser, and what went wrong in it."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Open a path of the server and wait until charts are drawn."""
        response = self.page.goto(self.url + path)
        assert response is not None
        assert response.ok, f"{path} answers {response.status}"
        for chart in self.page.locator("html.js [data-figure]:visible").all():
            chart.locator("svg.main-svg").first.wait_for()
        return self.page

    def look(self, theme: Theme, width: int) -> None:
        """Change the system's theme and the width of the window."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        # Charts follow in the next frames.
        self.page.wait_for_timeout(150)

    def watch(self) -> None:
        """Note errors of scripts, and requests that leave the server."""
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self.note_console)
        self.page.on("request", lambda request: self.note_request(request.url))

    def note_console(self, message: object) -> None:
        kind = getattr(message, "type", "")
        if kind in {"error", "warning"}:
            self.problems.append(f"{kind}: {getattr(message, 'text', '')}")

    def note_request(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.problems.append(f"a request to {url}")


OpenVisit = Callable[..., AbstractContextManager[Visit]]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """A furnished database, committed, for all tests of a module."""
    with django_db_blocker.unblock():
        empty_database()
        yield furnish()
        empty_database()


@pytest.fixture(scope="module")
def server(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server: console and gateway in one process."""
    with rig.gateway(tmp_path_factory.mktemp("server")) as process:
        yield f"http://localhost:{process.port}"


@pytest.fixture(scope="module")
def browser(server: str) -> Iterator[Browser]:
    # Started last and closed at the end of a module: its event loop would be in the
    # way of others.
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path(), args=chromium_arguments()
        )
        yield chromium
        chromium.close()


def chromium_path() -> str:
    found = os.environ.get("CHROMIUM") or next(
        (path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None
    )
    assert found is not None, "no Chromium: install it, or name it in CHROMIUM"
    return found


def chromium_arguments() -> list[str]:
    # Chromium refuses its sandbox to root, and to root alone.
    return [*CHROMIUM_ARGUMENTS, *(["--no-sandbox"] if os.getuid() == 0 else [])]


@pytest.fixture
def visit(browser: Browser, server: str, world: World, db_unblocked: None) -> OpenVisit:
    """Return what opens a browser window, logged in as somebody or as nobody."""

    @contextlib.contextmanager
    def open_visit(
        email: str | None = None,
        *,
        scripts: bool = True,
    ) -> Iterator[Visit]:
        context = browser.new_context(java_script_enabled=scripts)
        if email is not None:
            session = session_of(email)
            context.add_cookies(
                [{"name": "sessionid", "value": session, "url": server}]
            )
        opened = Visit(context.new_page(), server)
        opened.look("light", 1280)
        opened.watch()
        try:
            yield opened
        finally:
            context.close()

    return open_visit


def session_of(email: str) -> str:
    """Return the id of a session that is logged in."""
    client = Client()
    client.force_login(User.objects.get(email=email))
    return client.cookies["sessionid"].value


@pytest.fixture
def db_unblocked(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield
        # Under an event loop Django keeps a connection apart from the thread's own.
        connection.close()
