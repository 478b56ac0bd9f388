"""The records behind a number."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from orgs.models import Membership, Organization, User
from tests.usage_factories import add_record, event_id_at, make_key
from usage.dimensions import NOBODY
from usage.records import (
    PAGE_LENGTH,
    Selection,
    corrections_of,
    page_of_records,
    record_visible_to,
)
from usage.spans import Span

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOVEMBER = Selection(Span.of_cycle(date(2026, 11, 1)))


@pytest.fixture
def owner(acme: Organization, ada: User) -> Membership:
    return Membership.objects.get(organization=acme, user=ada)


def costs(viewer: Membership, selection: Selection) -> list[int]:
    page = page_of_records(viewer, selection)
    return [record.cost_nanos for record in page.records]


def test_the_newest_come_first(acme: Organization, owner: Membership) -> None:
    add_record(acme, at=NOON - timedelta(hours=1), cost_nanos=1)
    add_record(acme, at=NOON, cost_nanos=2)

    assert costs(owner, NOVEMBER) == [2, 1]


def test_pages_show_each_record_once_even_of_the_same_instant(
    acme: Organization, owner: Membership
) -> None:
    everything = {
        add_record(acme, at=NOON, cost_nanos=n).public_id
        for n in range(PAGE_LENGTH * 2 + 5)
    }

    shown: list[str] = []
    before: str | None = None
    for _ in range(3):
        page = page_of_records(owner, NOVEMBER, before=before)
        shown += [record.public_id for record in page.records]
        before = page.older

    assert before is None
    assert len(shown) == len(everything)
    assert set(shown) == everything


def test_a_reader_sees_only_her_own(acme: Organization, rita: User, ada: User) -> None:
    add_record(acme, at=NOON, cost_nanos=1, api_key=make_key("R", user=rita))
    others = add_record(acme, at=NOON, cost_nanos=2, api_key=make_key("A", user=ada))
    viewer = Membership.objects.get(organization=acme, user=rita)

    assert costs(viewer, NOVEMBER) == [1]
    assert record_visible_to(viewer, others.public_id) is None


def test_records_of_another_organization_do_not_exist(
    globex: Organization, owner: Membership
) -> None:
    record = add_record(globex, at=NOON, cost_nanos=1)

    assert costs(owner, NOVEMBER) == []
    assert record_visible_to(owner, record.public_id) is None


@pytest.mark.parametrize("text", ["", "rec_", "rec_x", "nonsense", "rec_" + "g" * 32])
def test_an_id_that_is_none_finds_nothing(owner: Membership, text: str) -> None:
    assert record_visible_to(owner, text) is None


def test_a_selection_narrows_by_day_model_key_and_member(
    acme: Organization, owner: Membership, ada: User, rita: User
) -> None:
    mine, hers = make_key("A", user=ada), make_key("R", user=rita)
    add_record(acme, at=NOON, cost_nanos=1, api_key=mine, model="gpt-5")
    add_record(acme, at=NOON, cost_nanos=2, api_key=hers, model="gpt-5")
    add_record(acme, at=NOON - timedelta(days=1), cost_nanos=3)
    span = NOVEMBER.span

    assert sorted(costs(owner, Selection(span, day=NOON.date()))) == [1, 2]
    assert costs(owner, Selection(span, model="gpt-5", key=hers.public_id)) == [2]
    assert costs(owner, Selection(span, member=ada.public_id)) == [1]
    assert costs(owner, Selection(span, key=NOBODY)) == [3]
    assert costs(owner, Selection(span, day=date(2026, 10, 1))) == []


def test_what_the_cycle_pays_for_is_listed_on_its_nearest_day(
    acme: Organization, owner: Membership
) -> None:
    late = datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC)
    add_record(acme, at=late, cost_nanos=4, cycle_start=date(2026, 11, 1))

    assert costs(owner, NOVEMBER) == [4]
    assert costs(owner, Selection(NOVEMBER.span, day=date(2026, 11, 30))) == [4]


def test_a_record_knows_what_corrects_it(acme: Organization) -> None:
    estimate = add_record(acme, at=NOON, cost_nanos=9, kind="estimated")
    correction = add_record(
        acme,
        at=NOON + timedelta(minutes=3),
        cost_nanos=-4,
        kind="correction",
        corrects=estimate.event_id,
    )

    assert list(corrections_of(estimate)) == [correction]


def test_a_page_before_an_unknown_record_is_empty(
    acme: Organization, owner: Membership
) -> None:
    add_record(acme, at=NOON, cost_nanos=1)

    unknown = f"rec_{event_id_at(NOON).hex}"

    assert page_of_records(owner, NOVEMBER, before=unknown).records == []
