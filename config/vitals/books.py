"""What follows the records, what is held, and what was proven of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Sum

from billing.ledger_queries import posted_up_to
from billing.models import GatewayProcess
from billing.price_queries import unpriced_in_use
from billing.upkeep_models import Proof, Verification
from billing.upkeep_queries import (
    holds_by_age,
    installed_at,
    newest_verification,
    oldest_hold_at,
    orphaned_holds,
)
from config.vitals.line import Line, ago, counted, seconds_since, span
from core.templatetags.money import usd
from usage.backlog import Backlog, backlog_after
from usage.partitions import months_made
from usage.queries import watermark

GATEWAY_ALIVE_S = 10
SUMS_AGE_MAX_S = 60
POSTING_LAG_MAX_S = 300
# A gateway is silent for one interval until it is swept, and the sweep takes turns.
ORPHANED_INTERVALS = 4
UNPRICED_SPAN = timedelta(days=7)
UNPRICED_NAMED_MAX = 10
PROVEN_WITHIN = timedelta(hours=48)


def gateways(now: datetime) -> Line:
    """Say which gateways live."""
    since = now - timedelta(seconds=GATEWAY_ALIVE_S)
    alive = GatewayProcess.objects.filter(beat_at__gt=since).order_by("started_at")
    newest = GatewayProcess.objects.order_by("-beat_at").first()
    details = [
        (str(each), f"since {ago(each.started_at, now)}, beat {ago(each.beat_at, now)}")
        for each in alive
    ]
    says = f"{counted(len(details), 'gateway')} alive."
    if not details and newest:
        says = f"No gateway is alive; the last beat was {ago(newest.beat_at, now)}."
    return Line(
        "gateways",
        "Gateways",
        says,
        advice="" if details else "Start one: requests find nobody to answer them.",
        facts={"alive": len(details)},
        details=details,
    )


def holds(now: datetime) -> Line:
    """Say how much is held by age, and what nobody will settle any more."""
    bands = holds_by_age(now=now)
    silent_since = now - timedelta(
        seconds=ORPHANED_INTERVALS * settings.SWEEP_INTERVAL_S
    )
    orphans = orphaned_holds(silent_since=silent_since)
    orphaned = orphans.count()
    orphaned_nanos = orphans.aggregate(sum=Sum("bound_nanos"))["sum"] or 0
    oldest_s = seconds_since(oldest_hold_at(), now)
    advice = ""
    if orphaned:
        advice = (
            f"{counted(orphaned, 'hold')} over {usd(orphaned_nanos)} of gateways that "
            "are gone should have been charged: is a worker running the sweep?"
        )
    elif oldest_s > hold_age_max_s():
        advice = (
            f"The oldest is {span(oldest_s)} old, longer than any answer may take. "
            "Restart the gateway that holds it: the sweep then charges it."
        )
    count, nanos = sum(b.count for b in bands), sum(b.nanos for b in bands)
    return Line(
        "holds",
        "Holds",
        f"{counted(count, 'request')} under way, {usd(nanos)} held.",
        advice=advice,
        facts={
            **{"count": count, "nanos": nanos, "oldest_seconds": round(oldest_s)},
            **{"orphaned": orphaned, "orphaned_nanos": orphaned_nanos},
        },
        details=[(b.age, f"{b.count:,}, {usd(b.nanos)}") for b in bands],
    )


def hold_age_max_s() -> float:
    """Return how long a request may take from its hold to its settlement."""
    return float(
        settings.UPSTREAM_TIMEOUT_S
        + settings.GATEWAY_DRAIN_S
        + ORPHANED_INTERVALS * settings.SWEEP_INTERVAL_S
    )


def rollups(now: datetime) -> Line:
    """Say how far the sums of pages are behind the records."""
    mark = watermark()
    backlog = backlog_after(mark.sequence)
    age_s = seconds_since(mark.as_of, now)
    return Line(
        "rollups",
        "Hourly sums",
        f"As of {ago(mark.as_of, now)}; {behind(backlog, now)}.",
        advice=(
            "Pages show old sums: is a worker running, and is the database slow?"
            if age_s > SUMS_AGE_MAX_S
            else ""
        ),
        facts=facts_of(backlog, now) | {"age_seconds": round(age_s)},
    )


def posting(now: datetime) -> Line:
    """Say how far the ledger is behind the records."""
    backlog = backlog_after(posted_up_to())
    lag_s = seconds_since(backlog.oldest_at, now)
    return Line(
        "ledger",
        "Ledger",
        f"It is posted to every minute; {behind(backlog, now)}.",
        advice=(
            "Usage is not posted. Look into the worker's log for billing.post_usage; "
            "the records wait."
            if lag_s > POSTING_LAG_MAX_S
            else ""
        ),
        facts=facts_of(backlog, now),
    )


def behind(backlog: Backlog, now: datetime) -> str:
    if not backlog.records:
        return "no record waits"
    lag = span(seconds_since(backlog.oldest_at, now))
    return f"{counted(backlog.records, 'record')} waiting, the first for {lag}"


def facts_of(backlog: Backlog, now: datetime) -> dict[str, int | float | str | None]:
    lag_s = round(seconds_since(backlog.oldest_at, now))
    return {"lag_records": backlog.records, "lag_seconds": lag_s}


def unpriced(now: datetime) -> Line:
    """Say which models are used without a price."""
    found = unpriced_in_use(since=now - UNPRICED_SPAN, now=now)
    names = ", ".join(each.model for each in found[:UNPRICED_NAMED_MAX])
    return Line(
        "unpriced_models",
        "Unpriced models",
        f"{counted(len(found), 'model')} without a price used in the last 7 days.",
        advice=f"Nobody knows what they cost: set a price for {names}."
        if found
        else "",
        facts={"models": len(found), "requests": sum(each.requests for each in found)},
        details=[
            (
                each.model,
                f"{counted(each.requests, 'request')}, {each.total_tokens:,} tokens",
            )
            for each in found
        ],
    )


def partitions(now: datetime) -> Line:
    """Say for how many months there is room for records."""
    made = months_made(now=now)
    advice = {
        0: "Records of this month go to the default partition: start a worker, which "
        "makes the month's own and moves them.",
        1: "The next month has none: start a worker before it begins.",
    }.get(made, "")
    return Line(
        "partitions",
        "Partitions",
        f"Made for {counted(made, 'month')}, this one included.",
        advice=advice,
        facts={"months_made": made},
    )


def proof_of_books(now: datetime) -> Line:
    return proof(Proof.LEDGER, now)


def proof_of_audit(now: datetime) -> Line:
    return proof(Proof.AUDIT, now)


def proof(which: Proof, now: datetime) -> Line:
    """Say what the last recomputation found, and when."""
    last = newest_verification(which)
    title = f"Proof of {which.label.lower()}"
    advice = advice_on(last, which, now)
    if last is None:
        return Line(f"proof_{which}", title, "It has not been recomputed yet.", advice)
    verdict = f"{last.wrong:,} wrong" if last.wrong else "all as it should be"
    return Line(
        f"proof_{which}",
        title,
        f"Recomputed {ago(last.finished_at, now)}: {verdict}.",
        advice,
        facts={
            **{"checked": last.checked, "wrong": last.wrong},
            "age_seconds": round(seconds_since(last.finished_at, now)),
        },
        details=[("wrong", text) for text in last.examples],
    )


def advice_on(last: Verification | None, which: Proof, now: datetime) -> str:
    command = "verify_ledger" if which == Proof.LEDGER else "verify_audit"
    if last is not None and last.wrong:
        return f"Run manage.py {command} and find out who changed what."
    if not settings.NIGHTLY_PROOFS:
        return ""
    known_at = last.finished_at if last else installed_at() or now
    if now - known_at > PROVEN_WITHIN:
        return f"The nightly proof did not come: run manage.py {command}."
    return ""


def lines(now: datetime) -> Iterator[Line]:
    yield gateways(now)
    yield holds(now)
    yield rollups(now)
    yield posting(now)
    yield unpriced(now)
    yield partitions(now)
    yield proof_of_books(now)
    yield proof_of_audit(now)
