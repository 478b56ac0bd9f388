"""Send what the outbox holds: at least once, each mail by one worker at a time."""

from __future__ import annotations

import hashlib
import logging
import smtplib
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from orgs.models import MailStatus, OutboxMail
from orgs.person_models import OptionalMail
from orgs.unsubscribing import Subscription, unsubscribe_url

logger = logging.getLogger(__name__)

BATCH_MAX = 50
ATTEMPTS_MAX = 12
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_ERROR = 300
# Answers that concern one mail; after any other failure the server gets a rest.
ABOUT_ONE_MAIL = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPSenderRefused,
)


def send_due_mail(*, now: datetime, batch_max: int = BATCH_MAX) -> int:
    """
    Send at most `batch_max` mails that are due; return how many were sent.

    Safe to run many times at once. A mail that fails waits, a minute at first and
    twice as long each time up to an hour, and is given up after twelve attempts. A
    mail server that fails altogether ends the batch.
    """
    sent = 0
    backend = get_connection()
    try:
        for _ in range(batch_max):
            with transaction.atomic():
                mail = next_due_mail(now)
                if mail is None:
                    break
                error = deliver(mail, backend)
                note_result(mail, error, now=now)
            if error is None:
                sent += 1
            elif isinstance(error, OSError) and not isinstance(error, ABOUT_ONE_MAIL):
                break
    finally:
        close(backend)
    return sent


def next_due_mail(now: datetime) -> OutboxMail | None:
    """Claim the mail that waits longest, for the rest of the transaction."""
    return (
        OutboxMail.objects.select_for_update(skip_locked=True)
        .filter(status=MailStatus.QUEUED, next_attempt_at__lte=now)
        .order_by("next_attempt_at", "pk")
        .first()
    )


def deliver(mail: OutboxMail, backend: BaseEmailBackend) -> Exception | None:
    """Hand a mail to the mail server and return what went wrong."""
    try:
        # Kept open for the batch; without this each mail would connect anew.
        backend.open()
        message_of(mail, backend).send()
    except Exception as error:
        # The edge: whatever one mail or a mail backend raises, others must go out.
        logger.warning("mail.not_sent mail=%s error=%s", mail.pk, type(error).__name__)
        return error
    logger.info("mail.sent mail=%s kind=%s", mail.pk, mail.kind)
    return None


def message_of(mail: OutboxMail, backend: BaseEmailBackend) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.body_text,
        to=[mail.recipient],
        reply_to=[settings.MAIL_REPLY_TO] if settings.MAIL_REPLY_TO else None,
        connection=backend,
        headers={
            "Message-ID": message_id(mail),
            # RFC 3834; the second is Outlook's: no out-of-office answers.
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            **thread_headers(mail),
            **unsubscribe_headers(mail),
        },
    )
    if mail.body_html:
        message.attach_alternative(mail.body_html, "text/html")
    return message


def thread_headers(mail: OutboxMail) -> dict[str, str]:
    """Name the thread's first mail to this recipient, so that both stand together."""
    if not mail.thread:
        return {}
    thread = OutboxMail.objects.filter(recipient=mail.recipient, thread=mail.thread)
    first = thread.order_by("pk").only("dedupe_key", "recipient")[0]
    if first.pk == mail.pk:
        return {}
    return dict.fromkeys(("In-Reply-To", "References"), message_id(first))


def unsubscribe_headers(mail: OutboxMail) -> dict[str, str]:
    """Let mail programs refuse an optional kind with one click (RFC 8058)."""
    if mail.organization_id is None or mail.kind not in OptionalMail.values:
        return {}
    subscription = Subscription(mail.organization_id, mail.recipient, mail.kind)
    return {
        "List-Unsubscribe": f"<{unsubscribe_url(subscription)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def message_id(mail: OutboxMail) -> str:
    """Return the same id at each attempt, so that a mail sent twice shows once."""
    cause = f"{mail.dedupe_key}\n{mail.recipient}"
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    return f"<{hashlib.sha256(cause.encode()).hexdigest()[:32]}@{host}>"


def note_result(mail: OutboxMail, error: Exception | None, *, now: datetime) -> None:
    """Mark a claimed mail as sent, waiting for another attempt, or given up."""
    mail.attempts += 1
    mail.last_error = "" if error is None else short_reason(error)
    if error is None:
        mail.status, mail.sent_at = MailStatus.SENT, now
    elif mail.attempts >= ATTEMPTS_MAX:
        mail.status = MailStatus.FAILED
        logger.error("mail.given_up mail=%s kind=%s", mail.pk, mail.kind)
    else:
        mail.next_attempt_at = now + wait_after(mail.attempts)
    mail.save(
        update_fields=["attempts", "last_error", "status", "sent_at", "next_attempt_at"]
    )


def wait_after(attempts: int) -> timedelta:
    return min(FIRST_WAIT * (1 << (attempts - 1)), LONGEST_WAIT)


def short_reason(error: Exception) -> str:
    """Say what happened for the operator, without anything that logs us in."""
    name = type(error).__name__
    match error:
        case smtplib.SMTPAuthenticationError():
            # Servers repeat user names in this answer.
            reason = str(error.smtp_code)
        case smtplib.SMTPResponseException():
            reason = f"{error.smtp_code} {text_of(error.smtp_error)}"
        case smtplib.SMTPRecipientsRefused():
            answers = error.recipients.values()
            reason = "; ".join(f"{code} {text_of(text)}" for code, text in answers)
        case OSError():
            reason = error.strerror or ""
        case _:
            reason = ""
    return f"{name}: {reason}"[:LONGEST_ERROR] if reason else name


def text_of(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


def close(backend: BaseEmailBackend) -> None:
    """Close the connection; the server may have gone already."""
    try:
        backend.close()
    except OSError as error:
        logger.info("mail.close_failed error=%s", type(error).__name__)
