"""What the mail of a report says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from billing.alert_mail import page_url
from billing.change_words import largest_part
from billing.overview_queries import percent_more
from billing.report_periods import ReportKind, ReportPeriod
from billing.report_queries import PeriodReport
from core.money import cents_usd
from core.templatetags.money import usd
from orgs.mail import queue_mail
from orgs.models import Organization
from usage.comparisons import GroupSums
from usage.dimensions import NOBODY
from usage.spans import Period

# The length of the costliest day or week, in percent.
WHOLE_BAR = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A figure with its name, what changed, and where it comes from."""

    name: str
    amount: str
    change: str
    url: str


@dataclass(frozen=True, slots=True)
class Bar:
    """What a day or a week cost; its length is in percent of the costliest."""

    name: str
    nanos: int
    percent: int


@dataclass(frozen=True, slots=True)
class Addresses:
    """The pages of exactly the days of a report."""

    organization: Organization
    days: Mapping[str, str] = field(default_factory=dict)

    def page(self, name: str, **values: str) -> str:
        return page_url(
            self.organization, f"{name}?{urlencode({**self.days, **values})}"
        )

    def usage(self, **values: str) -> str:
        return self.page("usage", **values)


def queue_report_mail(report: PeriodReport) -> None:
    """Queue the mail of a report to the member whom it is for."""
    organization, period = report.organization, report.period
    queue_mail(
        kind=period.kind,
        recipients=[report.viewer.user.email],
        subject=f"[{organization.full_name}] {headline(report)}",
        template="report",
        context=facts_of(report),
        dedupe_key=dedupe_key(organization, period),
        organization=organization,
        now=report.now,
        thread=thread_of(organization, period),
    )


def dedupe_key(organization: Organization, period: ReportPeriod) -> str:
    return f"{period.kind}:{organization.public_id}:{period.begins_on}"


def thread_of(organization: Organization, period: ReportPeriod) -> str:
    """Return the thread of a month: its weeks, and the report of the whole."""
    return f"{organization.public_id}:reports:{period.span.last:%Y-%m}"


def headline(report: PeriodReport) -> str:
    """Return the report in a line: what was spent, and by how much that is more."""
    spent = f"${cents_usd(report.total.cost_nanos)}"
    change = changed(report.total.cost_nanos, report.before.cost_nanos)
    told = f", {change}" if change and change != "new" else ""
    return f"{report.period.name}: {spent} spent{told}"


def facts_of(report: PeriodReport) -> dict[str, Any]:
    """Return what the templates need, all in words and amounts."""
    addresses = addresses_of(report)
    standing = report.standing
    return {
        "report": report,
        "headline": headline(report),
        "is_weekly": report.period.kind is ReportKind.WEEKLY,
        "numbers": list(numbers(report, addresses)),
        "moved": moved(report),
        "bars": bars(report),
        "models": group_lines(report.models, addresses, by="key", narrowed="model"),
        "keys": group_lines(report.keys, addresses, by="model", narrowed="key"),
        "unpriced": sum(report.unpriced.values()),
        "unpriced_models": sorted(report.unpriced),
        "spent_nanos": standing.funding.spent_nanos,
        "limits": [
            (name, nanos)
            for name, nanos in (
                ("Hard limit", standing.funding.hard_limit_nanos),
                ("Approved limit", standing.funding.approved_limit_nanos),
            )
            if nanos is not None
        ],
        "left_nanos": standing.headroom.nanos,
        "is_refusing": standing.headroom.nanos == 0,
        "resets_at": standing.cycle.end,
        "usage_url": addresses.usage(by="model"),
        "changes_url": addresses.page("usage/changes"),
        "limits_url": page_url(report.organization, "limits"),
        "billing_url": page_url(report.organization, "billing"),
    }


def addresses_of(report: PeriodReport) -> Addresses:
    span = report.period.span
    if span.cycle_start is not None:
        return Addresses(report.organization, {"cycle": f"{span.cycle_start:%Y-%m}"})
    days = {"first": f"{span.first}", "last": f"{span.last}"}
    return Addresses(report.organization, days)


def numbers(report: PeriodReport, addresses: Addresses) -> Iterator[Line]:
    """Yield the figures of the period, each with what it was before."""
    now, before = report.total, report.before
    own = report.own
    yield amount_line("Cost", now.cost_nanos, before.cost_nanos, addresses.usage())
    if own is not None:
        url = addresses.usage(by="member")
        costs = own.now.cost_nanos, own.before.cost_nanos
        yield amount_line("Of it your own", *costs, url)
    for name, metric in (("Requests", "requests"), ("Tokens", "tokens")):
        counts = getattr(now, metric), getattr(before, metric)
        yield count_line(name, *counts, addresses.usage(metric=metric))
    if now.failed_requests or before.failed_requests:
        url = addresses.usage(metric="errors")
        yield count_line("Failed", now.failed_requests, before.failed_requests, url)
    if report.refused:
        whose = "Refused" if own is None else "Refused, of yours"
        yield Line(whose, f"{report.refused:,}", "", refused_url(report))


def refused_url(report: PeriodReport) -> str:
    """Return the page of refused requests, whose days are those of UTC."""
    shown = report.period.span.shown
    days = {"since": f"{shown.start:%Y-%m-%d}", "until": f"{shown.end:%Y-%m-%d}"}
    return page_url(
        report.organization,
        f"usage/records?{urlencode({'outcome': 'refused', **days})}",
    )


def amount_line(name: str, now: int, before: int, url: str) -> Line:
    return Line(name, usd(now), changed(now, before), url)


def count_line(name: str, now: int, before: int, url: str) -> Line:
    return Line(name, f"{now:,}", changed(now, before), url)


def changed(now: int, before: int) -> str:
    """Say by how much an amount is another than before: `+18 %`."""
    if now == before:
        return "as before" if now else ""
    percent = percent_more(now, before)
    if percent is None:
        return "new"
    return f"{percent:+,} %" if percent else "almost as before"


def moved(report: PeriodReport) -> str:
    """Say what made most of the difference, as the page of changes does."""
    changes = report.changes
    if not changes.difference or changes.before.cost_nanos <= 0:
        return ""
    verb = "more" if changes.difference > 0 else "less"
    name, nanos = largest_part(changes)
    sign = "+" if nanos > 0 else ""
    return (
        f"{usd(abs(changes.difference))} {verb} than {report.period.before_name}. "
        f"The largest part of it is {name.lower()}: {sign}{usd(nanos)}."
    )


def bars(report: PeriodReport) -> list[Bar]:
    """Return the cost of each day of a week, or of each week of a month."""
    costs = [amounts.cost_nanos for amounts in report.usage.by_period]
    most = max(*costs, 1)
    return [
        Bar(
            bar_name(period, report.period.kind),
            nanos,
            max(nanos, 0) * WHOLE_BAR // most,
        )
        for period, nanos in zip(report.usage.periods, costs, strict=True)
    ]


def bar_name(period: Period, kind: ReportKind) -> str:
    if kind is ReportKind.WEEKLY:
        return f"{period.day:%a %-d %b}"
    return f"From {period.day:%-d %b}"


def group_lines(
    groups: Sequence[GroupSums], addresses: Addresses, *, by: str, narrowed: str
) -> list[Line]:
    """Return models or keys with their cost, each with the page of it alone."""
    lines = []
    for each in groups:
        now, before = each.by_span
        url = addresses.usage(by=by, **{narrowed: each.group.value or NOBODY})
        lines.append(
            amount_line(each.group.name, now.cost_nanos, before.cost_nanos, url)
        )
    return lines
