"""What the mails about quota requests and temporary raises say, and to whom."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.conf import settings

from billing.alert_mail import page_url
from billing.quota_models import QuotaRequest, TemporaryRaise
from core.money import cents_usd
from core.templatetags.money import cents
from core.zones import as_read
from orgs.mail import queue_mail
from orgs.models import Organization
from orgs.person_models import OptionalMail
from orgs.queries import addresses_of_operators, addresses_of_owners

STATUS_WORDS = {
    "pending": "Request for a limit of {amount} received",
    "approved": "Approved limit raised to {amount}",
    "partially_approved": "Approved limit raised to {amount}, less than requested",
    "denied": "Request for a limit of {amount} denied",
    "withdrawn": "Request for a limit of {amount} withdrawn",
    "expired": "Request for a limit of {amount} expired undecided",
}


def queue_status_mail(request: QuotaRequest, *, now: datetime) -> None:
    """Tell whoever asked what became of a request, and the owners who want to know."""
    asked = asking(request)
    queue_status_mail_to(asked, "quota_answer", request, now=now)
    others = set(addresses_of_owners(request.organization)) - set(asked)
    queue_status_mail_to(others, OptionalMail.QUOTA_REQUEST, request, now=now)


def queue_status_mail_to(
    recipients: Collection[str], kind: str, request: QuotaRequest, *, now: datetime
) -> None:
    organization = request.organization
    amount = f"${cents_usd(request.granted_nanos or request.requested_nanos)}"
    words = STATUS_WORDS[request.status].format(amount=amount)
    queue_mail(
        kind=kind,
        recipients=recipients,
        subject=f"[{organization.full_name}] {words}",
        template="quota_request",
        context={
            "request": request,
            "amount": amount,
            "has_asked": kind == "quota_answer",
            "page_url": page_url(organization, "limits/increase"),
        },
        dedupe_key=f"quota_request:{request.public_id}:{request.status}",
        organization=organization,
        now=now,
        thread=request.public_id,
    )


def asking(request: QuotaRequest) -> list[str]:
    asked = request.requested_by
    return [asked.email] if asked and asked.is_active else []


def queue_waiting_mail(request: QuotaRequest, *, now: datetime) -> None:
    """Tell the operators that a request waits for them."""
    amount = f"${cents_usd(request.requested_nanos)}"
    queue_mail(
        kind="quota_waiting",
        recipients=addresses_of_operators(),
        subject=f"{request.organization.full_name} asks for a limit of {amount}",
        template="quota_waiting",
        context={
            "request": request,
            "page_url": f"{settings.BASE_URL}/operator/quota/{request.public_id}",
        },
        dedupe_key=f"quota_waiting:{request.public_id}",
        organization=request.organization,
        now=now,
    )


def queue_raise_mail(raised: TemporaryRaise, *, now: datetime) -> None:
    """
    Tell the owners that a raise ends in two days, or has ended.

    Every one: where more is spent already, requests are refused from then on.
    """
    organization = raised.organization
    state = "ended" if raised.ended_at else "ending"
    queue_mail(
        kind=f"raise_{state}",
        recipients=[*addresses_of_owners(organization), *asking(raised.request)],
        subject=lambda: f"[{organization.full_name}] {raise_subject(raised)}",
        template="temporary_raise",
        context={
            "raised": raised,
            "page_url": increase_url(organization, raised.raised_nanos),
        },
        dedupe_key=f"raise_{state}:{raised.request.public_id}",
        organization=organization,
        now=now,
        thread=raised.request.public_id,
    )


def raise_subject(raised: TemporaryRaise) -> str:
    after = f"${cents_usd(raised.reverts_to_nanos)}"
    if raised.ended_at:
        return f"The approved limit is {after} again"
    return (
        f"The approved limit goes back to {after} on {as_read(raised.ends_at):%-d %B}"
    )


def increase_url(organization: Organization, amount_nanos: int) -> str:
    """Return the page where an increase is requested, filled in."""
    return page_url(organization, f"limits/increase?amount={cents(amount_nanos)}")
