"""Refused requests can be looked at afterwards; a flood of them leaves few rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db.models import Sum
from django.utils import timezone

from billing.limits import Binding, Refusal
from core.periods import cycle_of
from gateway import database, errors
from gateway.auth import Caller
from gateway.messages import Request
from gateway.refused_requests import KEPT_MAX, MODELS_MAX, PLACES_MAX, RefusedRequests
from orgs.models import Organization, User
from tests.gateway.conftest import House, personal_key
from tests.gateway.raw import BODY, Answer, call
from tests.rig import wait_until
from tests.usage_factories import event_id_at, make_key
from usage.actions import forget_refusals
from usage.models import Endpoint, RefusedMinute, RefusedRequest

NOW = timezone.now().replace(second=5, microsecond=0)
SMALL = {**BODY, "max_completion_tokens": 10}
HARD_LIMIT = Refusal(
    Binding.HARD_LIMIT,
    limit_nanos=100,
    spent_nanos=70,
    held_nanos=20,
    bound_nanos=11,
    left_nanos=10,
)


@pytest.fixture
def caller(committed_db: None, acme: Organization) -> Caller:
    return Caller(acme, make_key("Support bot", organization=acme).pk, None)


def asked(model: str = "gpt-5", *, seconds: int = 0) -> Request:
    at = NOW + timedelta(seconds=seconds)
    request = Request("POST", "/", {}, never, never, event_id=event_id_at(at))
    request.model = model
    return request


async def never(*_: object) -> Any:
    raise AssertionError


def by_hard_limit() -> errors.ApiError:
    return errors.quota_exceeded(
        HARD_LIMIT,
        organization="Acme",
        cycle_start=cycle_of(NOW),
        help_url="",
        length_param=None,
        fitting_tokens=None,
    )


def noted(
    caller: Caller,
    requests: Iterable[Request],
    error: errors.ApiError,
    refused: RefusedRequests,
) -> None:
    for request in requests:
        refused.note(request, caller, Endpoint.RESPONSES, error)


def write(*of_gateways: RefusedRequests) -> None:
    async def all_of_them() -> None:
        async with await database.connect() as connection:
            for each in of_gateways:
                await each.write(connection)

    asyncio.run(all_of_them())


def counted() -> tuple[int, int]:
    """Return how many refusals the minutes count, and how many of them are kept."""
    sums = RefusedMinute.objects.aggregate(Sum("requests"), Sum("kept"))
    return sums["requests__sum"], sums["kept__sum"]


def test_a_refusal_is_kept_with_what_its_limit_said(caller: Caller) -> None:
    refused, request = RefusedRequests(), asked()
    noted(caller, [request], by_hard_limit(), refused)
    write(refused)

    kept = RefusedRequest.objects.get()

    assert kept.public_id == f"ref_{request.event_id.hex}"
    assert (kept.code, kept.status_code) == ("organization_spend_limit_exceeded", 429)
    assert (kept.limit_nanos, kept.spent_nanos, kept.held_nanos) == (100, 70, 20)
    assert (kept.bound_nanos, kept.model, kept.endpoint) == (11, "gpt-5", "responses")
    assert kept.message.startswith("You exceeded your current quota")


def test_a_flood_leaves_few_rows_and_the_exact_count(caller: Caller) -> None:
    refused = RefusedRequests()
    for _ in range(5):
        noted(caller, [asked() for _ in range(1_000)], by_hard_limit(), refused)
        write(refused)

    assert RefusedRequest.objects.count() == KEPT_MAX
    assert RefusedMinute.objects.count() == 1
    assert counted() == (5_000, KEPT_MAX)


def test_gateways_count_the_same_minute_together(caller: Caller) -> None:
    gateways = RefusedRequests(), RefusedRequests()
    for each in gateways:
        noted(caller, [asked() for _ in range(30)], by_hard_limit(), each)
    write(*gateways)

    assert RefusedMinute.objects.count() == 1
    assert counted() == (60, 2 * KEPT_MAX)


def test_names_of_models_that_somebody_makes_up_cannot_fill_it(caller: Caller) -> None:
    refused = RefusedRequests()
    names = (f"made-up-{number}" for number in range(100))
    noted(caller, map(asked, names), errors.model_not_found("made-up"), refused)
    write(refused)

    assert RefusedMinute.objects.count() == MODELS_MAX + 1
    assert RefusedMinute.objects.get(model="").requests == 100 - MODELS_MAX
    assert counted() == (100, KEPT_MAX)


def test_each_minute_and_reason_counts_for_itself(caller: Caller) -> None:
    refused = RefusedRequests()
    for error in (by_hard_limit(), errors.malformed("'input' is missing")):
        noted(caller, [asked(), asked(seconds=60)], error, refused)
    write(refused)

    assert RefusedMinute.objects.count() == RefusedRequest.objects.count() == 4
    assert RefusedMinute.objects.filter(code="", status_code=400).count() == 2


def test_what_is_kept_in_memory_is_bounded(caller: Caller) -> None:
    refused = RefusedRequests()
    for number in range(PLACES_MAX + 10):
        error = errors.ApiError(400, "No", code=f"reason-{number}")
        noted(caller, [asked()], error, refused)
    write(refused)

    assert counted()[0] == PLACES_MAX


def test_nothing_is_asked_of_postgres_until_the_next_beat(caller: Caller) -> None:
    """A control: with every door to it shut they are noted all the same."""
    refused = RefusedRequests()

    class Shut:
        async def execute(self, *_: object) -> None:
            raise psycopg.OperationalError("shut")

    noted(caller, [asked() for _ in range(20)], by_hard_limit(), refused)
    assert not RefusedMinute.objects.exists()
    asyncio.run(refused.write(Shut()))  # type: ignore[arg-type]
    noted(caller, [asked()], by_hard_limit(), refused)
    write(refused)

    assert counted() == (1, 0), "what could not be written is not written twice"


def test_old_refusals_are_forgotten_and_others_stay(caller: Caller) -> None:
    refused = RefusedRequests()
    noted(caller, [asked(), asked(seconds=-86_400)], by_hard_limit(), refused)
    write(refused)

    kept, now = timedelta(hours=1), NOW + timedelta(seconds=55)

    assert forget_refusals(kept=kept, now=now) == 2
    assert forget_refusals(kept=kept, now=now) == 0
    assert counted() == (1, 1)


def kept_of(*answers: Answer) -> list[RefusedRequest]:
    """Return what is kept of requests: others' may be written here still."""
    names = [each.headers["x-request-id"] for each in answers]
    ids = [UUID(hex=name.removeprefix("req_")) for name in names]
    return list(RefusedRequest.objects.filter(event_id__in=ids).order_by("event_id"))


