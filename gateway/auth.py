"""The door of the API: from a bearer key to a caller, or to a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from gateway import errors
from gateway.directory import Directory
from gateway.messages import Request
from keys.allowed_models import allows
from keys.models import ApiKeyKind
from keys.secrets import digest_key, mask_key, parse_key
from keys.verification import Identity
from orgs.models import Organization


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and for which organization."""

    organization: Organization
    api_key_id: int
    user_id: int | None
    # See keys.allowed_models; empty means all.
    models_allowed: Sequence[str] = ()
    # Set if the key was presented by a text that it had before it was rotated.
    former_key_id: int | None = None

    def require_not_suspended(self) -> None:
        if self.organization.suspended_at is not None:
            name, why = self.organization.full_name, self.organization.suspended_message
            raise errors.suspended(name, why)

    def require_model(self, model: str) -> None:
        """Refuse a model that the key may not ask for as if it did not exist."""
        if not allows(self.models_allowed, model):
            raise errors.model_not_found(model)


async def authenticate(
    request: Request, directory: Directory, *, now: datetime
) -> Caller:
    """
    Return the caller of a request.

    :raises ApiError: 401, as the table of refusals says.
    """
    text = bearer(request)
    identity = await find_identity(text, directory)
    if identity is None or not identity.is_live(at=now):
        raise errors.invalid_key(mask_key(text))
    if identity.api_key.kind == ApiKeyKind.ADMIN:
        raise errors.admin_key_refused()
    organization = choose_organization(identity, request.header(b"openai-organization"))
    key = identity.api_key
    former_id = identity.former.pk if identity.former else None
    return Caller(organization, key.pk, key.user_id, key.models_allowed, former_id)


def bearer(request: Request) -> str:
    """Return the key's text; every header that can carry one comes through here."""
    return bearer_in(request.header(b"authorization"))


def bearer_in(header: str) -> str:
    """Return the key in an `Authorization` header. Raises `ApiError` (401)."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise errors.no_key()
    return text.strip()


async def find_identity(text: str, directory: Directory) -> Identity | None:
    """Look a key up; one whose checksum is wrong never reaches the database."""
    if parse_key(text) is None:
        return None
    digest = digest_key(text, pepper=settings.KEY_PEPPER)
    return await directory.identity(digest)


def choose_organization(identity: Identity, header: str) -> Organization:
    """Return the organization that the header names, or the default one."""
    environment = identity.api_key.environment
    if identity.is_without_organization:
        raise errors.no_organization()
    if not header:
        if identity.default is None:
            raise errors.organization_needed(environment)
        return identity.default
    if header not in identity.organizations:
        raise errors.mismatched_organization(environment)
    return identity.organizations[header]
