"""Weekly and monthly reports of a period that somebody thought up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from billing.attention_queries import EndingCredit
from billing.change_queries import Changes, Periods
from billing.forecast import Forecast, ForecastDay
from billing.limits import Funding, headroom
from billing.mail_samples.cast import Cast
from billing.mail_samples.sample import Sample
from billing.queries import Standing
from billing.report_mail import queue_report_mail
from billing.report_periods import ReportKind, latest_period
from billing.report_queries import PIECES, OwnPart, PeriodReport
from billing.spend_changes import ModelChange, Parts, Spent
from core.money import NANOS_PER_DOLLAR
from core.periods import cycle_interval, cycle_of
from orgs.models import Membership, Role
from usage.amounts import Amounts, Series, Usage
from usage.comparisons import GroupSums
from usage.dimensions import Group

DOLLARS, DOLLARS_BEFORE = 191, 162
# Of a week's days, or as many weeks as a month begins; the last one has the rest.
DOLLARS_BY_PIECE = (31, 34, 38, 33, 41, 9)


def samples(cast: Cast) -> Iterator[Sample]:
    occasions = {
        ReportKind.WEEKLY: "Monday morning: to members who chose it.",
        ReportKind.MONTHLY: "The morning after a cycle: to owners, and who chose it.",
    }
    for kind, occasion in occasions.items():
        for role in Role:
            report = report_to(cast, kind, role)
            yield Sample(f"{kind}-{role}", occasion, partial(queue_report_mail, report))


def report_to(cast: Cast, kind: ReportKind, role: Role) -> PeriodReport:
    """Return what a member would be told of the last period."""
    period = latest_period(kind, zone_name="Europe/Berlin", now=cast.now)
    viewer = Membership(organization=cast.organization, user=cast.ada, role=role)
    periods = period.span.periods(PIECES[kind])
    pieces = DOLLARS_BY_PIECE[: len(periods) - 1]
    costs = [spent(each) for each in (*pieces, DOLLARS - sum(pieces))]
    before, after = (
        Spent(cost_nanos=dollars(each)) for each in (DOLLARS_BEFORE, DOLLARS)
    )
    parts = Parts(volume=dollars(12), mix=dollars(19), cache=-dollars(2))
    return PeriodReport(
        viewer=viewer,
        period=period,
        usage=Usage(periods, (Series(Group("", "Total"), tuple(costs)),)),
        before=spent(DOLLARS_BEFORE),
        own=OwnPart(spent(12), spent(9)) if role == Role.READER else None,
        changes=Changes(
            Periods(period.before, period.span),
            (ModelChange("gpt-5", before, after, parts),),
        ),
        models=(
            GroupSums(Group("gpt-5", "gpt-5"), (spent(143), spent(101))),
            GroupSums(Group("gpt-4o-mini", "gpt-4o-mini"), (spent(48), spent(61))),
        ),
        keys=(
            GroupSums(Group("key_sample", "Search service"), (spent(120), spent(99))),
            GroupSums(Group("key_other", "Nightly summaries"), (spent(71), Amounts())),
        ),
        refused=14,
        unpriced=Counter({"gpt-6-preview": 3}),
        standing=standing_at(cast),
        forecast=forecast_at(cast),
        credit=EndingCredit(dollars(4), cast.now + timedelta(days=9)),
        now=cast.now,
    )


def standing_at(cast: Cast) -> Standing:
    funding = Funding(
        hard_limit_nanos=dollars(1_000),
        approved_limit_nanos=dollars(1_200),
        credit_nanos=None,
        spent_nanos=dollars(612),
        held_nanos=0,
    )
    cycle = cycle_interval(cycle_of(cast.now))
    return Standing(cycle, funding, headroom(funding), (), is_enforcing=False)


def forecast_at(cast: Cast) -> Forecast:
    last = ForecastDay(cast.now.date(), dollars(870), dollars(800), dollars(940))
    return Forecast(cast.now, dollars(612), (last,), 6, 3)


def spent(amount: int) -> Amounts:
    """Return as much usage as costs so many dollars."""
    return Amounts(
        requests=amount * 40,
        failed_requests=amount // 30,
        input_tokens=amount * 90_000,
        output_tokens=amount * 12_000,
        cost_nanos=dollars(amount),
    )


def dollars(amount: int) -> int:
    return amount * NANOS_PER_DOLLAR
