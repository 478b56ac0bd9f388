"""What the mails about credit say."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from billing.alert_mail import page_url
from billing.credit_queries import CreditState, state_of
from billing.funding_models import CreditGrant, NoticeStage
from core.money import cents_usd
from core.zones import as_read
from orgs.mail import queue_mail
from orgs.person_models import OptionalMail
from orgs.queries import addresses_of_owners


def queue_credit_mail(
    grant: CreditGrant, stage: NoticeStage, *, is_all_there_is: bool, now: datetime
) -> None:
    """
    Queue one mail per owner about a grant's end.

    `is_all_there_is` says that without credit requests are refused: then every owner
    hears of its end, also those who do without such mails.
    """
    organization = grant.organization
    is_gone = stage == NoticeStage.DAYS_0 or grant.left_nanos == 0
    stops_requests = is_all_there_is and is_gone
    queue_mail(
        kind="credit_gone" if stops_requests else OptionalMail.CREDIT_NOTICE,
        recipients=addresses_of_owners(organization),
        subject=lambda: f"[{organization.full_name}] {headline(grant, stage, now=now)}",
        template="credit_notice",
        context={
            "grant": grant,
            # Called where it is written, as its date is by the recipient's clock.
            "headline": partial(headline, grant, stage, now=now),
            "left_nanos": grant.amount_nanos - grant.consumed_nanos,
            "is_over": stage == NoticeStage.DAYS_0,
            "is_low": stage == NoticeStage.LOW,
            "is_all_there_is": is_all_there_is,
            "page_url": page_url(organization, "billing"),
        },
        dedupe_key=f"credit_notice:{grant.public_id}:{stage}",
        organization=organization,
        now=now,
    )


def headline(grant: CreditGrant, stage: NoticeStage, *, now: datetime) -> str:
    left = f"${cents_usd(grant.amount_nanos - grant.consumed_nanos)}"
    if stage == NoticeStage.LOW:
        if state_of(grant, now=now) is CreditState.USED_UP:
            return f"The credit of ${cents_usd(grant.amount_nanos)} is used up"
        return f"{left} of the credit of ${cents_usd(grant.amount_nanos)} are left"
    if stage == NoticeStage.DAYS_0:
        return f"Credit of {left} has expired"
    assert grant.expires_at is not None, "of others nothing is told"
    return f"Credit of {left} expires on {as_read(grant.expires_at):%-d %B}"
