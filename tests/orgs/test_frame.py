"""The frame of every page: environment, theme, nothing from elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from orgs.models import Organization, User
from tests.visits import browser_of

VENDOR = Path(settings.BASE_DIR) / "static" / "vendor"
STATIC = Path(settings.BASE_DIR) / "static"


def page_of(user: User | None, path: str) -> str:
    return browser_of(user).get(path).content.decode()


@pytest.mark.django_db
def test_staging_is_a_word_in_page_and_title(
    ada: User, acme_staging: Organization
) -> None:
    page = page_of(ada, "/o/acme-staging/members")
    assert "<title>Staging · Members · Acme Staging · Tokenhouse</title>" in page
    assert re.search(r'environment-badge-staging">Staging<', page)
    assert "favicon-staging.svg" in page


@pytest.mark.django_db
def test_production_is_named_too(ada: User, acme: Organization) -> None:
    page = page_of(ada, "/o/acme/members")
    assert "<title>Production · Members · Acme · Tokenhouse</title>" in page
    assert re.search(r'environment-badge">Production<', page)


@pytest.mark.django_db
def test_the_navigation_marks_where_one_is(ada: User, acme: Organization) -> None:
    page = page_of(ada, "/o/acme/members")
    current = re.findall(r'<a href="([^"]+)" aria-current="page"', page)
    assert current == ["/o/acme/members"]


@pytest.mark.django_db
def test_the_switcher_lists_own_organizations_only(
    ada: User, acme_staging: Organization, globex: Organization
) -> None:
    page = page_of(ada, "/o/acme-staging/members")
    assert 'href="/o/acme/"' in page
    assert "Globex" not in page


@pytest.mark.django_db
def test_a_chosen_theme_is_drawn_by_the_server() -> None:
    browser = Client()
    answer = browser.post("/theme/", {"theme": "dark", "next": "/account/login/"})
    assert answer["Location"] == "/account/login/"
    page = browser.get("/account/login/").content.decode()
    assert '<html lang="en" data-bs-theme="dark">' in page


@pytest.mark.django_db
@pytest.mark.parametrize("theme", ["", "pink", '"><script>'])
def test_any_other_theme_means_the_systems(theme: str) -> None:
    browser = Client()
    browser.cookies["theme"] = "dark"
    browser.post("/theme/", {"theme": theme})
    page = browser.get("/account/login/").content.decode()
    assert '<html lang="en">' in page


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example", "\\evil"])
def test_the_theme_form_leads_nowhere_else(url: str) -> None:
    answer = Client().post("/theme/", {"theme": "dark", "next": url})
    assert answer["Location"] == "/"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/account/", "/o/acme/members", "/o/acme/keys", "/nothing-here"]
)
def test_pages_need_no_inline_script_and_no_other_host(
    ada: User, acme: Organization, path: str
) -> None:
    page = page_of(ada, path)
    assert page.count("<h1") == 1
    assert not re.search(r"<[^>]+\son[a-z]+=", page)
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page)
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page)


def test_vendored_files_are_what_the_list_says() -> None:
    listed = json.loads((VENDOR / "vendor.json").read_text())
    for entry in listed:
        content = (VENDOR / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["file"]
        assert (VENDOR / entry["license_file"]).is_file()
        assert entry["version"] in entry["file"]


def test_no_vendored_file_is_unlisted() -> None:
    listed = json.loads((VENDOR / "vendor.json").read_text())
    known = {name for each in listed for name in (each["file"], each["license_file"])}
    files = [path for path in VENDOR.rglob("*") if path.is_file()]
    found = {str(path.relative_to(VENDOR)) for path in files}
    assert found == known | {"vendor.json"}


def test_every_icon_in_use_is_in_the_sprite() -> None:
    sprite = next(VENDOR.glob("tabler-icons-*/icons.svg")).read_text()
    drawn = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    templates = Path(settings.BASE_DIR) / "templates"
    texts = [path.read_text() for path in templates.rglob("*.html")]
    used = {name for text in texts for name in re.findall(r'{% icon "([^"]+)"', text)}
    assert used
    assert used <= drawn


def test_style_sheets_refer_to_files_that_exist() -> None:
    for sheet in (STATIC / "css").glob("*.css"):
        for url in re.findall(r'url\("([^"]+)"\)', sheet.read_text()):
            assert (sheet.parent / url).is_file(), url
