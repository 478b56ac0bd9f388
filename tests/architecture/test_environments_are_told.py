"""Pages, buttons that destroy and mails say whether it is production or staging."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.source import APPS, CHECKOUT, python_files, shown

TEMPLATES = CHECKOUT / "templates"
ENVIRONMENT = "get_environment_display"
BUTTON = re.compile(r"<button\b[^>]*danger[^>]*>.*?</button>", re.DOTALL)
# Mails about a person or the installation, which are of no environment.
OF_NO_ENVIRONMENT = {"two_factor_reset", "audit_anchors"}


def named(path: Path) -> str:
    return str(path.relative_to(TEMPLATES))


def pages_of_organizations() -> list[Path]:
    """Return the templates in the frame of an organization, and their parts."""
    folders = (TEMPLATES / name for name in ("orgs", "keys", "usage", "billing"))
    return sorted(page for folder in folders for page in folder.rglob("*.html"))


def mails(ending: str) -> list[Path]:
    found = (TEMPLATES / "emails").glob(f"[a-z]*{ending}")
    frames = {"layout", "limit_frame"}
    return sorted(mail for mail in found if mail.stem not in OF_NO_ENVIRONMENT | frames)


def test_every_button_that_destroys_repeats_the_environment() -> None:
    buttons = [
        (named(page), button)
        for page in pages_of_organizations()
        for button in BUTTON.findall(page.read_text())
    ]
    assert len(buttons) > 8
    silent = [each for each in buttons if "_environment_display" not in each[1]]
    assert silent == []


@pytest.mark.parametrize("mail", mails(".txt"), ids=named)
def test_every_mail_in_plain_text_tells_the_environment(mail: Path) -> None:
    assert ENVIRONMENT in mail.read_text()


@pytest.mark.parametrize("mail", mails(".html"), ids=named)
def test_every_mail_as_it_looks_is_in_the_frame_that_tells_it(mail: Path) -> None:
    assert re.match(
        r'{% extends "emails/(layout|limit_frame).html" %}', mail.read_text()
    )


def test_the_subject_of_a_mail_tells_it() -> None:
    subjects = [
        (shown(file), name)
        for file in python_files(*APPS)
        for name in re.findall(r"\[\{([\w.]+)\}\] ", file.read_text())
    ]
    assert len(subjects) > 5
    assert [each for each in subjects if not each[1].endswith(".full_name")] == []


def test_the_frames_tell_it() -> None:
    base = (TEMPLATES / "base.html").read_text()
    title = re.search(r"<title>(.*)</title>", base)
    assert title
    assert ENVIRONMENT in title[1]
    assert "environment-bar-staging" in base
    for frame in ("emails/layout.html", "parts/environment_badge.html"):
        assert ENVIRONMENT in (TEMPLATES / frame).read_text()
    switcher = (TEMPLATES / "parts/switcher.html").read_text()
    assert switcher.count("parts/environment_badge.html") == 2
