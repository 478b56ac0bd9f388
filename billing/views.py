"""The overview, the limits, and the arithmetic of a single record."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.limits import (
    SOFT_LIMITS_MAX,
    set_hard_limit,
)
from billing.addressees import threshold_rows
from billing.allocation_queries import allocations_of
from billing.attention import BINDING_NAMES, attention_list
from billing.attention_queries import concerns_of
from billing.explanations import (
    charge_lines,
    input_words,
    length_note,
    output_words,
)
from billing.forecast_queries import forecast_of
from billing.forms import HardLimitForm, ReplayForm
from billing.limit_changes import last_changes
from billing.models import Price, RateLimit
from billing.overview_queries import overview_of
from billing.presentation import (
    comparison,
    error_share,
    limits_above,
    meter_of,
    overview_sentence,
    own_percent,
    quickstart,
    spend_course,
    spend_rows,
)
from billing.price_list import rates_of
from billing.pricing import Tokens
from billing.queries import Standing, standing_of
from billing.rate_limit_forms import RateLimitForm
from billing.rate_limit_list import limitable_keys, rate_limits_visible_to
from billing.replay_queries import CYCLES_REPLAYED, replay_of
from billing.scope_queries import (
    FIND_LONGEST,
    holds_visible_to,
    key_page,
    member_page,
)
from billing.threshold_forms import SoftLimitForm
from core.money import cents_usd
from core.periods import cycle_of, previous_cycle
from core.statuses import UNPROCESSABLE
from core.templatetags.money import usd
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission
from usage.counts import COUNTS
from usage.models import UsageRecord
from usage.records import corrections_of, record_visible_to
from usage.spend_charts import cumulative_spend, still_spend

# So much of what needs attention is open; the rest is behind a click.
ATTENTION_SHOWN = 4


@require_safe
@org_view(Permission.SEE_OVERVIEW)
def overview(request: OrgRequest) -> HttpResponse:
    """Show where the organization stands in its billing cycle."""
    now = timezone.now()
    found = overview_of(request.membership, now=now)
    concerns = concerns_of(request.membership, found.standing.funding, now=now)
    attention = attention_list(found, concerns, request.membership, now=now)
    course = spend_course(found)
    context = {
        "overview": found,
        "standing": found.standing,
        "meter": meter_of(found.standing),
        "binding_name": binding_name(found.standing),
        "total": found.usage.total,
        "error_share": error_share(found.usage.total),
        "attention": attention[:ATTENTION_SHOWN],
        "attention_more": attention[ATTENTION_SHOWN:],
        "comparison": comparison(found),
        "own_percent": own_percent(found),
        "previous_cycle": previous_cycle(cycle_of(now)),
        "sentence": overview_sentence(found),
        "figure": cumulative_spend(course),
        "still": still_spend(course),
        "limits_above": limits_above(course),
        "rows": spend_rows(found),
        "quickstart": quickstart(request.organization, settings.BASE_URL),
    }
    return render(request, "billing/overview.html", context)


def binding_name(standing: Standing) -> str:
    binding = standing.headroom.binding
    return BINDING_NAMES[binding] if binding else ""


@require_safe
@org_view(Permission.SEE_LIMITS)
def limits(request: OrgRequest) -> HttpResponse:
    """Show the limits; owners find forms to change them."""
    standing = standing_of(request.organization, now=timezone.now())
    return limits_page(request, standing)


def limits_page(
    request: OrgRequest,
    standing: Standing,
    *,
    hard_form: HardLimitForm | None = None,
    soft_form: SoftLimitForm | None = None,
    rate_form: RateLimitForm | None = None,
) -> HttpResponse:
    """Return the limits page; with a form in hand, the one that has errors."""
    context: dict[str, Any] = {
        "standing": standing,
        "funding": standing.funding,
        "meter": meter_of(standing),
        "binding_name": binding_name(standing),
        "soft_limits_max": SOFT_LIMITS_MAX,
        "hard_form": hard_form or hard_limit_form(standing),
        "soft_form": soft_form or SoftLimitForm(auto_id="id_soft_%s"),
        "thresholds": threshold_rows(
            request.organization, spent_nanos=standing.funding.spent_nanos
        ),
        "rate_limits": rate_limits_visible_to(request.membership),
        "rate_form": rate_form or rate_limit_form(request),
        "holds_count": holds_visible_to(request.membership).count(),
        **scope_context(request),
        **change_context(request, standing),
    }
    status = UNPROCESSABLE if hard_form or soft_form or rate_form else 200
    return render(request, "billing/limits.html", context, status=status)


def scope_context(request: OrgRequest) -> dict[str, Any]:
    """Return the keys and members of the limits page; the address says which."""
    now, viewer = timezone.now(), request.membership
    find = request.GET.get("find", "").strip()[:FIND_LONGEST]
    keys, members = (request.GET.get(name, "1") for name in ("keys", "members"))
    return {
        "find": find,
        "key_scopes": key_page(viewer, find=find, number=keys, now=now),
        "member_scopes": member_page(viewer, find=find, number=members, now=now),
    }


def change_context(request: OrgRequest, standing: Standing) -> dict[str, Any]:
    """Return what an owner weighs: past changes, allocation, and a limit's replay."""
    organization, now = request.organization, timezone.now()
    context: dict[str, Any] = {"changes": last_changes(organization)}
    if not request.membership.is_owner:
        return context
    allocations = allocations_of(organization, standing.funding, now=now)
    context |= {"allocations": allocations, "cycles_replayed": CYCLES_REPLAYED}
    if "trying" not in request.GET:
        return context | {"replay_form": ReplayForm()}
    form = ReplayForm(request.GET)
    context["replay_form"] = form
    if form.is_valid():
        amount = form.cleaned_data["trying"]
        context["tried_nanos"] = amount
        context["refuses_now"] = amount <= standing.used_nanos
        forecast = forecast_of(organization, now=now)
        context["trying_reached_at"] = forecast and forecast.reached_at(amount)
        context["replay"] = replay_of(organization, amount, now=now)
    return context


