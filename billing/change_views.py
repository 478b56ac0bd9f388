"""What changed: why a period cost more or less than another."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import astuple
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.change_files import keys_csv, models_csv
from billing.change_forms import ChangesForm
from billing.change_queries import (
    Changes,
    KeyChange,
    Periods,
    changes_between,
    changes_by_key,
    other_keys,
)
from billing.change_words import (
    PARTS,
    bar_percent,
    change_sentence,
    days_named,
    steps_of,
)
from billing.spend_changes import ModelChange
from core.periods import cycle_of
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission
from usage.addresses import address, known_cycles
from usage.dimensions import Dimension, Filter
from usage.forms import cycle_name, cycle_value
from usage.queries import watermark
from usage.unpriced import newest_unpriced
from usage.usage_views import as_file, chips

# So many rows a page shows; its files have all.
ROWS_MAX = 20


@require_safe
@org_view(Permission.SEE_USAGE)
def changes(request: OrgRequest) -> HttpResponse:
    """Show why spend changed, or give a file of it by model or by key."""
    now, viewer = timezone.now(), request.membership
    cycles = known_cycles(request, now)
    form = ChangesForm(request.GET, cycles=cycles, viewer=viewer, now=now)
    periods, filters = form.periods, form.filters
    wants_file = request.GET.get("format") == "csv"
    if wants_file and request.GET.get("by") == Dimension.KEY:
        keys = changes_by_key(viewer, periods, filters, count=None)
        return csv_file(request, form, keys_csv(keys, periods), "key")
    found = changes_between(viewer, periods, filters)
    if wants_file:
        return csv_file(request, form, models_csv(found), "model")
    keys = changes_by_key(viewer, periods, filters, count=ROWS_MAX)
    context = {
        **period_context(request, form, now),
        **table_context(request, found, keys),
        "changes": found,
        "sentence": change_sentence(found),
        "steps": steps_of(found),
        "before_width": bar_percent(found.before.cost_nanos, found),
        "after_width": bar_percent(found.after.cost_nanos, found),
        "part_names": [name for name, _ in PARTS.values()],
        "unpriced": unpriced_names(request, periods, filters),
    }
    return render(request, "billing/changes.html", context)


def unpriced_names(
    request: OrgRequest, periods: Periods, filters: Collection[Filter]
) -> list[str]:
    """Return models that were used without a price in either period."""
    spans = periods.before, periods.after
    found = (newest_unpriced(request.organization, each, filters) for each in spans)
    return sorted({model for models in found for model in models})


def period_context(
    request: OrgRequest, form: ChangesForm, now: datetime
) -> dict[str, Any]:
    """Return what the page says of its two periods, and the ways to others."""
    periods = form.periods
    is_current = not form.has_range and form.chosen_cycle == cycle_of(now)
    return {
        "form": form,
        "fields": list(form),
        "chips": (found := chips(request, form)),
        "has_key": any(each["field"] == Dimension.KEY for each in found),
        "neighbors": neighbors(request, form),
        "periods": periods,
        "before_name": days_named(periods.before),
        "after_name": days_named(periods.after),
        # On the first day of a cycle there is no whole day of it.
        "is_first_day": is_current and periods.after.cycle_start is not None,
        "is_so_far": is_current and periods.after.cycle_start is None,
        "zone_words": request.organization.time_zone.replace("_", " "),
        "as_of": watermark().as_of,
        "csv_url": address(request, format="csv"),
        "keys_csv_url": address(request, format="csv", by=Dimension.KEY.value),
    }


def neighbors(request: OrgRequest, form: ChangesForm) -> list[dict[str, Any]]:
    """Return the ways to the cycles beside the one that is shown."""
    if form.has_range:
        return []
    return [
        {
            "url": address(request, cycle=cycle_value(cycle)),
            "words": cycle_name(cycle),
            "is_older": step < 0,
        }
        for step in (-1, 1)
        if (cycle := form.neighbor(step)) is not None
    ]


def table_context(
    request: OrgRequest, found: Changes, keys: list[KeyChange]
) -> dict[str, Any]:
    """Return the largest changes by model and by key, and what the others come to."""
    rows, others = [*found.models[:ROWS_MAX]], found.models[ROWS_MAX:]
    if others:
        rest = Changes(found.periods, others)
        name = f"{len(others)} other models"
        rows.append(ModelChange(name, rest.before, rest.after, rest.parts))
    return {
        "models": [(each, astuple(each.parts)) for each in rows],
        "total_parts": astuple(found.parts),
        "keys": [(each, address(request, key=each.group.value)) for each in keys],
        "other_keys": other_keys(found, keys),
    }


def csv_file(
    request: OrgRequest, form: ChangesForm, text: str, kind: str
) -> HttpResponse:
    days = form.periods.after
    name = f"{request.organization.slug}-changes-by-{kind}-{days.first}-{days.last}.csv"
    return as_file(HttpResponse(text, content_type="text/csv; charset=utf-8"), name)
