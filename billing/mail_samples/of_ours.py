"""The mails of the product's own actions, written by the functions that queue them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from billing.alert_mail import queue_escalation_mail, queue_mail_of
from billing.credit_mail import queue_credit_mail
from billing.funding_mail import queue_approved_limit_mail
from billing.funding_models import NoticeStage
from billing.invoice_mail import queue_credit_note_mail, queue_invoice_mail
from billing.mail_samples.cast import Cast
from billing.mail_samples.sample import Sample
from billing.models import Alert, AlertKind
from billing.payment_mail import queue_declined_mail, queue_noted_mail
from billing.payment_models import ChargeStage
from billing.quota_mail import (
    queue_raise_mail,
    queue_status_mail_to,
    queue_waiting_mail,
)
from billing.quota_models import QuotaStatus
from core.money import NANOS_PER_DOLLAR
from keys.actions.expiry import queue_notice
from keys.actions.webhook_delivery import queue_disabled_mail
from keys.webhook_client import Answer
from orgs.actions.anchors import queue_anchor_mail
from orgs.actions.invitations import queue_invitation
from orgs.actions.second_factors import queue_reset_mail
from orgs.actions.suspension import queue_suspension_mail
from orgs.actions.viewings import queue_viewing_mail
from orgs.security_mail import tell_of_new_owner

# Stands in for what is read of usage: the sample organization has none.
SPENT_ON = {
    "largest_models": [
        ("gpt-5", 31 * NANOS_PER_DOLLAR),
        ("gpt-4o-mini", 9 * NANOS_PER_DOLLAR),
    ],
    "largest_keys": [("Search service", 40 * NANOS_PER_DOLLAR)],
    "hard_limit_nanos": 50 * NANOS_PER_DOLLAR,
    "percent": 80,
    "is_refusing": False,
}


def samples(cast: Cast) -> Iterator[Sample]:
    yield from of_people(cast)
    yield from of_limits(cast)
    yield from of_credit(cast)
    yield from of_quota(cast)
    yield from of_operation(cast)


def of_people(cast: Cast) -> Iterator[Sample]:
    now = cast.now
    yield Sample(
        "invitation",
        "An owner invites somebody, or sends the invitation again.",
        partial(queue_invitation, cast.invitation, "sample-token", now),
    )
    yield Sample(
        "two_factor_reset",
        "The operator took off somebody's second factor.",
        partial(queue_reset_mail, cast.ada, "She lost her phone; we called her.", now),
    )
    yield Sample(
        "security_notice",
        "An owner is new or gone, a provider key set, an admin key made: to owners.",
        partial(
            tell_of_new_owner,
            cast.organization,
            cast.ada,
            acting_user=cast.ada,
            now=now,
        ),
    )
    for name, ends_in in (("soon", timedelta(days=3)), ("over", timedelta(0))):
        key = cast.key(ends_in=ends_in)
        yield Sample(
            f"key_expiry-{name}",
            "An API key ends 14 days later, 3 days later, or now.",
            partial(queue_notice, key, ends_in.days, now=now),
        )


def of_limits(cast: Cast) -> Iterator[Sample]:
    refusing = SPENT_ON | {"percent": 100, "is_refusing": True}
    reached = [cast.alert(AlertKind.SOFT_LIMIT, limit=each) for each in (40, 20)]
    yield of_alerts(
        cast, "Spending reached a soft limit; once for each and cycle.", *reached
    )
    yield of_alerts(
        cast,
        "Spending is on course for a soft limit; once for each and cycle.",
        cast.alert(AlertKind.FORECAST_LIMIT, limit=60, forecast=75),
    )
    yield of_alerts(
        cast,
        "Spending reached the hard limit: requests are refused.",
        cast.alert(AlertKind.HARD_LIMIT, limit=40),
        facts=refusing,
    )
    yield of_alerts(
        cast,
        "An owner raised or removed a hard limit that was reached.",
        cast.alert(AlertKind.HARD_LIMIT_LIFTED, limit=40, raised_to=80),
    )
    yield of_alerts(
        cast,
        "Spending reached the approved limit: requests are refused.",
        cast.alert(AlertKind.APPROVED_LIMIT_REACHED, limit=40),
        facts=refusing,
    )
    for kind, name in (
        (AlertKind.KEY_LIMIT, "Search service (…wxyz)"),
        (AlertKind.MEMBER_LIMIT, cast.ada.get_full_name()),
    ):
        yield of_alerts(
            cast,
            "A key or a member reached a limit of their own: to owners and to them.",
            cast.alert(kind, limit=40, subject_name=name),
        )
    for name, alert in (
        ("hour", cast.unusual(is_day=False)),
        ("day-key", cast.unusual(is_day=True, subject_name="Search service (…wxyz)")),
    ):
        queue = partial(queue_mail_of, cast.organization, [alert], recipients=[])
        yield Sample(
            f"{alert.kind}-{name}",
            "An hour or day costs far more than usual: to owners, and who has the key.",
            partial(queue, now=cast.now),
            facts=SPENT_ON,
        )
    unseen = cast.alert(AlertKind.HARD_LIMIT, limit=40)
    yield Sample(
        "alert_escalation",
        "Nobody took note of an alert in time: to the next owner.",
        partial(queue_escalation_mail, unseen, cast.ada, now=cast.now),
        facts=refusing,
    )
    yield Sample(
        "approved_limit",
        "The operator changed the approved limit: to every owner.",
        partial(
            queue_approved_limit_mail,
            cast.organization,
            500 * NANOS_PER_DOLLAR,
            120 * NANOS_PER_DOLLAR,
            "You asked by telephone, and always paid in time.",
            now=cast.now,
        ),
    )


def of_alerts(
    cast: Cast, occasion: str, *alerts: Alert, facts: Mapping[str, Any] = SPENT_ON
) -> Sample:
    """Return the mail about alerts of one kind; it is named by the kind."""
    return Sample(
        alerts[0].kind,
        occasion,
        partial(queue_mail_of, cast.organization, alerts, recipients=[], now=cast.now),
        facts={} if alerts[0].subject_name else facts,
    )


def of_credit(cast: Cast) -> Iterator[Sample]:
    stages = (
        (NoticeStage.DAYS_14, timedelta(days=14), 2),
        (NoticeStage.DAYS_3, timedelta(days=3), 2),
        (NoticeStage.DAYS_0, timedelta(0), 2),
        (NoticeStage.LOW, timedelta(days=60), 4),
    )
    for stage, ends_in, used in stages:
        grant = cast.grant(ends_in=ends_in, used=used)
        kind = "credit_gone" if stage == NoticeStage.DAYS_0 else "credit_notice"
        yield Sample(
            f"{kind}-{stage}",
            f"Of credit: {stage.label.lower()}.",
            partial(
                queue_credit_mail, grant, stage, is_all_there_is=True, now=cast.now
            ),
        )


def of_quota(cast: Cast) -> Iterator[Sample]:
    now = cast.now
    for status in QuotaStatus:
        yield Sample(
            f"quota_request-{status}",
            f"A quota request is {status.label.lower()}: to other owners.",
            partial(
                queue_status_mail_to,
                [cast.ada.email],
                "quota_request",
                cast.quota_request(status),
                now=now,
            ),
        )
    pending = cast.quota_request(QuotaStatus.PENDING)
    yield Sample(
        "quota_answer",
        "What became of a quota request: to whoever asked, always.",
        partial(
            queue_status_mail_to,
            [cast.ada.email],
            "quota_answer",
            cast.quota_request(QuotaStatus.APPROVED),
            now=now,
        ),
    )
    yield Sample(
        "quota_waiting",
        "A quota request waits for a decision: to the operators.",
        partial(queue_waiting_mail, pending, now=now),
    )
    for kind, has_ended in (("raise_ending", False), ("raise_ended", True)):
        raised = cast.temporary_raise(has_ended=has_ended)
        yield Sample(
            kind,
            "A temporary raise ends two days later, or has ended.",
            partial(queue_raise_mail, raised, now=now),
        )


def of_operation(cast: Cast) -> Iterator[Sample]:
    now = cast.now
    yield Sample(
        "invoice",
        "An invoice was issued.",
        partial(queue_invoice_mail, cast.invoice, now=now),
    )
    for name, stage in (
        ("again", ChargeStage.WAITING),
        ("given_up", ChargeStage.GIVEN_UP),
    ):
        yield Sample(
            f"payment_declined-{name}",
            "A card did not pay an invoice: to owners and billing addresses.",
            partial(queue_declined_mail, cast.charge(stage), now=now),
        )
    yield Sample(
        "payment_noted",
        "A payment was returned, disputed or is of another amount: to the operators.",
        partial(queue_noted_mail, cast.payment_event, now=now),
    )
    yield Sample(
        "credit_note",
        "An invoice was taken back, whole or in part.",
        partial(queue_credit_note_mail, cast.credit_note, now=now),
    )
    yield Sample(
        "organization_suspended",
        "The operator suspended an organization.",
        partial(queue_suspension_mail, cast.suspended, "suspended", now),
    )
    yield Sample(
        "organization_reactivated",
        "The operator ended a suspension.",
        partial(queue_suspension_mail, cast.organization, "reactivated", now),
    )
    yield Sample(
        "viewing",
        "An operator begins to view an organization: to its owners.",
        partial(queue_viewing_mail, cast.viewing, now=now),
    )
    yield Sample(
        "webhook_disabled",
        "No webhook arrived at an endpoint for three days: to every owner.",
        partial(queue_disabled_mail, cast.webhook, Answer(503, 812), now=now),
    )
    ends = [("installation", 412, "3f" * 32), ("org-sample", 96, "9c" * 32)]
    yield Sample(
        "audit_anchors",
        "Once a month, to the operators: where the chains of the audit log end.",
        partial(queue_anchor_mail, ends, left_out=0, now=now),
    )
