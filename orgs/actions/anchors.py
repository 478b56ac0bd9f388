"""Note where the audit chains end, under a seal; tell the log and the operators."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from core.periods import cycle_of, start_of_day
from orgs.audit_chain import INSTALLATION, Anchor, seal_of
from orgs.mail import queue_mail
from orgs.models import AuditAnchor, AuditChain, OutboxMail
from orgs.queries import addresses_of_operators

# A line each; the few installations with more keep the output of `verify_audit`.
CHAINS_MAILED_MAX = 5000
logger = logging.getLogger(__name__)


@transaction.atomic
def anchor_audit_chains(*, now: datetime) -> int:
    """
    Seal the end of every chain that grew since it was last sealed; return how many.

    Each is also logged, since the log is kept apart from the database. Safe to repeat
    and to run twice at once.
    """
    sealed = dict(
        AuditAnchor.objects.values_list("organization").annotate(Max("sequence"))
    )
    chains = AuditChain.objects.select_related("organization")
    made = [
        sealed_end(chain, now)
        for chain in chains
        if chain.sequence > sealed.get(chain.organization_id, 0)
    ]
    AuditAnchor.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def sealed_end(chain: AuditChain, now: datetime) -> AuditAnchor:
    name = name_of(chain)
    taken_at = f"{now:%Y-%m-%dT%H:%M:%S.%f}"
    anchor = Anchor(name, chain.sequence, chain.hash, taken_at)
    logger.info(
        "audit.anchored chain=%s sequence=%s hash=%s", name, chain.sequence, chain.hash
    )
    return AuditAnchor(
        organization=chain.organization,
        sequence=chain.sequence,
        hash=chain.hash,
        taken_at=now,
        seal=seal_of(anchor, key=settings.KEY_PEPPER),
    )


@transaction.atomic
def mail_audit_anchors(*, now: datetime) -> int:
    """
    Mail where the chains end to the operators, once a month; return to how many.

    Who has the mail can show what was cut off before it, should database and log be
    rewritten together. An installation that is younger than the month sends none.
    """
    month = cycle_of(now)
    cause = cause_of_anchor_mail(month)
    is_old = AuditAnchor.objects.filter(taken_at__lt=start_of_day(month)).exists()
    if not is_old or OutboxMail.objects.filter(dedupe_key=cause).exists():
        return 0
    chains = AuditChain.objects.select_related("organization").order_by("pk")
    ends = [(name_of(c), c.sequence, c.hash) for c in chains[:CHAINS_MAILED_MAX]]
    return queue_anchor_mail(ends, left_out=chains.count() - len(ends), now=now)


def queue_anchor_mail(
    ends: Sequence[tuple[str, int, str]], *, left_out: int, now: datetime
) -> int:
    """Queue the mail with the ends of chains: name, place of the last event, hash."""
    month = cycle_of(now)
    return queue_mail(
        kind="audit_anchors",
        recipients=settings.AUDIT_ANCHORS_TO or addresses_of_operators(),
        subject=f"Anchors of the audit log, {month:%B %Y}: keep this mail",
        template="audit_anchors",
        context={"ends": ends, "now": now, "left_out": left_out},
        dedupe_key=cause_of_anchor_mail(month),
        organization=None,
        now=now,
    )


def cause_of_anchor_mail(month: date) -> str:
    return f"audit_anchors:{month:%Y-%m}"


def name_of(chain: AuditChain) -> str:
    return chain.organization.public_id if chain.organization else INSTALLATION
