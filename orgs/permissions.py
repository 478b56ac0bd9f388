"""
Who may do what: the one table that pages, the members page and the docs read.

A page of an organization names its permission in `org_view`; nothing else decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from orgs.models import Role


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that can be done, and the least role that may."""

    area: str
    text: str
    role: Role
    # What a reader's permission is confined to, where it is less than an owner's.
    readers: str = ""


class Permission(Enum):
    """A rule for each kind of thing that can be done, in the order of the pages."""

    SEE_OVERVIEW = Rule("Usage", "See spend, headroom and credit", Role.READER)
    SEE_USAGE = Rule("Usage", "See usage and single records, as CSV too", Role.READER)
    SEE_LIMITS = Rule("Limits", "See limits, and what is held just now", Role.READER)
    CHANGE_LIMITS = Rule(
        "Limits",
        "Change hard, soft and rate limits",
        Role.OWNER,
    )
    SEE_ALERTS = Rule("Limits", "See alerts, and who was told of them", Role.OWNER)
    ACKNOWLEDGE_ALERTS = Rule(
        "Limits", "Take note of an alert, set who is asked next", Role.OWNER
    )
    REQUEST_INCREASE = Rule(
        "Limits", "Request a higher approved limit, withdraw the request", Role.OWNER
    )
    SEE_BILLING = Rule(
        "Billing", "See billing information, credit, cycles and invoices", Role.READER
    )
    EXPORT_CHARGES = Rule(
        "Billing", "Take along all charges for FinOps tools (FOCUS)", Role.OWNER
    )
    CHANGE_BILLING = Rule("Billing", "Change billing information", Role.OWNER)
    SEE_MEMBERS = Rule("Members", "See who is a member", Role.READER)
    INVITE = Rule("Members", "Invite, send again, revoke an invitation", Role.OWNER)
    CHANGE_ROLES = Rule("Members", "Make somebody owner or reader", Role.OWNER)
    REMOVE_MEMBERS = Rule("Members", "Remove a member", Role.OWNER)
    TRANSFER = Rule("Members", "Hand ownership over and become a reader", Role.OWNER)
    LEAVE = Rule("Members", "Leave, while another owner stays", Role.READER)
    SEE_KEYS = Rule("Keys", "See API keys", Role.READER, readers="their own")
    MAKE_KEYS = Rule("Keys", "Make a personal API key", Role.READER)
    MAKE_SERVICE_KEYS = Rule("Keys", "Make a service key", Role.OWNER)
    ROTATE_KEYS = Rule(
        "Keys",
        "Rotate service keys, and keys of their own",
        Role.READER,
        readers="their own",
    )
    REVOKE_KEYS = Rule(
        "Keys",
        "Revoke service keys, and keys of their own",
        Role.READER,
        readers="their own",
    )
    BLOCK_KEYS = Rule(
        "Keys", "Block a personal key of a member, here alone", Role.OWNER
    )
    SET_PROVIDER_KEY = Rule(
        "Keys", "Set or replace the provider key and its admin key", Role.OWNER
    )
    SEE_SETTINGS = Rule("Settings", "See name, ID, pair and settings", Role.READER)
    CHANGE_SETTINGS = Rule("Settings", "Change the settings of the gateway", Role.OWNER)
    RENAME = Rule("Settings", "Rename the organization", Role.OWNER)
    SET_TIME_ZONE = Rule("Settings", "Set the time zone of usage", Role.OWNER)
    PAIR = Rule("Settings", "Link or unlink staging and production", Role.OWNER)
    DELETE = Rule("Settings", "Delete the organization", Role.OWNER)
    CHANGE_SECURITY = Rule("Settings", "Require two factors of members", Role.OWNER)

    MANAGE_WEBHOOKS = Rule(
        "Settings", "Add and remove webhooks, see what they were sent", Role.OWNER
    )
    SEE_AUDIT = Rule("Audit", "Read and export the audit log", Role.OWNER)

    @property
    def rule(self) -> Rule:
        return self.value

    def is_given_to(self, role: str) -> bool:
        return role == Role.OWNER or self.rule.role == Role.READER


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A line of the table that people read."""

    area: str
    text: str
    owner: str
    reader: str


def matrix() -> list[MatrixRow]:
    """Return who may do what, in words."""
    return [
        MatrixRow(
            rule.area, rule.text, word(permission, Role.OWNER), readers_word(permission)
        )
        for permission, rule in ((each, each.rule) for each in Permission)
    ]


def readers_word(permission: Permission) -> str:
    return permission.rule.readers or word(permission, Role.READER)


def word(permission: Permission, role: Role) -> str:
    return "yes" if permission.is_given_to(role) else "no"


def document() -> Iterator[str]:
    """Yield the lines of docs/permissions.md."""
    yield from HEAD.strip().splitlines()
    for row in matrix():
        yield f"| {row.area} | {row.text} | {row.owner} | {row.reader} |"


HEAD = """
# Who may do what

Made by `manage.py show_permissions` from `orgs/permissions.py`; a test compares. The
same table stands on the members page of each organization.

A role is of one organization: who owns the staging organization is not even a member
of the production one until somebody invites them there. To strangers an organization
looks like one that does not exist (404); a member with too little role is told so
(403).

Everybody who can log in may create an organization, and owns it then.

While the operator has suspended an organization, its pages stay to be read and rights
can be taken away; nobody is invited to it, and no key is added to it (403).

An operator who views an organization sees what an owner sees and changes nothing;
owners are told ([operations](operations.md#looking-at-an-organization)).

Every page is walked by every method as every kind of actor, with own, foreign and
missing objects; a page that nobody listed fails a test, and a refusal writes nothing.
On 2026-11-24 that was 16,737 requests by 12 kinds of actor to pages, 3,612 to the
operator's admin by 4 kinds who are no operators, and 1,080 to the API with 18 kinds of
key, all answered as they should be:
`pytest -s tests/architecture/test_isolation*.py tests/gateway/test_isolation.py`.

| Area | What | Owner | Reader |
|---|---|---|---|
"""
