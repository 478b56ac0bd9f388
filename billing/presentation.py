"""How a standing is shown: the bar, the chart, the rows, the sentence. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.limits import Binding, Funding, tightest
from billing.overview_queries import Overview
from billing.queries import Standing
from core.templatetags.money import usd, usd_exact
from orgs.models import Organization
from usage.amounts import Amounts
from usage.spend_charts import ForecastPoint, LimitLine, SpendCourse
from usage.tables import percent_of

STAGING_MODEL = "sandbox-1"
PRODUCTION_MODEL = "gpt-4o-mini"


@dataclass(frozen=True, slots=True)
class Meter:
    """A bar: how much of the amount that binds is spent and held, in percent."""

    limit_nanos: int
    spent_percent: float
    held_percent: float
    is_full: bool


@dataclass(frozen=True, slots=True)
class SpendRow:
    """A day of the table under the chart."""

    day: date
    cost_nanos: int
    spent_nanos: int


@dataclass(frozen=True, slots=True)
class Quickstart:
    """The first request, ready to copy."""

    curl: str
    python: str


def meter_of(standing: Standing) -> Meter | None:
    """Return the bar of the limit that binds, or None if nothing does."""
    funding = standing.funding
    room = tightest(funding)
    if room is None:
        return None
    # Credit that is left does not count what it paid already.
    paid = funding.spent_nanos if room.binding is Binding.CREDIT else 0
    limit_nanos = room.limit_nanos + paid
    spent = percent_filled(funding.spent_nanos, limit_nanos)
    held = min(percent_filled(funding.held_nanos, limit_nanos), 100 - spent)
    return Meter(limit_nanos, spent, round(held, 2), is_full=room.left_nanos <= 0)


def percent_filled(part_nanos: int, whole_nanos: int) -> float:
    """Return how far a part fills a whole; an empty whole is full."""
    if whole_nanos <= 0:
        return 100.0
    return round(min(100 * part_nanos / whole_nanos, 100.0), 2)


def error_share(total: Amounts) -> str:
    """Return the share of failed requests, precise where it is small."""
    if not total.failed_requests:
        return "0 %"
    share = 100 * total.failed_requests / total.requests
    return f"{share:.2f} %" if share < 1 else f"{share:.1f} %"


def limit_lines(standing: Standing) -> list[LimitLine]:
    """Return the limits as lines of the chart."""
    funding = standing.funding
    lines = [
        LimitLine("soft", f"Soft limit {usd(limit.amount_nanos)}", limit.amount_nanos)
        for limit in standing.soft_limits
    ]
    for kind, name, amount in named_limits(funding):
        lines.append(LimitLine(kind, f"{name} {usd(amount)}", amount))
    return lines


def named_limits(funding: Funding) -> list[tuple[str, str, int]]:
    named = [
        ("hard", "Hard limit", funding.hard_limit_nanos),
        ("approved", "Approved limit", funding.approved_limit_nanos),
    ]
    return [(kind, name, amount) for kind, name, amount in named if amount is not None]


def spend_course(overview: Overview) -> SpendCourse:
    """Return what the chart shows: the spend so far, its forecast and the limits."""
    coming = overview.forecast.days if overview.forecast else ()
    return SpendCourse(
        periods=overview.usage.periods,
        spent_nanos=tuple(overview.spent_by_day),
        forecast=tuple(
            ForecastPoint(each.day, each.nanos, each.low_nanos, each.high_nanos)
            for each in coming
        ),
        limits=tuple(limit_lines(overview.standing)),
    )


def limits_above(course: SpendCourse) -> list[str]:
    """Return the labels of limits that are too far above the spend to be drawn."""
    drawn = course.limits_in_sight
    return [line.label for line in course.limits if line not in drawn]


def spend_rows(overview: Overview) -> list[SpendRow]:
    """Return the days until today with their cost and the spend so far."""
    return [
        SpendRow(day, amounts.cost_nanos, spent)
        for day, amounts, spent in zip(
            overview.usage.days,
            overview.usage.by_period,
            overview.spent_by_day,
            strict=False,
        )
    ]


def overview_sentence(overview: Overview) -> str:
    """Return what the chart says."""
    usage, total = overview.usage, overview.usage.total
    if total.cost_nanos <= 0:
        return "Nothing was spent in this cycle yet."
    parts = [f"{usd_exact(total.cost_nanos)} since {usage.days[0]:%-d %B}"]
    if overview.top_models:
        largest = overview.top_models[0]
        percent = percent_of(largest.total.cost_nanos, total.cost_nanos)
        parts.append(f"{largest.group.name} is {percent} % of it")
    return f"{', '.join(parts)}. {outlook(overview)}"


def comparison(overview: Overview) -> str:
    """Return how the cycle's whole days compare with as many of the previous one."""
    both = overview.compared
    if both is None or both.percent is None:
        return ""
    since = "The first day" if both.days == 1 else f"The first {both.days} days"
    word = "more" if both.percent >= 0 else "less"
    return f"{since} cost {abs(both.percent)} % {word} than in the previous cycle."


def own_percent(overview: Overview) -> int:
    """Return how much of the cost is the reader's own, in whole percent."""
    own = overview.own.cost_nanos if overview.own else 0
    return percent_of(own, overview.usage.total.cost_nanos)


def outlook(overview: Overview) -> str:
    forecast = overview.forecast
    if forecast is None:
        return "It is too early in the cycle for a forecast."
    end = overview.usage.days[-1]
    return (
        f"At this pace it is {usd(forecast.end_nanos)} by {end:%-d %B}, "
        f"between {usd(forecast.low_nanos)} and {usd(forecast.high_nanos)}."
    )


def quickstart(organization: Organization, base_url: str) -> Quickstart:
    """Return a first request in curl and Python."""
    model = STAGING_MODEL if organization.is_staging else PRODUCTION_MODEL
    curl = (
        f"curl {base_url}/v1/chat/completions \\\n"
        '  -H "Authorization: Bearer $TOKENHOUSE_API_KEY" \\\n'
        f'  -H "OpenAI-Organization: {organization.public_id}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f'  -d \'{{"model": "{model}", '
        '"messages": [{"role": "user", "content": "Hello"}]}\''
    )
    python = (
        "import os\n"
        "from openai import OpenAI\n\n"
        "client = OpenAI(\n"
        f'    base_url="{base_url}/v1",\n'
        '    api_key=os.environ["TOKENHOUSE_API_KEY"],\n'
        f'    organization="{organization.public_id}",\n'
        ")\n"
        "answer = client.chat.completions.create(\n"
        f'    model="{model}",\n'
        '    messages=[{"role": "user", "content": "Hello"}],\n'
        ")\n"
        "print(answer.choices[0].message.content)"
    )
    return Quickstart(curl, python)
