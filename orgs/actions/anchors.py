"""Note where the audit chains end, under a seal, and tell the log."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from orgs.audit_chain import INSTALLATION, Anchor, seal_of
from orgs.models import AuditAnchor, AuditChain

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
    name = chain.organization.public_id if chain.organization else INSTALLATION
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
