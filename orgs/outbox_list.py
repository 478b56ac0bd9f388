"""The outbox as operators look through it: which mails, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from orgs.models import OutboxMail

PAGE_LENGTH = 50


@dataclass(frozen=True, slots=True)
class MailSelection:
    """Which mails: what is empty does not narrow."""

    status: str = ""
    kind: str = ""
    # A part of an address or of a subject.
    find: str = ""


@dataclass(frozen=True, slots=True)
class MailPage:
    """Mails, newest first. `older` is where the next page begins, if there is one."""

    mails: Sequence[OutboxMail]
    older: int | None


def page_of_mails(selection: MailSelection, *, before: int | None) -> MailPage:
    """Return a page of the selected mails, from the one older than `before` on."""
    mails = selected_mails(selection)
    if before is not None:
        mails = mails.filter(pk__lt=before)
    found = list(mails[: PAGE_LENGTH + 1])
    shown = found[:PAGE_LENGTH]
    return MailPage(shown, shown[-1].pk if len(found) > PAGE_LENGTH else None)


def selected_mails(selection: MailSelection) -> QuerySet[OutboxMail]:
    """Return the selected mails, newest first; without what they say."""
    mails = OutboxMail.objects.select_related("organization").order_by("-pk")
    if selection.status:
        mails = mails.filter(status=selection.status)
    if selection.kind:
        mails = mails.filter(kind=selection.kind)
    if selection.find:
        mails = mails.filter(
            Q(recipient__icontains=selection.find)
            | Q(subject__icontains=selection.find)
        )
    return mails.defer("body_text", "body_html")


def kinds_in_outbox() -> list[str]:
    """Return the kinds of mail that occur, by name."""
    kinds = OutboxMail.objects.order_by("kind").values_list("kind", flat=True)
    return list(kinds.distinct())
