"""What needs an owner's attention: who is not told, and what is given away twice."""

from __future__ import annotations

from collections.abc import Iterator

from billing.attention_item import Attention, counted
from billing.attention_queries import OwnersConcerns


def untold(owners: OwnersConcerns) -> Iterator[Attention]:
    """Yield what people should hear of and do not."""
    mails = owners.undelivered
    if mails.alerts:
        yield Attention(
            "warning",
            f"{counted(mails.alerts, 'mail')} about limits did not arrive within the "
            "last seven days: somebody was not told.",
            "billing:alerts",
            "See which",
        )
    if mails.others:
        yield Attention(
            "warning",
            f"{counted(mails.others, 'other mail')} did not arrive within the last "
            "seven days.",
            "orgs:members",
            "Look at addresses",
        )
    if owners.webhooks_failing or owners.webhooks_disabled:
        yield webhooks_text(owners.webhooks_failing, owners.webhooks_disabled)
    yield from thresholds_nobody_reads(owners)
    if owners.alerts_unseen:
        yield Attention(
            "info",
            f"{counted(owners.alerts_unseen, 'alert')} of this cycle: nobody took "
            "note yet.",
            "billing:alerts",
            "Take note",
        )


def webhooks_text(failing: int, disabled: int) -> Attention:
    parts = []
    if failing:
        parts.append(f"{counted(failing, 'webhook')} did not answer of late")
    if disabled:
        verb = "is" if disabled == 1 else "are"
        parts.append(f"{counted(disabled, 'webhook')} {verb} switched off")
    return Attention(
        "warning",
        f"{', and '.join(parts)}: programs are not told.",
        "keys:webhooks",
        "See webhooks",
    )


def thresholds_nobody_reads(owners: OwnersConcerns) -> Iterator[Attention]:
    nobody = sum(not row.told for row in owners.thresholds)
    alone = sum(len(row.told) == 1 for row in owners.thresholds)
    place = {"page": "billing:limits", "part": "#soft-limits"}
    if nobody:
        yield Attention(
            "warning",
            f"{counted(nobody, 'soft limit')}: nobody gets the mail, because every "
            "owner does without such mails.",
            action="Add an address",
            **place,
        )
    if alone:
        yield Attention(
            "info",
            f"{counted(alone, 'soft limit')}: one person alone gets the mail, who may "
            "be away.",
            action="Add an address",
            **place,
        )


def given_away(owners: OwnersConcerns) -> Iterator[Attention]:
    """Yield limits of keys or members that come to more than there is."""
    for each in owners.allocations:
        if each.is_over:
            yield Attention(
                "info",
                f"The limits of {each.scope}s come to {each.percent:,} % of what the "
                "organization may spend: some may be refused before they reach theirs.",
                "billing:limits",
                "See allocation",
                "#defaults",
            )
