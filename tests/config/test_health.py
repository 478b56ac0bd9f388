"""Probes say what is missing."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings


@pytest.mark.django_db
def test_it_is_ready_when_everything_is_there(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "postgres": "ok",
        "redis": "ok",
        "migrations": "ok",
    }


@pytest.mark.django_db
def test_it_names_what_is_missing(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["redis"] == "unreachable"
    assert answer.json()["postgres"] == "ok"


def test_it_lives_without_looking_at_anything(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
