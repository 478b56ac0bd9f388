"""How fast and how reliable models are."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission
from usage import charts
from usage.addresses import address, known_cycles
from usage.colors import color_of
from usage.dimensions import Dimension
from usage.health_files import health_csv, health_rows
from usage.queries import watermark
from usage.sentences import WORDS
from usage.stills import still_lines
from usage.timing_buckets import ERROR_PERCENT
from usage.timings import Health, health_of, p95_lines
from usage.usage_forms import DIMENSION_CHOICES, SpanForm
from usage.usage_views import as_file, span_context


class HealthForm(SpanForm):
    """Latencies of what, of which days."""

    by = forms.ChoiceField(label="By", choices=DIMENSION_CHOICES, required=False)
    field_order = ["by", "per", "cycle", "first", "last"]

    @property
    def dimension(self) -> Dimension:
        self.is_valid()
        return Dimension(self.cleaned_data.get("by") or Dimension.MODEL)


@require_safe
@org_view(Permission.SEE_USAGE)
def health(request: OrgRequest) -> HttpResponse:
    """Show latencies, errors and refusals by period and group, or give a file."""
    cycles = known_cycles(request, timezone.now())
    form = HealthForm(request.GET, cycles=cycles, viewer=request.membership)
    span, granularity, dimension = form.span, form.granularity, form.dimension
    found = health_of(
        request.membership,
        span,
        dimension=dimension,
        granularity=granularity,
        filters=form.filters,
    )
    if request.GET.get("format") in ("csv", "json"):
        return health_file(request, form, found)
    periods = span.periods(granularity)
    lines = p95_lines(found, periods)
    drawn = [
        (name, values, color_of(n), False) for n, (name, values) in enumerate(lines)
    ]
    context = {
        **span_context(request, form, granularity),
        "form": form,
        "dimension_name": dict(DIMENSION_CHOICES)[dimension],
        "dimension_word": WORDS[dimension],
        "rows": [(row, color_of(n)) for n, row in enumerate(found)],
        "slowest": slowest_of(found),
        "has_timings": any(row.timing.latency.requests for row in found),
        "has_refusals": any(row.refused is not None for row in found),
        "error_percent": ERROR_PERCENT,
        "figure": charts.latency_lines(periods, granularity, lines),
        "still": still_lines(periods, granularity, None, drawn),
        "csv_url": address(request, format="csv"),
        "json_url": address(request, format="json"),
    }
    return render(request, "usage/health.html", context)


def health_file(
    request: OrgRequest, form: HealthForm, found: tuple[Health, ...]
) -> HttpResponse:
    """Return the table of the page as CSV or JSON."""
    span, dimension, kind = form.span, form.dimension, request.GET["format"]
    response: HttpResponse
    if kind == "csv":
        text = health_csv(found, dict(DIMENSION_CHOICES)[dimension])
        response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    else:
        values = {
            "organization": request.organization.public_id,
            "as_of": watermark().as_of.isoformat(),
            "group_by": dimension,
            "time_zone": span.zone_name,
            "start": span.shown.start.isoformat(),
            "end": span.shown.end.isoformat(),
            "groups": health_rows(found),
        }
        response = JsonResponse(values, json_dumps_params={"indent": 1})
    days = f"{span.first}-{span.last}"
    name = f"{request.organization.slug}-health-by-{dimension}-{days}.{kind}"
    return as_file(response, name)


def slowest_of(found: tuple[Health, ...]) -> tuple[str, int] | None:
    """Return the group with the highest 95th percentile, and that."""
    told = [
        (row.group.name, value)
        for row in found
        if (value := row.timing.latency.percentile_ms(95)) is not None
    ]
    return max(told, key=lambda each: each[1], default=None)
