"""Kept answers are forgotten when their time is over."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from billing.actions.kept_answers import forget_kept_answers
from billing.models import KeptAnswer
from config.beat_table import BEAT_TABLE
from orgs.models import Organization
from tests.factories import NOW
from tests.usage_factories import make_key

pytestmark = pytest.mark.django_db


def keep(organization: Organization, *, hours: int) -> KeptAnswer:
    return KeptAnswer.objects.create(
        organization=organization,
        api_key=make_key("bot", organization=organization),
        key_digest=uuid.uuid4().hex,
        fingerprint="f",
        event_id=uuid.uuid4(),
        gateway_id=uuid.uuid4(),
        expires_at=NOW + timedelta(hours=hours),
    )


def test_only_answers_whose_time_is_over_are_forgotten(acme: Organization) -> None:
    kept = keep(acme, hours=1)
    for hours in (-1, -2, -30):
        keep(acme, hours=hours)

    assert forget_kept_answers(now=NOW, batch_max=2) == 2
    assert forget_kept_answers(now=NOW, batch_max=2) == 1
    assert forget_kept_answers(now=NOW, batch_max=2) == 0
    assert list(KeptAnswer.objects.all()) == [kept]


def test_the_beat_table_forgets_them() -> None:
    tasks = {entry["task"] for entry in BEAT_TABLE.values()}

    assert "billing.forget_kept_answers" in tasks
