"""Set an organization up without a browser."""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.utils import timezone

from billing.actions.limits import SOFT_LIMITS_MAX, TooManySoftLimits
from billing.actions.setup import (
    Outcome,
    Provider,
    SetUp,
    SeveralOrganizations,
    set_up_organization,
)
from billing.amounts import NotAnAmount, amount_from
from billing.management.preparation import prepare_database
from core.money import NANOS_PER_CENT
from keys.forms import PRINTABLE
from keys.origins import UnusableUrl, vet_base_url
from orgs.models import Environment, Organization, User

LONGEST_NAME = Organization._meta.get_field("name").max_length or 0
LONGEST_EMAIL = User._meta.get_field("email").max_length or 0


class Command(BaseCommand):
    help = (
        "Create or update an organization, its owner, provider key and limits, and "
        "print one JSON object. Safe to repeat: keys are in it only when new."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--org", required=True, metavar="NAME", help="the organization's name")
        add("--owner", required=True, metavar="EMAIL", help="becomes an owner")
        add(
            "--password-env",
            metavar="VAR",
            help="environment variable with the password of an owner who is new",
        )
        add(
            "--environment",
            choices=Environment.values,
            default=Environment.PRODUCTION.value,
        )
        add("--provider-base-url", metavar="URL", help="as https://api.openai.com/v1")
        add(
            "--provider-key-env",
            metavar="VAR",
            help="environment variable with the provider key",
        )
        add("--hard-limit-usd", metavar="X", help="refuse requests from here on")
        add("--soft-limit-usd", metavar="X", help="add an amount to be told about")
        add("--approved-limit-usd", metavar="X", help="as the operator allows")
        add(
            "--billing-info",
            action="store_true",
            help="enter a placeholder, so that the approved limit applies",
        )
        add(
            "--reissue",
            action="store_true",
            help="revoke the keys issued by this command and issue new ones",
        )
        add("--json", action="store_true", help="print JSON (it always does)")

    def handle(self, *args: Any, **options: Any) -> None:
        wish = wish_from(options)
        prepare_database()
        try:
            outcome = set_up_organization(wish, now=timezone.now())
        except SeveralOrganizations:
            raise CommandError(
                f"There are several {wish.environment} organizations named "
                f"{wish.name}. Rename all but one."
            ) from None
        except TooManySoftLimits:
            raise CommandError(
                f"--soft-limit-usd: there are {SOFT_LIMITS_MAX} soft limits already."
            ) from None
        self.stdout.write(json.dumps(as_json(outcome)))


def wish_from(options: dict[str, Any]) -> SetUp:
    """Read the options, or raise a CommandError that says what is allowed."""
    return SetUp(
        name=name_from(options["org"]),
        environment=options["environment"],
        owner_email=email_from(options["owner"]),
        password=secret_from("--password-env", options["password_env"]),
        provider=provider_from(options),
        hard_limit_nanos=limit_from(options, "hard_limit_usd"),
        soft_limit_nanos=limit_from(options, "soft_limit_usd", least=NANOS_PER_CENT),
        approved_limit_nanos=limit_from(options, "approved_limit_usd"),
        has_billing_information=options["billing_info"],
        reissues_keys=options["reissue"],
    )


def name_from(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise CommandError(f"--org: a name has 1 to {LONGEST_NAME} characters.")
    return name


def email_from(text: str) -> str:
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(f"--owner: {text!r} is not an e-mail address.") from None
    if len(email) > LONGEST_EMAIL:
        raise CommandError(f"--owner: at most {LONGEST_EMAIL} characters.")
    return email


def secret_from(option: str, variable: str | None) -> str | None:
    """Return the value of the variable that an option names."""
    if variable is None:
        return None
    value = os.environ.get(variable, "")
    if not value.strip():
        raise CommandError(f"{option}: the environment variable {variable} is not set.")
    return value


def provider_from(options: dict[str, Any]) -> Provider | None:
    base_url = options["provider_base_url"]
    secret = secret_from("--provider-key-env", options["provider_key_env"])
    if base_url is None and secret is None:
        return None
    if base_url is None or secret is None:
        raise CommandError("Give --provider-base-url and --provider-key-env together.")
    if not PRINTABLE.fullmatch(secret.strip()):
        raise CommandError(
            "--provider-key-env: a key has no spaces and no special letters."
        )
    try:
        vetted = vet_base_url(
            base_url, allowed_networks=settings.PROVIDER_ALLOWED_NETWORKS
        )
    except UnusableUrl as error:
        raise CommandError(f"--provider-base-url: {error}") from None
    return Provider(vetted, secret.strip())


def limit_from(options: dict[str, Any], name: str, *, least: int = 0) -> int | None:
    if options[name] is None:
        return None
    try:
        return amount_from(options[name], least_nanos=least)
    except NotAnAmount as error:
        raise CommandError(f"--{name.replace('_', '-')}: {error}") from None


def as_json(outcome: Outcome) -> dict[str, str]:
    printed = {
        "organization_id": outcome.organization.public_id,
        "slug": outcome.organization.slug,
    }
    if outcome.api_key is not None:
        printed["api_key"] = outcome.api_key.text
    if outcome.admin_key is not None:
        printed["admin_key"] = outcome.admin_key.text
    return printed | {"owner": outcome.owner.email}