def hard_limit_form(standing: Standing) -> HardLimitForm:
    """Return the form as it is first shown: with the limit in force."""
    limit = standing.funding.hard_limit_nanos
    initial = {} if limit is None else {"amount": cents_usd(limit)}
    return HardLimitForm(initial=initial, used_nanos=standing.used_nanos)


def rate_limit_form(request: OrgRequest) -> RateLimitForm:
    """Return the form as it is first shown: empty, or with `?rate=` to be changed."""
    chosen = RateLimit.objects.filter(
        organization=request.organization, public_id=request.GET.get("rate", "")
    ).first()
    return RateLimitForm(
        initial=RateLimitForm.values_of(chosen) if chosen else None,
        keys=limitable_keys(request.organization, now=timezone.now()),
    )


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def set_hard(request: OrgRequest) -> HttpResponse:
    """Set the hard limit, if need be after a confirmation."""
    now = timezone.now()
    standing = standing_of(request.organization, now=now)
    form = HardLimitForm(request.POST, used_nanos=standing.used_nanos)
    if not form.is_valid():
        return limits_page(request, standing, hard_form=form)
    amount_nanos = form.cleaned_data["amount"]
    set_hard_limit(
        organization=request.organization,
        amount_nanos=amount_nanos,
        acting_user=request.user,
        now=now,
    )
    messages.success(request, f"The hard limit is {usd(amount_nanos)} per cycle.")
    approved = standing.funding.approved_limit_nanos
    if approved is not None and approved < amount_nanos:
        messages.warning(
            request,
            f"The approved limit of {usd(approved)} is lower and binds first.",
        )
    return redirect("billing:limits", request.organization.slug)


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def remove_hard(request: OrgRequest) -> HttpResponse:
    """Remove the hard limit."""
    set_hard_limit(
        organization=request.organization,
        amount_nanos=None,
        acting_user=request.user,
        now=timezone.now(),
    )
    messages.success(request, "There is no hard limit any more.")
    return redirect("billing:limits", request.organization.slug)


@require_safe
@org_view(Permission.SEE_USAGE)
def record(request: OrgRequest, record_id: str) -> HttpResponse:
    """Show a usage record with the arithmetic of its cost."""
    found = record_visible_to(request.membership, record_id)
    if found is None:
        raise Http404
    price = Price.objects.filter(pk=found.price_id).first()
    rates, tokens = rates_of(price) if price else None, tokens_of(found)
    lines = charge_lines(rates, tokens) if rates else []
    lines_nanos = sum(line.amount_nanos for line in lines)
    corrections = list(corrections_of(found))
    context = {
        "record": found,
        "price": price,
        "lines": lines,
        "input_words": input_words(tokens),
        "output_words": output_words(tokens),
        "length_note": length_note(rates, tokens) if rates else "",
        "lines_nanos": lines_nanos,
        "is_exact": lines_nanos == found.cost_nanos,
        "corrections": corrections,
        "corrected_id": found.corrects and f"rec_{found.corrects.hex}",
        "settled_nanos": found.cost_nanos + sum(c.cost_nanos for c in corrections),
    }
    return render(request, "billing/record.html", context)


def tokens_of(record: UsageRecord) -> Tokens:
    return Tokens(
        **{name.removesuffix("_tokens"): getattr(record, name) for name in COUNTS}
    )
