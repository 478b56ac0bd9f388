"""The key that `make run` prints works, and stays the same from start to start."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from config import demo
from keys.models import ApiKey
from keys.secrets import digest_key
from orgs.models import Organization, User

pytestmark = pytest.mark.django_db

BASE_URL = "http://localhost:8000/v1"


@pytest.fixture
def staging(acme_staging: Organization) -> Organization:
    acme_staging.is_demo = True
    acme_staging.save(update_fields=["is_demo"])
    return acme_staging


def key_of(file: Path) -> demo.DemoKey | None:
    return demo.demo_key(file=file, base_url=BASE_URL, now=timezone.now())


def test_it_is_ada_s_and_of_staging(
    staging: Organization, ada: User, tmp_path: Path
) -> None:
    key = key_of(tmp_path / "demo.json")
    assert key is not None
    row = ApiKey.objects.get(digest=digest_key(key.api_key, pepper=settings.KEY_PEPPER))
    assert (row.user, row.environment) == (ada, "staging")
    assert key.organization_id == staging.public_id


def test_it_is_issued_once(staging: Organization, tmp_path: Path) -> None:
    assert key_of(tmp_path / "demo.json") == key_of(tmp_path / "demo.json")
    assert ApiKey.objects.count() == 1


def test_a_revoked_one_is_replaced(staging: Organization, tmp_path: Path) -> None:
    first = key_of(tmp_path / "demo.json")
    ApiKey.objects.update(revoked_at=timezone.now())
    second = key_of(tmp_path / "demo.json")
    assert first is not None
    assert second is not None
    assert second.api_key != first.api_key


def test_only_its_owner_reads_the_file(staging: Organization, tmp_path: Path) -> None:
    key = key_of(tmp_path / "demo.json")
    assert key is not None
    file = tmp_path / "demo.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["api_key"] == key.api_key


def test_without_a_demo_no_key_is_issued(
    acme_staging: Organization, tmp_path: Path
) -> None:
    assert key_of(tmp_path / "demo.json") is None
    assert not ApiKey.objects.exists()
    assert not (tmp_path / "demo.json").exists()
