"""A mail that was given up is tried once more."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orgs import audit
from orgs.audit_models import LONGEST_TARGET
from orgs.models import MailStatus, OutboxMail, User


class NotGivenUp(Exception):
    """The mail was sent, or waits already."""


@transaction.atomic
def send_mail_again(*, mail_id: int, acting_user: User, now: datetime) -> OutboxMail:
    """
    Let a mail that was given up be tried again, once: its attempts stay counted.

    Safe to repeat: who comes second finds it waiting.

    :raises NotGivenUp: if it is not given up, or not any more.
    :raises OutboxMail.DoesNotExist: if there is none.
    """
    mail = OutboxMail.objects.select_for_update(of=("self",)).get(pk=mail_id)
    if mail.status != MailStatus.FAILED:
        raise NotGivenUp
    mail.status, mail.next_attempt_at = MailStatus.QUEUED, now
    mail.save(update_fields=["status", "next_attempt_at"])
    audit.record(
        organization=mail.organization,
        actor=acting_user,
        action="mail.sent_again",
        target=mail.recipient[:LONGEST_TARGET],
        details={"kind": mail.kind, "attempts": mail.attempts},
        now=now,
    )
    return mail
