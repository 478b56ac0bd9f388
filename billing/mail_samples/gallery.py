"""The gallery: all samples, and one by its name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.mail_samples import of_accounts, of_ours, of_reports
from billing.mail_samples.cast import Cast
from billing.mail_samples.sample import Sample


def gallery(*, now: datetime) -> Sequence[Sample]:
    """Return a sample of every mail, with dates as of now."""
    cast = Cast(now)
    return [
        *of_ours.samples(cast),
        *of_reports.samples(cast),
        *of_accounts.samples(cast),
    ]


def sample_named(name: str, *, now: datetime) -> Sample | None:
    return next((each for each in gallery(now=now) if each.name == name), None)


def samples_to_try(*, now: datetime) -> Sequence[Sample]:
    """Return what an owner may send to themselves: alerts and reports."""
    cast = Cast(now)
    return [*of_ours.of_limits(cast), *of_reports.samples(cast)]
