"""When people are told of spending, what they were told, and who took note."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.scope_models import Scope
from billing.unusual import Sensitivity
from core import ids
from core.database_ids import id_by_database
from core.money import NANOS_PER_DOLLAR
from orgs.models import Organization, User

RECIPIENTS_MAX = 10
ESCALATION_SHORTEST_MIN = 5
ESCALATION_LONGEST_MIN = 7 * 24 * 60
UNUSUAL_FLOOR_NANOS = 10 * NANOS_PER_DOLLAR


def new_alert_id() -> str:
    return ids.public_id("alert_")


def new_event_id() -> str:
    return ids.public_id("event_")


class Basis(models.TextChoices):
    """What a threshold is compared with."""

    ACTUAL = "actual", "What is spent"
    FORECAST = "forecast", "Where the cycle ends, by the forecast"


class SoftLimit(models.Model):
    """
    A threshold per cycle at which people want a mail. Traffic continues.

    It is an amount, or a percentage of the limit: of the hard or the approved one,
    whichever is lower.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_alert_id)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="soft_limits"
    )
    amount_nanos = models.BigIntegerField(null=True)
    percent = models.PositiveSmallIntegerField(null=True)
    basis = models.CharField(
        max_length=8,
        choices=Basis.choices,
        default=Basis.ACTUAL,
        db_default=Basis.ACTUAL,
    )
    # Told besides the owners; in lower case.
    recipients = ArrayField(
        models.EmailField(max_length=254),
        size=RECIPIENTS_MAX,
        default=list,
        db_default=[],
    )
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "basis", "amount_nanos", "percent"],
                name="soft_limit_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(amount_nanos__gt=0), name="soft_limit_positive"
            ),
            models.CheckConstraint(
                condition=Q(percent__gte=1, percent__lte=100),
                name="soft_limit_percent_in_range",
            ),
            models.CheckConstraint(
                condition=Q(amount_nanos__isnull=True, percent__isnull=False)
                | Q(amount_nanos__isnull=False, percent__isnull=True),
                name="soft_limit_amount_or_percent",
            ),
            models.CheckConstraint(
                condition=Q(basis__in=Basis.values), name="soft_limit_basis_known"
            ),
        ]

    def __str__(self) -> str:
        return f"soft limit of {self.organization}"


class AlertKind(models.TextChoices):
    SOFT_LIMIT = "soft_limit", "Soft limit reached"
    FORECAST_LIMIT = "forecast_limit", "On course for a soft limit"
    HARD_LIMIT = "hard_limit", "Hard limit reached"
    HARD_LIMIT_LIFTED = "hard_limit_lifted", "Hard limit lifted"
    APPROVED_LIMIT_REACHED = "approved_limit_reached", "Approved limit reached"
    KEY_LIMIT = "key_limit", "Limit of a key reached"
    MEMBER_LIMIT = "member_limit", "Limit of a member reached"
    UNUSUAL_SPEND = "unusual_spend", "Unusual spend"


class Alert(models.Model):
    """
    Something about spend that people are told of: an event of the alert ledger.

    Unique by kind, subject, amount and cycle, so that however often it is evaluated,
    people are told once. A limit that is raised and reached again is another amount.
    Of unusual spend there is one for each subject and day.
    """

    public_id = models.CharField(
        max_length=40,
        unique=True,
        default=new_event_id,
        db_default=id_by_database("event_"),
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="alerts"
    )
    kind = models.CharField(max_length=24, choices=AlertKind.choices)
    cycle_start = models.DateField()
    # Of the key or person whose limit it is; 0: of the organization.
    subject_id = models.BigIntegerField(default=0, db_default=0)
    # Theirs, for people; a key's with its last four characters.
    subject_name = models.CharField(
        max_length=160, blank=True, default="", db_default=""
    )
    # Of unusual spend: what is usual.
    limit_nanos = models.BigIntegerField()
    # In the cycle; of unusual spend in its hour or day.
    spent_nanos = models.BigIntegerField()
    # Of unusual spend: the day by the organization's clock, when the hour or day
    # began, and which of them it is.
    happened_on = models.DateField(null=True)
    began_at = models.DateTimeField(null=True)
    is_day = models.BooleanField(default=False, db_default=False)
    # Of a forecast: where the cycle ends, and when the limit is reached.
    forecast_nanos = models.BigIntegerField(null=True)
    reached_at = models.DateTimeField(null=True)
    # Of a limit that was lifted: the new one, if there is one, and who set it.
    raised_to_nanos = models.BigIntegerField(null=True)
    changed_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Told in the mail of a higher threshold that was crossed at the same time.
    is_covered = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # When the next owner is asked, unless somebody acknowledges it before.
    next_escalation_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    *("organization", "kind", "cycle_start"),
                    *("limit_nanos", "subject_id", "happened_on"),
                ],
                nulls_distinct=False,
                name="alert_once_per_limit_and_cycle",
            ),
            models.UniqueConstraint(
                fields=["organization", "kind", "subject_id", "happened_on"],
                name="alert_once_per_day",
            ),
            models.CheckConstraint(
                condition=Q(kind="unusual_spend", happened_on__isnull=False)
                & Q(began_at__isnull=False)
                | ~Q(kind="unusual_spend") & Q(happened_on__isnull=True),
                name="alert_of_unusual_spend_on_a_day",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=AlertKind.values), name="alert_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_by__isnull=True)
                | Q(acknowledged_at__isnull=False),
                name="alert_acknowledged_at_some_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_escalation_at"],
                condition=Q(next_escalation_at__isnull=False),
                name="alert_by_next_escalation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.organization} in {self.cycle_start:%Y-%m}"

    @property
    def dedupe_key(self) -> str:
        """The cause of its mails in the outbox."""
        return f"{self.kind}:{self.public_id}"

    @property
    def escalation_key(self) -> str:
        """The cause of the mails in which single owners are asked to take note."""
        return f"alert_escalation:{self.public_id}"


