"""Keys in OpenAI's shapes: admin keys, service accounts, and the project's keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from gateway import errors
from gateway.admin_api.bodies import Fields, fields_of
from gateway.admin_api.door import ApiRequest, admin_resource
from gateway.admin_api.lists import Listing, deleted, one_of, page_of, unix
from gateway.admin_api.parameters import choice
from gateway.admin_api.projects import ROLES, require_project
from keys.actions import KeyAlreadyRevoked, block_key, issue_key, revoke_key
from keys.actions.issuing import IssuedKey
from keys.models import ApiKey, ApiKeyKind
from keys.queries import blocked_keys, last_uses
from orgs.models import Membership, Role

ADMIN_KEY = "organization.admin_api_key"
SERVICE_ACCOUNT = "organization.project.service_account"
PROJECT_KEY = "organization.project.api_key"
LONGEST_NAME = 80
# Unless a request says otherwise, as on the page of keys.
LIFE_DAYS = 90
SHORTEST_LIFE_S, LONGEST_LIFE_S = 60, 10 * 366 * 86_400
Look = Callable[[ApiKey], dict[str, Any]]


def keys_of(request: ApiRequest, kind: ApiKeyKind) -> QuerySet[ApiKey]:
    """Return the organization's own keys of a kind, revoked ones too."""
    keys = ApiKey.objects.filter(organization=request.organization, kind=kind)
    return keys.select_related("created_by")


def not_revoked(request: ApiRequest, kind: ApiKeyKind) -> QuerySet[ApiKey]:
    return keys_of(request, kind).filter(revoked_at__isnull=True)


def list_admin_keys(request: ApiRequest) -> dict[str, Any]:
    """List the admin keys, masked."""
    is_newest_first = choice(
        request.GET, "order", {"asc": False, "desc": True}, default=False
    )
    return page_of(
        request,
        not_revoked(request, ApiKeyKind.ADMIN),
        admin_look(request),
        Listing(is_newest_first=is_newest_first, known=("order",)),
        once=keys_of(request, ApiKeyKind.ADMIN),
    )


def create_admin_key(request: ApiRequest) -> dict[str, Any]:
    """Make an admin key; its text is in this answer and nowhere else."""
    fields = fields_of(request, {"name", "expires_in_seconds"})
    issued = issue(request, fields, ApiKeyKind.ADMIN)
    return {**admin_look(request)(issued.key), "value": issued.text}


def retrieve_admin_key(request: ApiRequest, key_id: str) -> dict[str, Any]:
    keys = not_revoked(request, ApiKeyKind.ADMIN)
    return admin_look(request)(one_of(keys, public_id=key_id))


def delete_admin_key(request: ApiRequest, key_id: str) -> dict[str, Any]:
    """Revoke an admin key, which may be the one that asks."""
    revoke(request, one_of(not_revoked(request, ApiKeyKind.ADMIN), public_id=key_id))
    return deleted(ADMIN_KEY, key_id)


def issue(request: ApiRequest, fields: Fields, kind: ApiKeyKind) -> IssuedKey:
    now, organization = timezone.now(), request.organization
    return issue_key(
        kind=kind,
        environment=organization.environment,
        name=fields.text("name", longest=LONGEST_NAME),
        organization=organization,
        user=None,
        acting_user=request.maker,
        expires_at=now + life_in(fields),
        now=now,
    )


def life_in(fields: Fields) -> timedelta:
    if not fields.has("expires_in_seconds"):
        return timedelta(days=LIFE_DAYS)
    seconds = fields.whole_number(
        "expires_in_seconds", least=SHORTEST_LIFE_S, most=LONGEST_LIFE_S
    )
    return timedelta(seconds=seconds)


def revoke(request: ApiRequest, key: ApiKey) -> None:
    try:
        revoke_key(key=key, acting_user=request.maker, now=timezone.now())
    except KeyAlreadyRevoked:
        raise errors.not_found() from None


def admin_look(request: ApiRequest) -> Look:
    owners = roles_of(request)
    uses = last_uses(request.organization)

    def look(key: ApiKey) -> dict[str, Any]:
        maker, use = key.created_by, uses.get(key.pk)
        return {
            "object": ADMIN_KEY,
            "id": key.public_id,
            "name": key.name,
            "redacted_value": key.masked,
            "created_at": unix(key.created_at),
            "expires_at": unix(key.expires_at),
            "last_used_at": unix(use.last_used_at if use else None),
            "owner": {
                "object": "organization.user",
                "type": "user" if maker else "service_account",
                "id": maker.public_id if maker else key.public_id,
                "name": maker.name if maker else key.name,
                "created_at": unix(maker.date_joined if maker else key.created_at),
                "role": owners.get(maker.pk) if maker else Role.OWNER.value,
            },
        }

    return look


def roles_of(request: ApiRequest) -> dict[int, str]:
    """Return the role of each member, by the person's row."""
    members = Membership.objects.filter(organization=request.organization)
    return dict(members.values_list("user_id", "role"))


