"""What needs attention: the list at the top of the overview."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from billing.attention_item import LEVELS, Attention, counted
from billing.attention_of_owners import given_away, untold
from billing.attention_queries import Concerns, EndingCredit
from billing.limits import Binding
from billing.overview_queries import Overview
from billing.queries import Standing
from core.templatetags.money import usd, usd_exact
from core.zones import as_read
from keys.models import ApiKey
from orgs.models import Membership

# Sooner than this a key's end is urgent.
KEY_ENDS_NEXT = timedelta(days=3)
# Funding names of what binds, as they stand in a sentence.
BINDING_NAMES = {
    Binding.CREDIT: "credit",
    Binding.HARD_LIMIT: "hard limit",
    Binding.APPROVED_LIMIT: "approved limit",
}


def attention_list(
    overview: Overview, concerns: Concerns, viewer: Membership, *, now: datetime
) -> list[Attention]:
    """Return what needs attention and can be seen to, most urgent first."""
    found = [
        *stopped(overview, viewer),
        *refused(concerns, viewer, now=now),
        *approaching(overview, viewer),
        *ending(overview, concerns, viewer, now=now),
        *unfinished(overview, viewer),
    ]
    if concerns.owners is not None:
        found += [*untold(concerns.owners), *given_away(concerns.owners)]
    return sorted(found, key=lambda each: LEVELS.index(each.level))


def refused(
    concerns: Concerns, viewer: Membership, *, now: datetime
) -> Iterator[Attention]:
    count = concerns.refused_today
    if not count:
        return
    whose = "" if viewer.is_owner else "of yours "
    yield Attention(
        "warning",
        f"{counted(count, 'request')} {whose}"
        f"{'was' if count == 1 else 'were'} refused today.",
        "usage:records",
        "See why",
        f"?outcome=refused&since={now:%Y-%m-%d}",
    )


def ending(
    overview: Overview, concerns: Concerns, viewer: Membership, *, now: datetime
) -> Iterator[Attention]:
    """Yield keys and credit that end soon."""
    if concerns.keys_ending:
        yield key_that_ends(concerns.keys_ending, now=now)
    if concerns.credit is not None:
        yield credit_that_ends(overview.standing, concerns.credit, viewer)


def key_that_ends(keys: Sequence[ApiKey], *, now: datetime) -> Attention:
    first, others = keys[0], len(keys) - 1
    assert first.expires_at is not None
    level = "warning" if first.expires_at - now <= KEY_ENDS_NEXT else "info"
    text = f"The API key “{first.name}” ends on {as_read(first.expires_at):%-d %B}."
    if others:
        text = f"{text} {counted(others, 'other key')} within 14 days as well."
    return Attention(level, text, "keys:keys", "Rotate keys")


def credit_that_ends(
    standing: Standing, credit: EndingCredit, viewer: Membership
) -> Attention:
    """Say what happens when credit expires: requests may be refused from then on."""
    day = f"{as_read(credit.expires_at):%-d %B %Y}"
    text = f"The credit of {usd_exact(credit.nanos)} expires on {day}."
    left = standing.funding.credit_nanos
    if left is None:
        text = f"{text} It pays for what is used until then."
        return Attention("info", text, "billing:billing", "See credit")
    if left > credit.nanos:
        text = f"{text} Credit of {usd_exact(left - credit.nanos)} stays."
    else:
        text = f"{text} Without billing information requests are refused from then on."
    link = ("billing:billing", "See credit")
    if viewer.is_owner:
        link = ("billing:billing_information", "Enter billing information")
    return Attention("warning", text, *link)


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
            unpriced_text(overview),
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


def unpriced_text(overview: Overview) -> str:
    is_one = overview.unpriced.total() == 1
    return (
        f"{counted(len(overview.unpriced), 'model')} used without a price in "
        f"{overview.unpriced_words} request{'' if is_one else 's'}: nobody knows what "
        "they cost, so they are in no figure and in no limit. Tell your operator."
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


def approaching(overview: Overview, viewer: Membership) -> Iterator[Attention]:
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
