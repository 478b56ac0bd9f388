"""Credentials: API keys people present to us, provider keys we present to others."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core import ids
from keys.allowed_models import PATTERN_LENGTH_MAX, PATTERNS_MAX
from keys.secrets import kind_text
from keys.use_models import ExpiryNotice, FormerKey, KeyBlock, KeyUse
from keys.webhook_models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from orgs.models import Environment, Organization, User

__all__ = [
    "ApiKey",
    "ApiKeyKind",
    "ApiKeyQuerySet",
    "ExpiryNotice",
    "FormerKey",
    "KeyBlock",
    "KeyUse",
    "ProviderKey",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
]


def new_api_key_id() -> str:
    return ids.public_id("key_")


class ApiKeyKind(models.TextChoices):
    PERSONAL = "personal", "Personal"
    SERVICE = "service", "Service"
    ADMIN = "admin", "Admin"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable_in(self, organization: Organization) -> ApiKeyQuerySet:
        """Service keys of the organization, and members' personal keys that fit."""
        return self.filter(
            Q(kind=ApiKeyKind.SERVICE, organization=organization)
            | Q(
                kind=ApiKeyKind.PERSONAL,
                environment=organization.environment,
                user__memberships__organization=organization,
            )
        )

    def live(self, *, at: datetime) -> ApiKeyQuerySet:
        return self.filter(revoked_at__isnull=True).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=at)
        )


class ApiKey(models.Model):
    """
    A key for `/v1`. Its text is shown once; only a peppered digest is kept.

    A personal key is of a person and acts in any organization of theirs that is
    of the key's environment. Service and admin keys are of one organization.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_api_key_id)
    kind = models.CharField(max_length=8, choices=ApiKeyKind.choices)
    environment = models.CharField(max_length=12, choices=Environment.choices)
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.CASCADE, related_name="api_keys"
    )
    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(max_length=80)
    # The id inside the key's text; safe to log.
    handle = models.CharField(max_length=16, unique=True)
    # HMAC-SHA-256 of the whole text under KEY_PEPPER, hexadecimal.
    digest = models.CharField(max_length=64, unique=True)
    last_four = models.CharField(max_length=4)
    created_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    # When its text was last exchanged for a new one.
    rotated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # Names, or beginnings of names with a star; none means all models.
    models_allowed = ArrayField(
        models.CharField(max_length=PATTERN_LENGTH_MAX),
        size=PATTERNS_MAX,
        default=list,
        blank=True,
        db_default=[],
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind=ApiKeyKind.PERSONAL,
                    user__isnull=False,
                    organization__isnull=True,
                )
                | Q(
                    kind__in=[ApiKeyKind.SERVICE, ApiKeyKind.ADMIN],
                    user__isnull=True,
                    organization__isnull=False,
                ),
                name="api_key_belongs_to_person_or_organization",
            ),
            models.CheckConstraint(
                condition=Q(environment__in=Environment.values),
                name="api_key_environment_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def masked(self) -> str:
        """The key as it may be shown: its clear part and last four characters."""
        return f"{self.clear_prefix}…{self.last_four}"

    @property
    def clear_prefix(self) -> str:
        return f"th-{kind_text(self.kind, self.environment)}-{self.handle}-"

    def is_live(self, *, at: datetime) -> bool:
        if self.revoked_at is not None:
            return False
        return self.expires_at is None or self.expires_at > at


class SealedKey(models.Model):
    """
    A key of an organization's at its provider. Write-only.

    `ciphertext` is bound to organization, row, column and the base URL's origin:
    moved to another row, or with the URL edited, it does not open.
    """

    row_uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    base_url = models.URLField(max_length=300)
    ciphertext = models.TextField()
    last_four = models.CharField(max_length=4)
    created_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    replaced_at = models.DateTimeField(null=True, blank=True)
    # When the provider took the key; null if nobody asked it.
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.base_url} …{self.last_four}"


class ProviderKey(SealedKey):
    """The key that an organization spends on at its provider."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="provider_key"
    )


class ProviderAdminKey(SealedKey):
    """
    The key by which an organization's provider is asked what it billed.

    Nothing is spent with it, and the gateway cannot read it.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="provider_admin_key"
    )
    # The provider's project that is this organization's; empty: the whole account.
    project_id = models.CharField(max_length=80, blank=True, default="")
