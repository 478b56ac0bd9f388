"""Reads of the ledger."""

from __future__ import annotations

from billing.ledger_models import PostingWatermark


def posted_up_to() -> int:
    """Return the sequence number up to which every record is posted."""
    watermark = PostingWatermark.objects.first()
    return watermark.sequence if watermark else 0
