"""Who and what the sample mails tell of. Nothing of it is in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from billing.funding_models import CreditGrant
from billing.invoice_models import Invoice, InvoiceKind
from billing.models import Alert, AlertKind
from billing.payment_models import InvoiceCharge, PaymentEvent
from billing.quota_models import QuotaRequest, QuotaStatus, TemporaryRaise
from core.money import NANOS_PER_DOLLAR
from core.periods import cycle_of, previous_cycle
from keys.models import ApiKey, ApiKeyKind, WebhookEndpoint
from orgs.models import (
    Environment,
    Invitation,
    Organization,
    Role,
    User,
    Viewing,
)
from orgs.viewing_models import LONGEST_VIEWING

# No row has it.
NO_ROW = 0


@dataclass(frozen=True)
class Cast:
    """Sample rows as of an instant."""

    now: datetime

    @cached_property
    def organization(self) -> Organization:
        return Organization(
            pk=NO_ROW,
            public_id="org-sample",
            name="Acme",
            slug="acme",
            environment=Environment.PRODUCTION,
        )

    @cached_property
    def suspended(self) -> Organization:
        return Organization(
            pk=NO_ROW,
            public_id="org-sample",
            name="Acme",
            slug="acme",
            environment=Environment.PRODUCTION,
            suspended_at=self.now,
            suspended_message="A bill is open since March.",
        )

    @cached_property
    def ada(self) -> User:
        return User(
            pk=NO_ROW, email="ada@acme.example", name="Ada Moss", is_active=True
        )

    @cached_property
    def invitation(self) -> Invitation:
        return Invitation(
            pk=NO_ROW,
            public_id="inv_sample",
            organization=self.organization,
            email="nora@acme.example",
            role=Role.READER,
            token_digest="0" * 64,
            invited_by=self.ada,
            expires_at=self.now + timedelta(days=7),
        )

    @cached_property
    def viewing(self) -> Viewing:
        return Viewing(
            public_id="view_sample",
            organization=self.organization,
            operator=User(pk=NO_ROW, email="op@tokenhouse.example", name="Op"),
            reason="Ticket 4711: you asked where the spend of Monday came from.",
            began_at=self.now,
            ends_at=self.now + LONGEST_VIEWING,
        )

    @cached_property
    def webhook(self) -> WebhookEndpoint:
        return WebhookEndpoint(
            organization=self.organization,
            public_id="webhook_sample",
            url="https://hooks.acme.example/tokenhouse",
        )

    def alert(
        self,
        kind: AlertKind,
        *,
        limit: int,
        forecast: int | None = None,
        raised_to: int | None = None,
        subject_name: str = "",
    ) -> Alert:
        """Return an alert over dollars of the current cycle, of which 40 are spent."""
        return Alert(
            organization=self.organization,
            kind=kind,
            cycle_start=cycle_of(self.now),
            limit_nanos=limit * NANOS_PER_DOLLAR,
            spent_nanos=40 * NANOS_PER_DOLLAR,
            forecast_nanos=forecast and forecast * NANOS_PER_DOLLAR,
            reached_at=self.now + timedelta(days=4) if forecast else None,
            raised_to_nanos=raised_to and raised_to * NANOS_PER_DOLLAR,
            changed_by=self.ada if raised_to else None,
            subject_id=1 if subject_name else 0,
            subject_name=subject_name,
            created_at=self.now,
        )

    def unusual(self, *, is_day: bool, subject_name: str = "") -> Alert:
        """Return an alert that 40 dollars were spent, usually 5."""
        alert = self.alert(AlertKind.UNUSUAL_SPEND, limit=5, subject_name=subject_name)
        alert.began_at = self.now.replace(minute=0)
        alert.happened_on, alert.is_day = self.now.date(), is_day
        return alert

    def grant(self, *, ends_in: timedelta, used: int) -> CreditGrant:
        """Return a trial of five dollars of which some are used."""
        return CreditGrant(
            organization=self.organization,
            public_id="credit_sample",
            name="Trial",
            amount_nanos=5 * NANOS_PER_DOLLAR,
            consumed_nanos=used * NANOS_PER_DOLLAR,
            effective_at=self.now - timedelta(days=90),
            expires_at=self.now + ends_in,
        )

    def quota_request(self, status: QuotaStatus) -> QuotaRequest:
        grants = {
            QuotaStatus.APPROVED: 400 * NANOS_PER_DOLLAR,
            QuotaStatus.PARTIALLY_APPROVED: 250 * NANOS_PER_DOLLAR,
        }
        return QuotaRequest(
            organization=self.organization,
            public_id="req_sample",
            requested_by=self.ada,
            requested_nanos=400 * NANOS_PER_DOLLAR,
            limit_before_nanos=120 * NANOS_PER_DOLLAR,
            reason="A launch in spring: about three times the requests of today.",
            status=status,
            granted_nanos=grants.get(status),
            message="" if status == QuotaStatus.PENDING else "Good luck with it.",
        )

    def temporary_raise(self, *, has_ended: bool) -> TemporaryRaise:
        return TemporaryRaise(
            organization=self.organization,
            request=self.quota_request(QuotaStatus.APPROVED),
            raised_nanos=400 * NANOS_PER_DOLLAR,
            reverts_to_nanos=120 * NANOS_PER_DOLLAR,
            ends_at=self.now if has_ended else self.now + timedelta(days=2),
            ended_at=self.now if has_ended else None,
        )

    @cached_property
    def invoice(self) -> Invoice:
        return Invoice(
            organization=self.organization,
            public_id="invoice_sample",
            kind=InvoiceKind.INVOICE,
            number="INV-000042",
            cycle_start=previous_cycle(cycle_of(self.now)),
            issued_at=self.now,
            due_on=(self.now + timedelta(days=30)).date(),
            tax_percent=Decimal(0),
            total_nanos=9_876 * NANOS_PER_DOLLAR // 100,
        )

    @cached_property
    def credit_note(self) -> Invoice:
        return Invoice(
            organization=self.organization,
            public_id="note_sample",
            kind=InvoiceKind.CREDIT_NOTE,
            number="CN-000007",
            credits=self.invoice,
            reason="The outage of 3 November",
            cycle_start=self.invoice.cycle_start,
            issued_at=self.now,
            due_on=self.now.date(),
            tax_percent=Decimal(19),
            net_nanos=10 * NANOS_PER_DOLLAR,
            tax_nanos=190 * NANOS_PER_DOLLAR // 100,
            total_nanos=1190 * NANOS_PER_DOLLAR // 100,
        )

    def charge(self, stage: str) -> InvoiceCharge:
        return InvoiceCharge(
            organization=self.organization,
            invoice=self.invoice,
            stage=stage,
            reason="Your card has insufficient funds.",
            next_attempt_at=self.now + timedelta(days=1),
        )

    @cached_property
    def payment_event(self) -> PaymentEvent:
        return PaymentEvent(
            organization=self.organization,
            event_id="evt_sample",
            note="Money was returned to a card: 5.00 USD, invoice INV-000042, pi_1.",
        )

    def key(self, *, ends_in: timedelta) -> ApiKey:
        return ApiKey(
            pk=NO_ROW,
            kind=ApiKeyKind.SERVICE,
            environment=Environment.PRODUCTION,
            organization=self.organization,
            name="Search service",
            handle="s4mpl3k3y0",
            last_four="wxyz",
            expires_at=self.now + ends_in,
        )
