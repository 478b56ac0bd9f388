"""
What each role may do: the rules that `orgs.walls.building` puts into Postgres.

The console sees the organization of its reach, and what is the person's own. A table
with an organization that is not named here is walled in by that alone.
"""

from __future__ import annotations

# Read once for each query, not for each row.
ORGANIZATION = (
    "(SELECT nullif(current_setting('tokenhouse.organization', true), '')::bigint)"
)
PERSON = "(SELECT nullif(current_setting('tokenhouse.person', true), '')::bigint)"
OF_ORGANIZATION = f"organization_id = {ORGANIZATION}"
OWN_MEMBERSHIPS = (
    f"SELECT organization_id FROM orgs_membership WHERE user_id = {PERSON}"  # noqa: S608
)
# Its pair is shown to an organization, and everyone's own organizations to them.
SEEN_ORGANIZATION = (
    f"id = {ORGANIZATION} OR sibling_id = {ORGANIZATION} OR id IN ({OWN_MEMBERSHIPS})"
)
OWN_KEY = f"{OF_ORGANIZATION} OR user_id = {PERSON}"
# Of members, and of those who were: what they used is told by name.
KEY_AT_WORK = (
    "user_id IN (SELECT member.user_id FROM orgs_membership AS member "  # noqa: S608
    f"WHERE member.organization_id = {ORGANIZATION}) "
    "OR id IN (SELECT used.api_key_id FROM keys_keyuse AS used "
    f"WHERE used.organization_id = {ORGANIZATION})"
)
OF_SEEN_KEY = "api_key_id IN (SELECT id FROM keys_apikey)"
OWN_ADDRESS = f"email = (SELECT email FROM orgs_user WHERE id = {PERSON})"  # noqa: S608
# Who queues a mail asks who refused it; to choose is everybody's own.
OWN_CHOICE = f"{OWN_ADDRESS} AND organization_id IN ({OWN_MEMBERSHIPS})"
# The price list is everybody's who has an organization.
LISTED_OR_OWN_PRICE = (
    f"{OF_ORGANIZATION} OR organization_id IS NULL AND {ORGANIZATION} IS NOT NULL"
)

# Policies of the console: for which statements, rows it finds, rows it may leave.
Policy = tuple[str, str, str]
OF_THE_ORGANIZATION_ALONE: tuple[Policy, ...] = (
    ("ALL", OF_ORGANIZATION, OF_ORGANIZATION),
)
CONSOLE: dict[str, tuple[Policy, ...]] = {
    "orgs_organization": (("ALL", SEEN_ORGANIZATION, SEEN_ORGANIZATION),),
    "orgs_membership": (
        ("ALL", f"{OF_ORGANIZATION} OR user_id = {PERSON}", OF_ORGANIZATION),
    ),
    "orgs_invitation": (
        ("ALL", OF_ORGANIZATION, OF_ORGANIZATION),
        ("SELECT", OWN_ADDRESS, ""),
    ),
    "orgs_mailchoice": (
        ("ALL", OWN_CHOICE, OWN_CHOICE),
        ("SELECT", OF_ORGANIZATION, ""),
    ),
    "keys_apikey": (("ALL", OWN_KEY, OWN_KEY), ("SELECT", KEY_AT_WORK, "")),
    "keys_formerkey": (("ALL", OF_SEEN_KEY, OF_SEEN_KEY),),
    "keys_expirynotice": (("ALL", OF_SEEN_KEY, OF_SEEN_KEY),),
    "billing_price": (("SELECT", LISTED_OR_OWN_PRICE, ""),),
}
# What the console only reads: the books, what is written once, and the operator's.
CONSOLE_READS = {
    "django_migrations",
    "orgs_auditlink",
    "orgs_auditchain",
    "orgs_auditanchor",
    "orgs_viewing",
    "usage_usagerecord",
    "usage_usagehour",
    "usage_refusedrequest",
    "usage_refusedminute",
    "usage_timinghour",
    "usage_rollupwatermark",
    "billing_budget",
    "billing_scopebudget",
    "billing_hold",
    "billing_price",
    "billing_gatewayprocess",
    "billing_keptanswer",
    "billing_paymentevent",
    "billing_workerprocess",
    "billing_periodicwork",
    "billing_verification",
    "billing_reconciliation",
    "billing_reconciliationrow",
}
CONSOLE_ADDS = {"orgs_auditevent"}

# What the gateway's statements touch: for each table its verbs, and of which columns
# (none named: all of them). Everything else Postgres refuses it.
GATEWAY: dict[str, dict[str, tuple[str, ...]]] = {
    "orgs_organization": {"SELECT": ()},
    "orgs_membership": {"SELECT": ()},
    # All that tells who somebody is, without what they log in with.
    "orgs_user": {
        "SELECT": (
            *("id", "public_id", "email", "name", "default_organization_id"),
            *("time_zone", "is_active", "is_staff", "is_superuser"),
            *("date_joined", "last_login"),
        )
    },
    "keys_apikey": {"SELECT": ()},
    "keys_keyblock": {"SELECT": ()},
    "keys_formerkey": {"SELECT": (), "UPDATE": ("requests", "last_used_at")},
    "keys_keyuse": {
        "SELECT": (),
        "INSERT": (),
        "UPDATE": ("last_used_at", "model", "network"),
    },
    "keys_providerkey": {"SELECT": ()},
    "billing_price": {"SELECT": ()},
    "billing_ratelimit": {"SELECT": ()},
    "billing_gatewaysettings": {"SELECT": ()},
    "billing_spendlimits": {"SELECT": ()},
    "billing_billingprofile": {"SELECT": ("id", "organization_id")},
    "billing_scopelimit": {"SELECT": ()},
    "billing_creditgrant": {"SELECT": (), "UPDATE": ("consumed_nanos",)},
    "billing_budget": {
        "SELECT": (),
        "INSERT": (),
        "UPDATE": ("spent_nanos", "held_nanos"),
    },
    "billing_scopebudget": {
        "SELECT": (),
        "INSERT": (),
        "UPDATE": ("spent_nanos", "held_nanos"),
    },
    "billing_hold": {"SELECT": (), "INSERT": (), "DELETE": ()},
    "billing_limitrefusal": {"SELECT": (), "INSERT": ()},
    "billing_scoperefusal": {"SELECT": (), "INSERT": ()},
    "billing_gatewayprocess": {
        "SELECT": (),
        "INSERT": (),
        "UPDATE": ("beat_at",),
        "DELETE": (),
    },
    "billing_keptanswer": {"SELECT": (), "INSERT": (), "UPDATE": (), "DELETE": ()},
    "usage_usagerecord": {
        "SELECT": ("event_id", "kind", "cost_nanos"),
        "INSERT": (),
    },
    "usage_refusedrequest": {"SELECT": ("event_id",), "INSERT": ()},
    "usage_refusedminute": {
        "SELECT": (),
        "INSERT": (),
        "UPDATE": ("requests", "kept"),
    },
}
