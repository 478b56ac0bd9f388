"""What needs attention: the list at the top of the overview."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.limits import Binding
from billing.overview_queries import Overview
from billing.queries import Standing
from core.templatetags.money import usd, usd_exact
from orgs.models import Membership
from usage.unpriced import UnpricedModel

CREDIT_ENDS_SOON = timedelta(days=14)
# Funding names of what binds, as they stand in a sentence.
BINDING_NAMES = {
    Binding.CREDIT: "credit",
    Binding.HARD_LIMIT: "hard limit",
    Binding.APPROVED_LIMIT: "approved limit",
}


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing: `level` is error, warning or info; `page` is a URL's name."""

    level: str
    text: str
    page: str = ""
    action: str = ""


def attention_list(
    overview: Overview, viewer: Membership, *, now: datetime
) -> list[Attention]:
    """Return what needs attention, most urgent first."""
    return [
        *stopped(overview, viewer),
        *approaching(overview, viewer, now=now),
        *unfinished(overview, viewer),
    ]


def stopped(overview: Overview, viewer: Membership) -> Iterator[Attention]:
    """Yield what keeps requests from being answered now, or figures from coming."""
    if overview.standing.headroom.nanos == 0 or overview.standing.is_enforcing:
        link = way_out(overview.standing, viewer)
        yield Attention("error", refusal_text(overview.standing), **link)
    if overview.beyond_hold:
        yield Attention("warning", beyond_hold_text(overview.beyond_hold))
    if overview.unpriced:
        yield Attention(
            "warning",
            unpriced_text(overview.unpriced),
            "usage:usage",
            "See how much",
        )
    if overview.freshness.is_stale:
        yield Attention(
            "warning",
            "The figures stand still: no worker adds up usage at the moment. Limits "
            "hold all the same. Tell your operator.",
        )


def beyond_hold_text(count: int) -> str:
    requests = "1 request" if count == 1 else f"{count:,} requests"
    return (
        f"{requests} of this cycle cost more than was held beforehand. They are "
        "charged in full. Tell your operator: a price or a bound is wrong."
    )


def unpriced_text(unpriced: Sequence[UnpricedModel]) -> str:
    requests = sum(each.requests for each in unpriced)
    models = "1 model" if len(unpriced) == 1 else f"{len(unpriced)} models"
    return (
        f"{models} used without a price in {requests:,} "
        f"request{'' if requests == 1 else 's'}: nobody knows what they cost, so they "
        "are in no figure and in no limit. Tell your operator."
    )


def refusal_text(standing: Standing) -> str:
    """Return why requests are refused, and what ends that."""
    funding, binding = standing.funding, standing.headroom.binding
    resets = f"{standing.cycle.end:%-d %B}"
    match binding:
        case Binding.HARD_LIMIT:
            limit = usd(funding.hard_limit_nanos)
            return (
                f"The hard limit of {limit} is reached: requests are refused until an "
                f"owner raises it or the next cycle begins on {resets}."
            )
        case Binding.APPROVED_LIMIT:
            limit = usd(funding.approved_limit_nanos)
            return (
                f"The approved limit of {limit} is reached: requests are refused until "
                f"the operator raises it or the next cycle begins on {resets}."
            )
        case _:
            return (
                "The credit is used up or expired: requests are refused until billing "
                "information is entered."
            )


def approaching(
    overview: Overview, viewer: Membership, *, now: datetime
) -> Iterator[Attention]:
    """Yield what will keep requests from being answered, or was asked to be told."""
    standing = overview.standing
    reached = standing.reached_soft_limits
    if reached:
        yield Attention(
            "warning",
            f"The soft limit of {usd(reached[-1].amount_nanos)} is reached: "
            f"{usd_exact(standing.funding.spent_nanos)} spent. Traffic continues.",
            **limits_link(viewer),
        )
    if overview.hard_limit_at is not None and standing.headroom.nanos:
        yield Attention(
            "warning",
            f"At this pace the hard limit of {usd(standing.funding.hard_limit_nanos)} "
            f"is reached on {overview.hard_limit_at:%-d %B}.",
            **limits_link(viewer),
        )
    expires_at = overview.credit_expires_at
    if expires_at is not None and expires_at - now <= CREDIT_ENDS_SOON:
        yield Attention(
            "warning",
            f"The credit of {usd_exact(standing.funding.credit_nanos)} expires on "
            f"{expires_at:%-d %B %Y}. Without billing information requests are refused "
            "from then on.",
        )


def unfinished(overview: Overview, viewer: Membership) -> Iterator[Attention]:
    """Yield what is not set up yet."""
    if not overview.has_provider_key:
        text = "There is no provider key yet, so requests cannot be answered."
        if viewer.is_owner:
            yield Attention("warning", text, "keys:keys", "Enter a provider key")
        else:
            yield Attention("warning", f"{text} An owner can enter one.")
    if not overview.has_api_key:
        yield Attention(
            "info", "No key works here yet.", "keys:keys", "Create an API key"
        )


def way_out(standing: Standing, viewer: Membership) -> dict[str, str]:
    """Return the link to where it can be ended that requests are refused."""
    if standing.headroom.binding is Binding.APPROVED_LIMIT and viewer.is_owner:
        return {"page": "billing:increase", "action": "Request an increase"}
    if standing.headroom.binding is Binding.CREDIT and viewer.is_owner:
        return {
            "page": "billing:billing_information",
            "action": "Enter billing information",
        }
    return limits_link(viewer)


def limits_link(viewer: Membership) -> dict[str, str]:
    action = "Change limits" if viewer.is_owner else "See limits"
    return {"page": "billing:limits", "action": action}
