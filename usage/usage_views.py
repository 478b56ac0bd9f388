"""The usage page, and the same figures as CSV and JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.zones import zone_called
from orgs.access import OrgRequest, org_view, sibling_in_sight
from orgs.models import Membership
from orgs.permissions import Permission
from usage import charts
from usage.addresses import (
    address,
    known_cycles,
    query_of,
    without,
    written_address,
)
from usage.amounts import Amounts
from usage.dimensions import IN_ROLLUPS, Dimension, Granularity, Group, Metric, written
from usage.forms import cycle_name, cycle_value
from usage.heat import heat_map
from usage.names import FILTER_WORDS
from usage.queries import hours_used, watermark
from usage.questions import Answer, Question, answer_to, before
from usage.sentences import UNITS, WORDS, change_percent, usage_sentence
from usage.spans import Period
from usage.stills import still_bars, still_lines
from usage.table_json import table_json
from usage.tables import UNPRICED, Link, Table, table_csv, usage_table
from usage.unpriced import unpriced_models_of
from usage.usage_forms import METRIC_CHOICES, SpanForm, UsageForm

# What the page of records narrows to.
IN_RECORDS = (Dimension.MODEL, Dimension.KEY, Dimension.MEMBER)


@require_safe
@org_view(Permission.SEE_USAGE)
def usage(request: OrgRequest) -> HttpResponse:
    """Show usage by period and group, as a page, as CSV or as JSON."""
    now = timezone.now()
    sibling = sibling_in_sight(request)
    form = UsageForm(
        request.GET,
        cycles=known_cycles(request, now),
        viewer=request.membership,
        has_pair=sibling is not None,
    )
    question = form.question()
    answer = answer_to(question, request.membership, sibling)
    table = usage_table(
        answer.usage,
        question.metric,
        until=now,
        link=records_link(request.membership, form, question),
        unpriced=answer.unpriced,
    )
    match request.GET.get("format"):
        case "csv":
            return csv_response(request, question, table)
        case "json":
            return json_response(request, question, table)
    context = usage_context(request, form, question, answer, table, now)
    return render(request, "usage/usage.html", context)


def usage_context(
    request: OrgRequest,
    form: UsageForm,
    question: Question,
    answer: Answer,
    table: Table,
    now: datetime,
) -> dict[str, Any]:
    unpriced = unpriced_models_of(request.organization, question.span, question.filters)
    return {
        **span_context(request, form, question.granularity),
        **chart_context(request, question, answer, now),
        "form": form,
        "metric": question.metric,
        "compares": question.compares,
        "metric_name": dict(METRIC_CHOICES)[question.metric],
        "dimension_name": form.dimension_names[question.dimension],
        "dimension_word": WORDS[question.dimension],
        "hides_others": question.dimension in (Dimension.KEY, Dimension.MEMBER)
        and not request.membership.is_owner,
        "csv_url": address(request, format="csv"),
        "json_url": address(request, format="json"),
        # The charges of a whole cycle, for FinOps tools.
        "focus_cycle": "" if form.has_range else cycle_value(form.chosen_cycle),
        "changes_query": query_of(request, ("cycle", "first", "last", *IN_ROLLUPS)),
        "cards": cards(request, answer.total, question.metric, bool(unpriced)),
        "unpriced": unpriced,
        "total": answer.total,
        "table": table,
        "columns": [
            (column, narrow_url(request, question.dimension, column.group))
            for column in table.columns
        ],
        "compare_url": address(request, compare=None if question.compares else "on"),
    }


def span_context(
    request: OrgRequest, form: SpanForm, granularity: Granularity
) -> dict[str, Any]:
    """Return what a page says of its days, and the ways to others."""
    span = form.span
    zone_name = request.organization.time_zone
    first = span.periods(Granularity.DAY)[:2][-1].local
    return {
        "span": span,
        "has_range": form.has_range,
        "cycle_name": cycle_name(form.chosen_cycle),
        "is_current": not form.has_range and form.neighbor(1) is None,
        "granularity": granularity,
        "zone_words": zone_name.replace("_", " "),
        "is_utc": zone_name == "UTC",
        # Where days begin, if that is not midnight.
        "day_begins": first if first.minute else None,
        "neighbors": neighbors(request, form),
        "chips": chips(request, form),
        "as_of": watermark().as_of,
        "fields": [field for field in form if field.name != "compare"],
    }


def neighbors(request: OrgRequest, form: SpanForm) -> list[dict[str, Any]]:
    """Return the ways to the time before and after."""
    found = []
    for step, name in ((-1, "older"), (1, "newer")):
        if form.has_range:
            span = form.span
            shift = (span.last - span.first + span.last.resolution) * step
            first, last = span.first + shift, span.last + shift
            url = address(request, first=first.isoformat(), last=last.isoformat())
            words = f"{first:%-d %b} to {last:%-d %b}"
        else:
            cycle = form.neighbor(step)
            if cycle is None:
                continue
            url = address(request, cycle=cycle_value(cycle))
            words = cycle_name(cycle)
        found.append({"url": url, "words": words, "is_older": name == "older"})
    return found


def chips(request: OrgRequest, form: SpanForm) -> list[dict[str, str]]:
    """Return what narrows the page, each with the address without it."""
    return [
        {
            "word": FILTER_WORDS[narrowing.filter.dimension],
            "field": narrowing.filter.dimension.value,
            "value": group.value,
            "name": group.name,
            "url": without(request, narrowing.filter.dimension.value, group.value),
        }
        for narrowing in form.narrowings
        for group in narrowing.groups
    ]


def chart_context(
    request: OrgRequest, question: Question, answer: Answer, now: datetime
) -> dict[str, Any]:
    """Return the figures, each with its drawing for whoever runs no scripts."""
    metric, granularity = question.metric, question.granularity
    usage = answer.usage
    past = before(question, request.membership) if question.compares else None
    until = sum(period.interval.start <= now for period in usage.periods)
    sums: list[int | None] = [*charts.running_sums(usage, metric)[:until]]
    lines = [("So far", sums, "#5670e6", False)]
    if past is not None:
        sums_before: list[int | None] = [*charts.running_sums(past, metric)]
        sums_before = sums_before[: len(usage.periods)]
        lines.append((charts.BEFORE, sums_before, "#8793a7", True))
    hours = hours_used(request.organization, question.span, metric, question.filters)
    return {
        "figure": charts.stacked_bars(usage, metric, granularity, past),
        "still": still_bars(usage, metric, granularity),
        "sum_figure": charts.running_total(
            usage, metric, granularity, until=until, before=past
        ),
        "sum_still": still_lines(usage.periods, granularity, metric, lines),
        "sentence": usage_sentence(usage, metric, question.dimension, granularity),
        "unit": UNITS[metric],
        "heat": heat_map(hours, zone_called(question.span.zone_name), metric),
        "before": past and question.span.before(),
        "before_total": past and written(past.total.of(metric), metric),
        "change": past and change_percent(usage, past, metric, now=now),
    }


def cards(
    request: OrgRequest, total: Amounts, chosen: Metric, has_unpriced: bool
) -> list[dict[str, Any]]:
    """Return each metric's total and the address of its details."""
    is_unknown = has_unpriced and not total.cost_nanos
    return [
        {
            "name": name,
            "total": (
                UNPRICED
                if is_unknown and metric is Metric.COST
                else written(total.of(metric), metric)
            ),
            "url": address(request, metric=metric),
            "is_current": metric is chosen,
        }
        for metric, name in METRIC_CHOICES
    ]


