"""The usage page, its CSV, and the records behind its numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.periods import cycle_of
from orgs.access import OrgRequest, org_view
from orgs.models import Membership
from orgs.permissions import Permission
from usage import charts
from usage.amounts import Usage
from usage.dimensions import Dimension, Group, Metric, written
from usage.forms import (
    DIMENSION_CHOICES,
    METRIC_CHOICES,
    RecordsForm,
    UsageForm,
    cycle_name,
    cycle_value,
)
from usage.queries import cycles_with_usage, usage_of
from usage.records import Selection, page_of_records
from usage.sentences import WORDS, usage_sentence
from usage.spans import Period, Span
from usage.tables import UNPRICED, Link, Table, table_csv, usage_table
from usage.unpriced import (
    UnpricedModel,
    records_of,
    unpriced_cells,
    unpriced_models_of,
)


@require_safe
@org_view(Permission.SEE_USAGE)
def usage(request: OrgRequest) -> HttpResponse:
    """Show usage by day and group, as a page or as CSV."""
    now = timezone.now()
    form = UsageForm(request.GET, cycles=known_cycles(request, now))
    metric, dimension = form.chosen_metric, form.chosen_dimension
    span, viewer = Span.of_cycle(form.chosen_cycle), request.membership
    found = usage_of(
        request.organization, span, dimension=dimension, metric=metric, viewer=viewer
    )
    unpriced = unpriced_models_of(request.organization, span)
    cells: Collection[tuple[Period, Group]] = ()
    if unpriced:
        groups = [series.group for series in found.series]
        records = records_of(request.organization, span)
        cells = unpriced_cells(records, found.periods, dimension, viewer, groups)
    link = records_link(viewer, form.chosen_cycle, dimension)
    table = usage_table(found, metric, until=now, link=link, unpriced=cells)
    if request.GET.get("format") == "csv":
        return csv_response(request, form, table)
    context = usage_context(request, form, found, table, unpriced)
    return render(request, "usage/usage.html", context)


def usage_context(
    request: OrgRequest,
    form: UsageForm,
    found: Usage,
    table: Table,
    unpriced: Sequence[UnpricedModel],
) -> dict[str, Any]:
    metric, dimension = form.chosen_metric, form.chosen_dimension
    older, newer = form.neighbor(-1), form.neighbor(1)
    return {
        "form": form,
        "metric": metric,
        "metric_name": dict(METRIC_CHOICES)[metric],
        "dimension_name": dict(DIMENSION_CHOICES)[dimension],
        "dimension_word": WORDS[dimension],
        "hides_others": dimension is not Dimension.MODEL
        and not request.membership.is_owner,
        "cycle_name": cycle_name(form.chosen_cycle),
        "is_current": newer is None,
        "older_url": older and address(request, cycle=cycle_value(older)),
        "newer_url": newer and address(request, cycle=cycle_value(newer)),
        "older_name": older and cycle_name(older),
        "newer_name": newer and cycle_name(newer),
        "csv_url": address(request, format="csv"),
        "cards": cards(request, found, metric, has_unpriced=bool(unpriced)),
        "unpriced": unpriced,
        "total": found.total,
        "table": table,
        "sentence": usage_sentence(found, metric, dimension),
        "figure": charts.stacked_days(found, metric),
    }


def cards(
    request: OrgRequest, found: Usage, chosen: Metric, *, has_unpriced: bool
) -> list[dict[str, Any]]:
    """Return each metric's total and the address of its details."""
    is_unknown = has_unpriced and not found.total.cost_nanos
    return [
        {
            "name": name,
            "total": (
                UNPRICED
                if is_unknown and metric is Metric.COST
                else written(found.total.of(metric), metric)
            ),
            "url": address(request, metric=metric),
            "is_current": metric is chosen,
        }
        for metric, name in METRIC_CHOICES
    ]


@require_safe
@org_view(Permission.SEE_USAGE)
def records(request: OrgRequest) -> HttpResponse:
    """List the records of a selection, newest first."""
    form = RecordsForm(request.GET, cycles=known_cycles(request, timezone.now()))
    selection = selection_of(form)
    before = form.cleaned_data.get("before") or None
    page = page_of_records(request.membership, selection, before=before)
    context = {
        "form": form,
        "cycle_name": cycle_name(form.chosen_cycle),
        "records": page.records,
        "filters": filters_of(request, selection),
        "older_url": page.older and address(request, before=page.older),
        "newest_url": before and address(request, before=None),
        "cycle_value": cycle_value(form.chosen_cycle),
    }
    return render(request, "usage/records.html", context)


def selection_of(form: RecordsForm) -> Selection:
    """Return what the form selects; what is wrong in it selects nothing."""
    span = Span.of_cycle(form.chosen_cycle)
    chosen = form.cleaned_data
    return Selection(
        span,
        day=chosen.get("day"),
        model=chosen.get("model") or None,
        key=chosen.get("key") or None,
        member=chosen.get("member") or None,
    )


def filters_of(request: OrgRequest, selection: Selection) -> list[dict[str, str]]:
    """Return what narrows the records, each with the address without it."""
    values = {
        "day": selection.day and f"{selection.day:%-d %B}",
        "model": selection.model,
        "key": selection.key,
        "member": selection.member,
    }
    return [
        {
            "name": name,
            "value": value,
            "url": address(request, **{name: None, "before": None}),
        }
        for name, value in values.items()
        if value
    ]


def known_cycles(request: OrgRequest, now: datetime) -> list[date]:
    return list(cycles_with_usage(request.organization, current=cycle_of(now)))


def records_link(viewer: Membership, cycle: date, dimension: Dimension) -> Link:
    """
    Return what leads from a number to its records.

    Nothing leads a reader to a number whose records a reader does not see.
    """
    start = reverse("usage:records", args=[viewer.organization.slug])

    def link(period: Period | None, group: Group | None) -> str:
        is_own = group is not None and dimension is not Dimension.MODEL
        if (group is not None and group.is_rest) or not (viewer.is_owner or is_own):
            return ""
        query = {"cycle": cycle_value(cycle)}
        if period is not None:
            query["day"] = period.day.isoformat()
        if group is not None:
            query[dimension.value] = group.value
        return f"{start}?{urlencode(query)}"

    return link


def address(request: OrgRequest, **changes: str | None) -> str:
    """Return the page's own address with parts of its query changed or left out."""
    query = request.GET.copy()
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = value
    return f"{request.path}?{query.urlencode()}"


def csv_response(request: OrgRequest, form: UsageForm, table: Table) -> HttpResponse:
    metric, dimension = form.chosen_metric, form.chosen_dimension
    cycle = cycle_value(form.chosen_cycle)
    name = f"{request.organization.slug}-{metric}-by-{dimension}-{cycle}.csv"
    response = HttpResponse(
        table_csv(table, metric), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