def list_service_accounts(request: ApiRequest, project_id: str) -> dict[str, Any]:
    """List the service keys as the accounts that they are."""
    require_project(request, project_id)
    return page_of(
        request,
        not_revoked(request, ApiKeyKind.SERVICE),
        account_of,
        once=keys_of(request, ApiKeyKind.SERVICE),
    )


def create_service_account(request: ApiRequest, project_id: str) -> dict[str, Any]:
    """Make a service key; its text is in this answer and nowhere else."""
    require_project(request, project_id)
    issued = issue(request, fields_of(request, {"name"}), ApiKeyKind.SERVICE)
    key = issued.key
    return {
        **account_of(key),
        "api_key": {
            "object": f"{SERVICE_ACCOUNT}.api_key",
            "id": key.public_id,
            "name": key.name,
            "created_at": unix(key.created_at),
            "expires_at": unix(key.expires_at),
            "value": issued.text,
        },
    }


def service_account_named(request: ApiRequest, project_id: str, name: str) -> ApiKey:
    require_project(request, project_id)
    keys = not_revoked(request, ApiKeyKind.SERVICE)
    return one_of(keys, public_id=name)


def retrieve_service_account(
    request: ApiRequest, project_id: str, account_id: str
) -> dict[str, Any]:
    return account_of(service_account_named(request, project_id, account_id))


def delete_service_account(
    request: ApiRequest, project_id: str, account_id: str
) -> dict[str, Any]:
    """Revoke a service account's key."""
    revoke(request, service_account_named(request, project_id, account_id))
    return deleted(SERVICE_ACCOUNT, account_id)


def account_of(key: ApiKey) -> dict[str, Any]:
    return {
        "object": SERVICE_ACCOUNT,
        "id": key.public_id,
        "name": key.name,
        "role": ROLES[Role.READER],
        "created_at": unix(key.created_at),
    }


def list_project_keys(request: ApiRequest, project_id: str) -> dict[str, Any]:
    """List the keys that make requests in the organization, people's own too."""
    require_project(request, project_id)
    keys = project_keys(request)
    return page_of(
        request,
        keys.filter(revoked_at__isnull=True),
        project_look(request),
        Listing(known=("owner_project_access",)),
        once=keys,
    )


def retrieve_project_key(
    request: ApiRequest, project_id: str, key_id: str
) -> dict[str, Any]:
    return project_look(request)(project_key_named(request, project_id, key_id))


def delete_project_key(
    request: ApiRequest, project_id: str, key_id: str
) -> dict[str, Any]:
    """Revoke a service key; block a person's own key, which goes on elsewhere."""
    key = project_key_named(request, project_id, key_id)
    if key.kind == ApiKeyKind.PERSONAL:
        block_key(
            key=key,
            organization=request.organization,
            acting_user=request.maker,
            now=timezone.now(),
        )
    else:
        revoke(request, key)
    return deleted(PROJECT_KEY, key_id)


def project_keys(request: ApiRequest) -> QuerySet[ApiKey]:
    keys = ApiKey.objects.usable_in(request.organization)
    return keys.select_related("user")


def project_key_named(request: ApiRequest, project_id: str, key_id: str) -> ApiKey:
    require_project(request, project_id)
    keys = project_keys(request).filter(revoked_at__isnull=True)
    return one_of(keys, public_id=key_id)


def project_look(request: ApiRequest) -> Look:
    roles, uses = roles_of(request), last_uses(request.organization)
    blocked = blocked_keys(request.organization)

    def look(key: ApiKey) -> dict[str, Any]:
        use = uses.get(key.pk)
        last_used_at: datetime | None = use.last_used_at if use else None
        return {
            "object": PROJECT_KEY,
            "id": key.public_id,
            "name": key.name,
            "redacted_value": key.masked,
            "created_at": unix(key.created_at),
            "expires_at": unix(key.expires_at),
            "last_used_at": unix(last_used_at),
            "owner": owner_of(key, roles),
            "owner_project_access": "inactive" if key.pk in blocked else "active",
        }

    return look


def owner_of(key: ApiKey, roles: dict[int, str]) -> dict[str, Any]:
    """Return who a key that makes requests belongs to."""
    if key.user is None:
        account = account_of(key)
        del account["object"]
        return {"type": "service_account", "service_account": account, "user": None}
    user = {
        "id": key.user.public_id,
        "name": key.user.name,
        "email": key.user.email,
        "created_at": unix(key.user.date_joined),
        "role": ROLES[Role(roles[key.user.pk])],
    }
    return {"type": "user", "user": user, "service_account": None}


admin_keys = admin_resource(GET=list_admin_keys, POST=create_admin_key)
admin_key = admin_resource(GET=retrieve_admin_key, DELETE=delete_admin_key)
service_accounts = admin_resource(
    GET=list_service_accounts, POST=create_service_account
)
service_account = admin_resource(
    GET=retrieve_service_account, DELETE=delete_service_account
)
keys = admin_resource(GET=list_project_keys)
key = admin_resource(GET=retrieve_project_key, DELETE=delete_project_key)