def records_link(viewer: Membership, form: UsageForm, question: Question) -> Link:
    """
    Return what leads from a number to its records.

    Nothing leads a reader to a number whose records a reader does not see, or to
    records that the page of records cannot tell from others.
    """
    start = reverse("usage:records", args=[viewer.organization.slug])
    narrowed = {
        narrowing.filter.dimension: [group.value for group in narrowing.groups]
        for narrowing in form.narrowings
    }
    tells_apart = not form.has_range and all(
        each in IN_RECORDS and len(values) == 1 for each, values in narrowed.items()
    )
    has_days = question.granularity is Granularity.DAY and (
        question.span.zone_name == "UTC"
    )

    def link(period: Period | None, group: Group | None) -> str:
        is_own = group is not None and question.dimension in IN_RECORDS[1:]
        if not tells_apart or (period is not None and not has_days):
            return ""
        if group is not None and (
            group.is_rest or question.dimension not in IN_RECORDS
        ):
            return ""
        if not (viewer.is_owner or is_own):
            return ""
        query = {"cycle": cycle_value(form.chosen_cycle)}
        query |= {each.value: values[0] for each, values in narrowed.items()}
        if period is not None:
            query["day"] = period.day.isoformat()
        if group is not None:
            query[question.dimension.value] = group.value
        return f"{start}?{urlencode(query)}"

    return link


def narrow_url(request: OrgRequest, dimension: Dimension, group: Group) -> str:
    """Return the page's address narrowed to a group, if it is not yet and can be."""
    if dimension not in IN_ROLLUPS or group.is_rest:
        return ""
    query = request.GET.copy()
    if group.value in query.getlist(dimension.value):
        return ""
    query.appendlist(dimension.value, group.value)
    return written_address(request, query)


def file_name(request: OrgRequest, question: Question, ending: str) -> str:
    span = question.span
    days = f"{span.first}-{span.last}"
    if span.cycle_start is not None:
        days = cycle_value(span.cycle_start)
    parts = (request.organization.slug, question.metric, "by", question.dimension, days)
    return f"{'-'.join(parts)}.{ending}"


def csv_response(request: OrgRequest, question: Question, table: Table) -> HttpResponse:
    text = table_csv(
        table,
        question.metric,
        granularity=question.granularity,
        zone_name=question.span.zone_name,
    )
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    return as_file(response, file_name(request, question, "csv"))


def json_response(
    request: OrgRequest, question: Question, table: Table
) -> HttpResponse:
    values = {
        "organization": request.organization.public_id,
        "as_of": watermark().as_of.isoformat(),
        **table_json(table, question),
    }
    response = JsonResponse(values, json_dumps_params={"indent": 1})
    return as_file(response, file_name(request, question, "json"))


def as_file(response: HttpResponse, name: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