@pytest.mark.processes
def test_each_refused_request_is_soon_there_and_no_other(house: House) -> None:
    answered = call(house.url, house.key, SMALL)
    unknown = call(house.url, "th-svc-wrong", SMALL)
    house.limit("0")
    refused = [call(house.url, house.key, body) for body in (SMALL, b"no json")]
    wait_until(lambda: len(kept_of(*refused)) == 2)

    assert [each.limit_nanos for each in kept_of(*refused)] == [0, None]
    assert kept_of(answered, unknown) == []


@pytest.mark.processes
def test_a_request_that_has_a_record_is_no_refusal(house: House) -> None:
    broken = [{"role": "user", "content": '{"status": 500}'}]
    failed = call(house.url, house.key, {**SMALL, "messages": broken})
    house.limit("0")
    refused = call(house.url, house.key, SMALL)
    wait_until(lambda: len(kept_of(refused)) == 1)

    assert kept_of(failed) == []
    assert len(house.records()) == 1


@pytest.mark.processes
def test_what_a_suspended_organization_asks_is_kept(house: House) -> None:
    house.organization.suspended_at = timezone.now()
    house.organization.suspended_message = "Unpaid"
    house.organization.save()
    wait_until(lambda: call(house.url, house.key, SMALL).status == 403)
    refused = call(house.url, house.key, SMALL)

    wait_until(lambda: len(kept_of(refused)) == 1)
    assert kept_of(refused)[0].code == "organization_suspended"


@pytest.mark.processes
def test_a_members_refusals_are_theirs(house: House, rita: User) -> None:
    house.limit("0")
    refused = call(house.url, personal_key(rita, "production"), SMALL)

    wait_until(lambda: len(kept_of(refused)) == 1)
    assert kept_of(refused)[0].user == rita
