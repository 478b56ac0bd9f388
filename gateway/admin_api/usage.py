"""Usage and costs in OpenAI's shapes, from the sums that the pages show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from gateway import errors
from gateway.admin_api import parameters
from gateway.admin_api.amounts import dollars
from gateway.admin_api.door import ApiRequest, admin_view
from gateway.admin_api.periods import (
    COST_SIZES,
    USAGE_SIZES,
    PageOfTime,
    Sizes,
    page_of_time,
)
from gateway.admin_api.projects import project_id_of
from usage.amounts import Amounts
from usage.buckets import Bucket, Chosen, Part, buckets_of
from usage.models import Endpoint

PROJECT = "project_id"
USAGE_GROUPS = {
    PROJECT: None,
    "user_id": Part.MEMBER,
    "api_key_id": Part.KEY,
    "model": Part.MODEL,
}
# A line item is a model here: prices by kind of token are in each record. To group
# by user or model as such is beyond OpenAI.
COST_GROUPS = {**USAGE_GROUPS, "line_item": Part.MODEL}
FILTERS = {
    "project_ids": None,
    "user_ids": Part.MEMBER,
    "api_key_ids": Part.KEY,
    "models": Part.MODEL,
}
COST_FILTERS = {**FILTERS, "line_items": Part.MODEL}
TIMES = ("start_time", "end_time", "bucket_width", "limit", "page", "group_by")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of usage: its object's name, its endpoints, and what it counts."""

    name: str
    endpoints: tuple[Endpoint, ...]
    counts: Callable[[Amounts], Mapping[str, int]]


def tokens_of(amounts: Amounts) -> dict[str, int]:
    """
    Return tokens as OpenAI tells them apart.

    Their `input_tokens` include all others of the input; those of sound, images and
    text are the ones that came from no cache. What is written to one is text.
    """
    cached, written = amounts.cached_input_tokens, amounts.cache_write_tokens
    sound = amounts.audio_input_tokens - amounts.cached_audio_input_tokens
    images = amounts.image_input_tokens - amounts.cached_image_input_tokens
    uncached = amounts.input_tokens - cached - written
    of_other = amounts.audio_output_tokens + amounts.image_output_tokens
    return {
        "input_tokens": amounts.input_tokens,
        "input_cached_tokens": cached,
        "input_cache_write_tokens": written,
        "input_uncached_tokens": uncached,
        "input_text_tokens": uncached - sound - images,
        "input_audio_tokens": sound,
        "input_image_tokens": images,
        "input_cached_text_tokens": cached
        - amounts.cached_audio_input_tokens
        - amounts.cached_image_input_tokens,
        "input_cached_audio_tokens": amounts.cached_audio_input_tokens,
        "input_cached_image_tokens": amounts.cached_image_input_tokens,
        "output_tokens": amounts.output_tokens,
        "output_text_tokens": amounts.output_tokens - of_other,
        "output_audio_tokens": amounts.audio_output_tokens,
        "output_image_tokens": amounts.image_output_tokens,
    }


def input_of(amounts: Amounts) -> dict[str, int]:
    return {"input_tokens": amounts.input_tokens}


COMPLETIONS = Kind(
    "completions",
    (Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES, Endpoint.COMPLETIONS),
    tokens_of,
)
EMBEDDINGS = Kind("embeddings", (Endpoint.EMBEDDINGS,), input_of)
MODERATIONS = Kind("moderations", (Endpoint.MODERATIONS,), input_of)
AUDIO_SPEECHES = Kind(
    "audio_speeches",
    (Endpoint.AUDIO_SPEECH,),
    lambda amounts: {"characters": amounts.characters},
)
AUDIO_TRANSCRIPTIONS = Kind(
    "audio_transcriptions",
    (Endpoint.AUDIO_TRANSCRIPTIONS, Endpoint.AUDIO_TRANSLATIONS),
    lambda amounts: {"seconds": amounts.seconds},
)
KINDS = {
    kind.name: kind
    for kind in (
        *(COMPLETIONS, EMBEDDINGS, MODERATIONS),
        *(AUDIO_SPEECHES, AUDIO_TRANSCRIPTIONS),
    )
}


