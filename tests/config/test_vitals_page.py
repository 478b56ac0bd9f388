"""Operators read the report in the browser, monitors as JSON; others find nothing."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config.vitals import views
from orgs.models import Organization, User
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
TOKEN = "t" * 40
JSON = "/operator/health.json"


def test_the_page_shows_each_line_and_what_needs_attention_first(
    op: User, acme: Organization
) -> None:
    page = browser_of(op).get("/operator/health")
    lines = page.context["lines"]

    assert page.status_code == 200
    assert len(lines) > 10
    assert [line.is_ok for line in lines] == sorted(line.is_ok for line in lines)
    for line in lines:
        assert line.title in page.content.decode()
    assert "Start one: celery" in page.content.decode()


def test_json_says_the_same_as_the_page(op: User) -> None:
    browser = browser_of(op)
    lines = browser.get("/operator/health").context["lines"]
    answer = browser.get(JSON).json()

    assert answer["status"] == "attention"
    assert {each["name"]: each["status"] == "ok" for each in answer["lines"]} == {
        line.name: line.is_ok for line in lines
    }


def test_a_monitor_reads_it_with_the_token(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    headers = {"Authorization": f"Bearer {TOKEN}"}

    assert client.get(JSON, headers=headers).json()["lines"]
    assert client.post(JSON, headers=headers).status_code == 405


def test_without_the_token_a_monitor_is_asked_to_log_in(
    client: Client, settings: Settings, ada: User
) -> None:
    settings.METRICS_TOKEN = TOKEN
    wrong = client.get(JSON, headers={"Authorization": f"Bearer {TOKEN}x"})
    assert wrong.status_code == 302
    assert wrong.headers["Location"].startswith("/account/login/")

    client.force_login(ada)
    assert client.get(JSON).status_code == 404


def test_names_of_lines_are_each_of_one_line(op: User) -> None:
    browser_of(op).get("/operator/health")
    names = [line.name for line in views.report(timezone.now())]

    assert len(names) == len(set(names))
