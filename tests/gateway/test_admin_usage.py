"""OpenAI's admin client reads usage and costs here, by its base URL alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import openai
import orjson
import pytest
from django.utils import timezone
from openai import AsyncOpenAI, OpenAI
from openai.types.admin.organization import (
    UsageCompletionsResponse,
    UsageCostsResponse,
)

from billing.actions.limits import set_hard_limit
from orgs.models import Organization, User
from tests import rig
from tests.gateway.administration import (
    MODELS,
    Used,
    admin_client,
    admin_key,
    book,
    get,
)
from tests.gateway.conftest import personal_key, service_key
from usage.models import UsageHour
from usage.queries import usage_of
from usage.spans import Span

pytestmark = pytest.mark.processes


@pytest.fixture
def used(gateway: rig.Process, acme: Organization, ada: User, rita: User) -> Used:
    return book(acme, [ada, rita])


@pytest.fixture
def client(gateway: rig.Process, acme: Organization) -> Any:
    with admin_client(gateway.url, admin_key(acme)) as client:
        yield client


def nanos(value: float) -> int:
    return round(Decimal(repr(value)) * 1_000_000_000)


def cost_of(page: UsageCostsResponse) -> int:
    results: list[Any] = [result for bucket in page.data for result in bucket.results]
    return sum(nanos(result.amount.value) for result in results)


def start_of(used: Used) -> int:
    return int(used.first.timestamp())


def test_costs_are_those_of_the_books_to_the_nano_dollar(
    client: OpenAI, acme: Organization, used: Used
) -> None:
    page = client.admin.organization.usage.costs(start_time=start_of(used), limit=31)

    UsageCostsResponse.model_validate(page.to_dict(), strict=True)
    days = len(page.data)
    span = Span(used.first.date(), used.first.date())
    assert cost_of(page) == used.cost_nanos == sum_of_rollups(acme)
    first: Any = page.data[0].results[0]
    assert nanos(first.amount.value) == usage_of(acme, span).total.cost_nanos
    # Today is there, and empty: nothing was used.
    assert (days, page.data[-1].results, page.has_more) == (4, [], False)


def sum_of_rollups(organization: Organization) -> int:
    hours = UsageHour.objects.filter(organization=organization)
    return sum(hours.values_list("cost_nanos", flat=True))


@pytest.mark.parametrize(
    "group_by", [["line_item"], ["user_id"], ["api_key_id", "project_id"]]
)
def test_costs_told_apart_are_the_same_costs(
    client: OpenAI, used: Used, group_by: list[Any]
) -> None:
    page = client.admin.organization.usage.costs(
        start_time=start_of(used), limit=31, group_by=group_by
    )

    assert cost_of(page) == used.cost_nanos
    results: list[Any] = [result for bucket in page.data for result in bucket.results]
    assert len(results) == 3 * 2
    assert all(getattr(result, name) for result in results for name in group_by)


def test_costs_by_hour_and_model_are_beyond_openai(
    gateway: rig.Process, acme: Organization, used: Used
) -> None:
    answer = get(
        gateway.url,
        admin_key(acme),
        "/v1/organization/costs",
        start_time=str(start_of(used)),
        bucket_width="1h",
        limit="744",
        group_by="model",
    )

    costs = Counter[str]()
    for bucket in orjson.loads(answer.body)["data"]:
        assert bucket["end_time"] - bucket["start_time"] == 3600
        for result in bucket["results"]:
            costs[result["model"]] += nanos(result["amount"]["value"])
    assert costs.total() == used.cost_nanos
    assert set(costs) == set(MODELS)


def test_pages_of_buckets_bring_each_bucket_once(client: OpenAI, used: Used) -> None:
    starts, page = [], ""
    while True:
        cursor: dict[str, Any] = {"page": page} if page else {}
        answer = client.admin.organization.usage.costs(
            start_time=start_of(used), limit=1, **cursor
        )
        starts += [bucket.start_time for bucket in answer.data]
        if not answer.has_more:
            break
        page = answer.next_page or ""

    assert starts == [start_of(used) + n * 86_400 for n in range(4)]


def test_tokens_are_told_apart_as_openai_does(client: OpenAI, used: Used) -> None:
    page = client.admin.organization.usage.completions(
        start_time=start_of(used), limit=1, group_by=["model"], models=[MODELS[0]]
    )

    UsageCompletionsResponse.model_validate(page.to_dict(), strict=True)
    (result,) = page.data[0].results
    assert result.to_dict() == {
        "object": "organization.usage.completions.result",
        "input_tokens": 2000,
        "input_cached_tokens": 800,
        "input_cache_write_tokens": 200,
        "input_uncached_tokens": 1000,
        "input_text_tokens": 940,
        "input_audio_tokens": 60,
        "input_image_tokens": 0,
        "input_cached_text_tokens": 760,
        "input_cached_audio_tokens": 40,
        "input_cached_image_tokens": 0,
        "output_tokens": 1000,
        "output_text_tokens": 940,
        "output_audio_tokens": 60,
        "output_image_tokens": 0,
        "num_model_requests": 2,
        "project_id": None,
        "user_id": None,
        "api_key_id": None,
        "model": MODELS[0],
    }


def test_kinds_of_usage_without_any_are_empty_buckets(
    client: OpenAI, used: Used
) -> None:
    usage, start = client.admin.organization.usage, start_of(used)

    for kind in (
        usage.embeddings,
        usage.moderations,
        usage.audio_speeches,
        usage.audio_transcriptions,
    ):
        page = kind(start_time=start, limit=31)
        assert [bucket.results for bucket in page.data] == [[], [], [], []]


def test_the_asynchronous_client_reads_the_same(
    gateway: rig.Process, acme: Organization, used: Used
) -> None:
    async def ask() -> UsageCostsResponse:
        async with AsyncOpenAI(
            base_url=f"{gateway.url}/v1", admin_api_key=admin_key_, api_key="unused"
        ) as client:
            return await client.admin.organization.usage.costs(
                start_time=start_of(used), limit=31
            )

    admin_key_ = admin_key(acme)
    assert cost_of(asyncio.run(ask())) == used.cost_nanos


def test_an_organization_sees_its_own_usage_alone(
    gateway: rig.Process, globex: Organization, used: Used
) -> None:
    with admin_client(gateway.url, admin_key(globex)) as client:
        page = client.admin.organization.usage.costs(start_time=start_of(used))

    assert cost_of(page) == 0


def test_filters_of_nothing_known_leave_nothing(client: OpenAI, used: Used) -> None:
    usage, start = client.admin.organization.usage, start_of(used)

    for filters in (
        {"project_ids": ["proj_elsewhere"]},
        {"api_key_ids": ["key_elsewhere"]},
    ):
        chosen: dict[str, Any] = dict(filters)
        assert cost_of(usage.costs(start_time=start, **chosen)) == 0


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({}, "start_time"),
        ({"start_time": "yesterday"}, "start_time"),
        ({"start_time": "9" * 40}, "start_time"),
        ({"start_time": "1", "limit": "0"}, "limit"),
        ({"start_time": "1", "limit": "745"}, "limit"),
        ({"start_time": "1", "bucket_width": "1w"}, "bucket_width"),
        ({"start_time": "5", "end_time": "5"}, "end_time"),
        ({"start_time": "1", "page": "page_x"}, "page"),
        ({"start_time": "1", "group_by": "weather"}, "group_by"),
        ({"start_time": "1", "colour": "red"}, "colour"),
    ],
)
def test_what_is_asked_wrongly_is_told(
    gateway: rig.Process, acme: Organization, query: dict[str, str], param: str
) -> None:
    answer = get(gateway.url, admin_key(acme), "/v1/organization/costs", **query)

    assert answer.summary == (400, "invalid_request_error", None)
    assert answer.error["param"] == param


def test_keys_that_make_requests_administer_nothing(
    gateway: rig.Process, acme: Organization, ada: User, rita: User
) -> None:
    for text in (
        service_key(acme),
        personal_key(ada, "production"),
        personal_key(rita, "production"),
    ):
        with (
            admin_client(gateway.url, text) as client,
            pytest.raises(openai.PermissionDeniedError) as refused,
        ):
            client.admin.organization.usage.costs(start_time=1)
        assert refused.value.code == "insufficient_permissions"


def test_an_unknown_key_and_none_are_told_apart(gateway: rig.Process) -> None:
    path = "/v1/organization/costs"

    wrong = get(gateway.url, "th-admin-nobody", path)
    none = get(gateway.url, None, path)

    assert wrong.summary == (401, "invalid_request_error", "invalid_api_key")
    assert none.summary == (401, "invalid_request_error", None)


@pytest.mark.parametrize("path", ["certificates", "groups", "roles", "usage/magic"])
def test_what_is_not_offered_says_so_in_openais_shape(
    gateway: rig.Process, acme: Organization, path: str
) -> None:
    answer = get(gateway.url, admin_key(acme), f"/v1/organization/{path}")

    assert answer.summary == (404, "invalid_request_error", None)
    assert answer.headers["x-request-id"].startswith("req_")


def test_the_spend_limit_is_told_in_cents(
    gateway: rig.Process, acme: Organization, client: OpenAI
) -> None:

    with pytest.raises(openai.NotFoundError):
        client.admin.organization.spend_limit.retrieve()
    set_hard_limit(
        organization=acme,
        amount_nanos=12_345_678_901,
        acting_user=None,
        now=timezone.now(),
    )

    limit = client.admin.organization.spend_limit.retrieve()

    assert (limit.threshold_amount, limit.enforcement.status) == (1234, "inactive")