@admin_view
def usage(request: ApiRequest, kind: str) -> dict[str, Any]:
    """Tell one kind of usage by bucket."""
    if kind not in KINDS:
        raise errors.unknown_path("GET", request.path)
    asked, page = KINDS[kind], read_page(request, FILTERS, USAGE_SIZES)
    named = group_by(request, USAGE_GROUPS)

    def result(amounts: Amounts) -> dict[str, Any]:
        return {
            "object": f"organization.usage.{asked.name}.result",
            **asked.counts(amounts),
            "num_model_requests": amounts.requests,
        }

    chosen = chosen_by(request, FILTERS, asked.endpoints)
    return answer(request, page, named, USAGE_GROUPS, chosen, result)


@admin_view
def costs(request: ApiRequest) -> dict[str, Any]:
    """Tell costs by bucket, in dollars, exact to the nano-dollar."""
    page = read_page(request, COST_FILTERS, COST_SIZES)
    named = group_by(request, COST_GROUPS)

    def result(amounts: Amounts) -> dict[str, Any]:
        return {
            "object": "organization.costs.result",
            "amount": {"value": dollars(amounts.cost_nanos), "currency": "usd"},
            "quantity": None,
            "quantity_unit": None,
        }

    chosen = chosen_by(request, COST_FILTERS, ())
    return answer(request, page, named, COST_GROUPS, chosen, result)


def read_page(
    request: ApiRequest,
    filters: Mapping[str, Part | None],
    sizes: Mapping[timedelta, Sizes],
) -> PageOfTime:
    parameters.refuse_unknown(request.GET, {*TIMES, *filters})
    return page_of_time(request.GET, sizes, now=timezone.now())


def group_by(request: ApiRequest, groups: Mapping[str, Part | None]) -> list[str]:
    """Return the fields to group by, each once."""
    named = dict.fromkeys(parameters.texts(request.GET, "group_by"))
    for name in named:
        parameters.chosen_of("group_by", name, groups)
    return list(named)


def chosen_by(
    request: ApiRequest,
    filters: Mapping[str, Part | None],
    endpoints: Sequence[Endpoint],
) -> Chosen | None:
    """Return what the filters leave, or None if that is nothing at all."""
    parts: dict[Part, set[str]] = {}
    for name, part in filters.items():
        values = set(parameters.texts(request.GET, name))
        if not values:
            continue
        if part is None:
            if project_id_of(request.organization) not in values:
                return None
            continue
        parts[part] = parts[part] & values if part in parts else values
        if not parts[part]:
            return None
    return Chosen(endpoints, parts)


def answer(
    request: ApiRequest,
    page: PageOfTime,
    named: list[str],
    groups: Mapping[str, Part | None],
    chosen: Chosen | None,
    result: Callable[[Amounts], dict[str, Any]],
) -> dict[str, Any]:
    """Return a page of buckets, each with a result for every group that has usage."""
    parts = list(dict.fromkeys(part for name in named if (part := groups[name])))
    buckets = buckets_of(
        request.organization,
        page.interval,
        width=page.width,
        parts=parts,
        chosen=chosen,
    )
    project = project_id_of(request.organization)

    def labels(values: tuple[str | None, ...]) -> dict[str, str | None]:
        told: dict[Part | None, str | None] = {
            None: project,
            **dict(zip(parts, values, strict=True)),
        }
        return {n: told[part] if n in named else None for n, part in groups.items()}

    def document(bucket: Bucket) -> dict[str, Any]:
        used = bucket.amounts.items() if chosen is not None else ()
        return {
            "object": "bucket",
            "start_time": int(bucket.start.timestamp()),
            "end_time": int(bucket.end.timestamp()),
            "results": [result(sums) | labels(values) for values, sums in used],
        }

    return page.document([document(bucket) for bucket in buckets])