class NoticeRole(models.TextChoices):
    """Why somebody is told of an event."""

    OWNER = "owner", "Owner"
    RECIPIENT = "recipient", "Further recipient"
    BILLING = "billing", "Billing address"
    CONCERNED = "concerned", "Whose key or limit it is"
    ESCALATION = "escalation", "Asked to take note"


class Suppression(models.TextChoices):
    """Why somebody who would be told is not."""

    OPTED_OUT = "opted_out", "Does without such mails"
    COVERED = "covered", "Told in the mail of a higher threshold"


class AlertNotice(models.Model):
    """That somebody is told of an event, or why not. The outbox has the mail."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notices")
    recipient = models.EmailField(max_length=254)
    role = models.CharField(max_length=12, choices=NoticeRole.choices)
    suppression = models.CharField(
        max_length=12, choices=Suppression.choices, blank=True, default=""
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "recipient", "role"],
                name="alert_notice_once_per_recipient",
            ),
            models.CheckConstraint(
                condition=Q(role__in=NoticeRole.values), name="alert_notice_role_known"
            ),
            models.CheckConstraint(
                condition=Q(suppression__in=["", *Suppression.values]),
                name="alert_notice_suppression_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.alert_id} to {self.recipient}"


class AlertSettings(models.Model):
    """
    How an organization's alerts are escalated, and what spend counts as unusual.

    Without a row: not at all, and by the defaults.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="alert_settings"
    )
    # Null: whoever was told was told, and nobody is asked again.
    escalate_after_min = models.PositiveIntegerField(null=True)
    unusual_spend = models.CharField(
        max_length=8,
        choices=Sensitivity.choices,
        default=Sensitivity.NORMAL,
        db_default=Sensitivity.NORMAL,
    )
    # By how much more than usual it must be, in an hour or a day.
    unusual_floor_nanos = models.BigIntegerField(
        default=UNUSUAL_FLOOR_NANOS, db_default=UNUSUAL_FLOOR_NANOS
    )
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name_plural = "alert settings"
        constraints = [
            models.CheckConstraint(
                condition=Q(unusual_spend__in=Sensitivity.values),
                name="alert_sensitivity_known",
            ),
            models.CheckConstraint(
                condition=Q(unusual_floor_nanos__gt=0), name="alert_floor_positive"
            ),
            models.CheckConstraint(
                condition=Q(
                    escalate_after_min__gte=ESCALATION_SHORTEST_MIN,
                    escalate_after_min__lte=ESCALATION_LONGEST_MIN,
                ),
                name="alert_escalation_within_a_week",
            ),
        ]

    def __str__(self) -> str:
        return f"alert settings of {self.organization}"


class LimitRefusal(models.Model):
    """
    A limit of the organization that refused a request because it was all but spent.

    Requests are refused before the last cents are spent, as soon as the most they can
    cost no longer fits. Written by the books with the refusal, once per amount.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    cycle_start = models.DateField()
    limit_nanos = models.BigIntegerField()
    refused_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cycle_start", "limit_nanos"],
                name="limit_refusal_once_per_amount",
            )
        ]

    def __str__(self) -> str:
        return f"refusal of {self.organization_id} in {self.cycle_start:%Y-%m}"


class ScopeRefusal(models.Model):
    """The same of the limit of a key or a member, and what they had spent of it."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    cycle_start = models.DateField()
    scope = models.CharField(max_length=6, choices=Scope.choices)
    # Of the API key or of the person; they may be gone.
    subject_id = models.BigIntegerField()
    limit_nanos = models.BigIntegerField()
    spent_nanos = models.BigIntegerField()
    refused_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    *("organization", "cycle_start", "scope"),
                    *("subject_id", "limit_nanos"),
                ],
                name="scope_refusal_once_per_amount",
            ),
            models.CheckConstraint(
                condition=Q(scope__in=Scope.values), name="scope_refusal_scope_known"
            ),
        ]
        indexes = [models.Index(fields=["cycle_start"], name="scope_refusal_by_cycle")]

    def __str__(self) -> str:
        return f"refusal of {self.scope} {self.subject_id}"
