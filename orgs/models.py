"""Who: people, organizations, memberships, invitations, audit, outgoing mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from django.utils import timezone

from core import ids

# The audit log, and what belongs to one person, have modules of their own.
from orgs.audit_models import AuditAnchor, AuditChain, AuditEvent, AuditLink
from orgs.person_models import FirstSetUp, MailChoice, MailOptOut
from orgs.viewing_models import Viewing, ViewingEnd

__all__ = [
    "AuditAnchor",
    "AuditChain",
    "AuditEvent",
    "AuditLink",
    "FirstSetUp",
    "MailChoice",
    "MailOptOut",
    "Viewing",
    "ViewingEnd",
]


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, email: str, password: str | None = None, **fields: Any
    ) -> User:
        """
        Create a person who logs in by e-mail; the address is kept in lower case.

        For those who vouch for the address: it counts as verified. Who signs up
        alone is created by allauth, and verifies it.
        """
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        with transaction.atomic():
            user.save(using=self._db)
            EmailAddress.objects.create(
                user=user, email=user.email, verified=True, primary=True
            )
        return user

    def create_superuser(
        self, email: str, password: str | None = None, **fields: Any
    ) -> User:
        """Create an operator."""
        return self.create_user(
            email, password, is_staff=True, is_superuser=True, **fields
        )


def new_user_id() -> str:
    return ids.public_id("user_")


def new_organization_id() -> str:
    return ids.public_id("org-")


def new_invitation_id() -> str:
    return ids.public_id("inv_")


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Operators are those with `is_staff`."""

    public_id = models.CharField(max_length=40, unique=True, default=new_user_id)
    # Kept in lower case, so that unique means unique.
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120, blank=True)
    default_organization = models.ForeignKey(
        "orgs.Organization", null=True, blank=True, on_delete=models.SET_NULL
    )
    # A name of the IANA database: for the times on this person's own pages.
    time_zone = models.CharField(max_length=64, default="UTC")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="user_email_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.email


class Environment(models.TextChoices):
    STAGING = "staging", "Staging"
    PRODUCTION = "production", "Production"


LONGEST_SUSPENDED_MESSAGE = 500


class Organization(models.Model):
    """A tenant. Of one environment; a staging and a production one may be a pair."""

    public_id = models.CharField(
        max_length=40, unique=True, default=new_organization_id
    )
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    environment = models.CharField(max_length=12, choices=Environment.choices)
    sibling = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_demo = models.BooleanField(default=False)
    # A name of the IANA database: by its clock pages tell days and hours of usage.
    # Billing cycles stay months in UTC.
    time_zone = models.CharField(max_length=64, default="UTC", db_default="UTC")
    # Whether members without a second factor are kept out of its pages.
    requires_two_factor = models.BooleanField(default=False)
    suspended_at = models.DateTimeField(null=True, blank=True)
    # Why, for its members to read; empty unless it is suspended.
    suspended_message = models.CharField(
        max_length=LONGEST_SUSPENDED_MESSAGE, blank=True, default="", db_default=""
    )
    # Deleted by an owner: without members, keys and pages; kept for the operator.
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(environment__in=Environment.values),
                name="organization_environment_known",
            ),
            models.CheckConstraint(
                condition=Q(sibling__isnull=True) | ~Q(sibling=F("id")),
                name="organization_not_its_own_sibling",
            ),
            models.CheckConstraint(
                condition=Q(suspended_at__isnull=True, suspended_message="")
                | Q(suspended_at__isnull=False) & ~Q(suspended_message=""),
                name="organization_suspended_with_a_message",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_staging(self) -> bool:
        return self.environment == Environment.STAGING

    @property
    def full_name(self) -> str:
        """The name, and whether it is production or staging: for mails and messages."""
        return f"{self.name} ({self.get_environment_display()})"

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    READER = "reader", "Reader"


class Membership(models.Model):
    """A person's role in an organization."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"], name="membership_once"
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.organization}"

    @property
    def is_owner(self) -> bool:
        return self.role == Role.OWNER


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def pending(self) -> InvitationQuerySet:
        """Those neither accepted nor revoked; they may have expired."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)


class Invitation(models.Model):
    """An offer of membership to an address, taken up once through a mailed link."""

    public_id = models.CharField(max_length=40, unique=True, default=new_invitation_id)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=12, choices=Role.choices)
    token_digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    # When its mail was last queued, and how often: mails are rationed.
    sent_at = models.DateTimeField(db_default=Now())
    times_sent = models.PositiveSmallIntegerField(default=1, db_default=1)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_one_pending_per_address",
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="invitation_role_known"
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(revoked_at__isnull=True),
                name="invitation_ends_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.organization}"

    def is_expired(self, *, at: datetime) -> bool:
        return self.expires_at <= at


class MailStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    # The recipient's mail server does not take it.
    BOUNCED = "bounced", "Bounced"


class OutboxMail(models.Model):
    """
    A mail to one recipient, queued in the transaction of its cause.

    `dedupe_key` and recipient are unique together, so that repeating the cause
    queues nothing.
    """

    organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=40)
    recipient = models.EmailField(max_length=254)
    subject = models.CharField(max_length=250)
    body_text = models.TextField()
    body_html = models.TextField(blank=True)
    dedupe_key = models.CharField(max_length=200)
    # Mails of one thread and recipient stand together in their mailbox; may be none.
    thread = models.CharField(max_length=80, blank=True, default="", db_default="")
    status = models.CharField(
        max_length=8, choices=MailStatus.choices, default=MailStatus.QUEUED
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "outgoing mail"
        verbose_name_plural = "outbox"
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key", "recipient"], name="mail_once_per_cause"
            ),
            models.CheckConstraint(
                condition=Q(status__in=MailStatus.values), name="mail_status_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status="queued"),
                name="mail_queued_by_time",
            ),
            models.Index(fields=["recipient", "thread"], name="mail_by_thread"),
            models.Index(
                fields=["organization", "recipient"],
                condition=Q(status="bounced"),
                name="mail_bounced",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.recipient}"
