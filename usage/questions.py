"""What a usage page is asked: one question, answered alike by page, CSV and JSON."""

from __future__ import annotations

from dataclasses import dataclass, replace

from orgs.models import Membership
from orgs.reach import of_organization
from usage.amounts import Amounts, Series, Usage
from usage.dimensions import Dimension, Filter, Granularity, Group, Metric
from usage.queries import usage_of
from usage.spans import Period, Span
from usage.token_kinds import by_kind
from usage.unpriced import records_of, unpriced_cells


@dataclass(frozen=True, slots=True)
class Question:
    metric: Metric
    dimension: Dimension
    granularity: Granularity
    span: Span
    filters: tuple[Filter, ...] = ()
    compares: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The usage by group, and all of it together.

    Kinds of tokens add up to tokens alone, so the whole is told apart from them.
    """

    usage: Usage
    total: Amounts
    unpriced: frozenset[tuple[Period, Group]] = frozenset()


def answer_to(
    question: Question, viewer: Membership, sibling: Membership | None = None
) -> Answer:
    """
    Return the usage that is asked for; `sibling` is the viewer's place in its pair.

    One statement, or one for each of a pair: the database shows one at a time.
    """
    match question.dimension:
        case Dimension.KIND:
            whole = usage_in(question, viewer)
            return Answer(by_kind(whole), whole.total)
        case Dimension.ENVIRONMENT:
            return of_pair(question, [viewer, *([sibling] if sibling else [])])
        case dimension:
            usage = usage_in(question, viewer, dimension)
            return Answer(usage, usage.total, unpriced_in(question, viewer, usage))


def usage_in(
    question: Question, viewer: Membership, dimension: Dimension | None = None
) -> Usage:
    return usage_of(
        viewer.organization,
        question.span,
        dimension=dimension,
        metric=question.metric,
        granularity=question.granularity,
        filters=question.filters,
        viewer=viewer,
    )


def unpriced_in(
    question: Question, viewer: Membership, usage: Usage
) -> frozenset[tuple[Period, Group]]:
    """Return in which periods which groups used what has no price."""
    records = records_of(viewer.organization, question.span, question.filters)
    # Mostly there are none: then nobody need look where they are.
    if question.metric is not Metric.COST or not records.exists():
        return frozenset()
    groups = [series.group for series in usage.series]
    return unpriced_cells(records, usage.periods, question.dimension, viewer, groups)


def of_pair(question: Question, memberships: list[Membership]) -> Answer:
    """Return the usage of each organization as a group."""
    series, unpriced = [], set()
    for membership in memberships:
        organization = membership.organization
        group = Group(organization.public_id, organization.full_name)
        with of_organization(organization.pk):
            usage = usage_in(question, membership)
            by_model = replace(question, dimension=Dimension.MODEL)
            models = usage_in(by_model, membership, Dimension.MODEL)
            found = unpriced_in(by_model, membership, models)
        series.append(Series(group, usage.by_period))
        unpriced |= {(period, group) for period, _ in found}
    periods = question.span.periods(question.granularity)
    both = Usage(periods, tuple(series))
    return Answer(both, both.total, frozenset(unpriced))


def before(question: Question, viewer: Membership) -> Usage:
    """Return the usage of as many days before, on the same days of the week."""
    return usage_of(
        viewer.organization,
        question.span.before(),
        granularity=question.granularity,
        filters=question.filters,
    )
