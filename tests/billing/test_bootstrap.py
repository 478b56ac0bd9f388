"""`bootstrap` sets an organization up once, whole or not at all."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from billing.models import BillingProfile, CreditGrant, SoftLimit, SpendLimits
from keys.models import ApiKey, ProviderKey
from keys.queries import open_provider_key
from orgs.models import AuditEvent, Membership, Organization, Role, User
from tests.factories import usd

pytestmark = pytest.mark.django_db

PASSWORD = "a passphrase for the owner"
PROVIDER_KEY = "sk-provider-0123456789"
ADA = ["--org", "Acme", "--owner", "Ada@acme.example"]
WHOLE = [
    *ADA,
    *["--password-env", "OWNER_PASSWORD", "--provider-key-env", "PROVIDER_KEY"],
    *["--provider-base-url", "https://api.provider.example/v1"],
    *["--hard-limit-usd", "500", "--soft-limit-usd", "99.50"],
    *["--approved-limit-usd", "600", "--billing-info", "--json"],
]


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNER_PASSWORD", PASSWORD)
    monkeypatch.setenv("PROVIDER_KEY", PROVIDER_KEY)
    monkeypatch.setenv("EMPTY", " ")
    monkeypatch.setenv("TWO_LINES", "sk-provider-0123\n456789")


def bootstrap(*arguments: str) -> dict[str, str]:
    printed = StringIO()
    call_command("bootstrap", *arguments, stdout=printed)
    answer: dict[str, str] = json.loads(printed.getvalue())
    return answer


def test_it_sets_up_everything_that_was_asked_for() -> None:
    printed = bootstrap(*WHOLE)
    acme, ada = Organization.objects.get(), User.objects.get()
    assert printed["organization_id"] == acme.public_id
    assert (printed["slug"], printed["owner"]) == ("acme", "ada@acme.example")
    assert Membership.objects.get().role == Role.OWNER
    assert ada.check_password(PASSWORD)
    limits = SpendLimits.objects.get()
    assert (limits.hard_limit_nanos, limits.approved_limit_nanos) == (
        usd(500),
        usd(600),
    )
    assert SoftLimit.objects.get().amount_nanos == usd("99.50")
    assert BillingProfile.objects.get().organization == acme
    assert open_provider_key(ProviderKey.objects.get()) == PROVIDER_KEY


def test_it_issues_a_service_key_and_an_admin_key() -> None:
    printed = bootstrap(*ADA)
    assert printed["api_key"].startswith("th-service-")
    assert printed["admin_key"].startswith("th-admin-")
    assert set(ApiKey.objects.values_list("kind", flat=True)) == {"service", "admin"}


def test_repeating_changes_nothing_and_shows_no_key() -> None:
    first = bootstrap(*WHOLE)
    events = AuditEvent.objects.count()
    second = bootstrap(*WHOLE)
    assert second == {
        name: first[name] for name in ("organization_id", "slug", "owner")
    }
    assert AuditEvent.objects.count() == events
    assert Organization.objects.count() == SoftLimit.objects.count() == 1


def test_repeating_with_other_values_updates() -> None:
    bootstrap(*WHOLE)
    bootstrap(*ADA, "--hard-limit-usd", "700")
    limits = SpendLimits.objects.get()
    assert (limits.hard_limit_nanos, limits.approved_limit_nanos) == (
        usd(700),
        usd(600),
    )


def test_reissue_revokes_the_old_keys_and_shows_new_ones() -> None:
    first = bootstrap(*ADA)
    second = bootstrap(*ADA, "--reissue")
    assert second["api_key"] != first["api_key"]
    assert second["admin_key"] != first["admin_key"]
    assert ApiKey.objects.filter(revoked_at__isnull=True).count() == 2
    assert ApiKey.objects.count() == 4


def test_another_provider_key_replaces_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bootstrap(*WHOLE)
    monkeypatch.setenv("PROVIDER_KEY", "sk-another-key")
    bootstrap(*WHOLE)
    assert open_provider_key(ProviderKey.objects.get()) == "sk-another-key"


def test_staging_and_production_of_a_name_are_two_organizations() -> None:
    production = bootstrap(*ADA)
    staging = bootstrap(*ADA, "--environment", "staging")
    assert production["organization_id"] != staging["organization_id"]
    assert staging["api_key"].startswith("th-service_staging-")


def test_a_person_who_has_an_account_keeps_the_password(ada: User) -> None:
    before = ada.password
    bootstrap(*WHOLE)
    ada.refresh_from_db()
    assert ada.password == before


def test_a_reader_who_is_named_owner_becomes_one(
    acme: Organization, rita: User
) -> None:
    bootstrap("--org", "Acme", "--owner", rita.email)
    assert Membership.objects.get(user=rita).role == Role.OWNER


def test_a_new_production_organization_gets_its_owners_trial_once() -> None:
    bootstrap(*ADA)
    bootstrap("--org", "Second", "--owner", "ada@acme.example")
    bootstrap(*ADA)
    assert CreditGrant.objects.get().amount_nanos == usd(5)


def test_billing_information_alone_opens_the_default_approved_limit() -> None:
    bootstrap(*ADA, "--billing-info")
    assert SpendLimits.objects.get().approved_limit_nanos == usd(120)


def test_a_provider_on_this_machine_needs_to_be_allowed(settings: Settings) -> None:
    settings.PROVIDER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    local = ["--provider-base-url", "http://127.0.0.1:9/v1"]
    bootstrap(*ADA, "--provider-key-env", "PROVIDER_KEY", *local)
    assert ProviderKey.objects.get().base_url == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--hard-limit-usd=-5"], "--hard-limit-usd: An amount cannot be negative"),
        (["--hard-limit-usd", "1.005"], "at most cents"),
        (["--soft-limit-usd", "0"], "--soft-limit-usd: The smallest amount is $0.01"),
        (["--soft-limit-usd", "much"], "is not an amount"),
        (["--approved-limit-usd", "1e30"], "is not an amount"),
        (["--approved-limit-usd", "9" * 30], "The largest amount is"),
        (["--owner", "nobody"], "is not an e-mail address"),
        (["--org", "  "], "a name has 1 to 80 characters"),
        (["--org", "x" * 81], "a name has 1 to 80 characters"),
        (["--password-env", "NOT_THERE"], "NOT_THERE is not set"),
        (["--password-env", "EMPTY"], "EMPTY is not set"),
        (["--provider-key-env", "PROVIDER_KEY"], "together"),
        (
            [
                "--provider-key-env=TWO_LINES",
                "--provider-base-url=https://api.provider.example/v1",
            ],
            "--provider-key-env: a key has no spaces",
        ),
        (["--provider-base-url", "https://p.example/v1"], "together"),
        (
            ["--provider-key-env=PROVIDER_KEY", "--provider-base-url=http://10.0.0.1/"],
            "--provider-base-url: ",
        ),
        (["--environment", "test"], "invalid choice"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(
    arguments: list[str], complaint: str
) -> None:
    with pytest.raises(CommandError) as refusal:
        bootstrap(*ADA, *arguments)
    assert complaint in str(refusal.value)
    assert not Organization.objects.exists()
    assert not User.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_failure_half_way_leaves_nothing(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = "broken"
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is
        bootstrap(*WHOLE)
    assert not Organization.objects.exists()
    assert not User.objects.exists()


def test_a_name_that_several_have_is_refused() -> None:
    bootstrap(*ADA)
    Organization.objects.create(name="Acme", slug="acme-2", environment="production")
    with pytest.raises(CommandError, match="several production organizations"):
        bootstrap(*ADA, "--hard-limit-usd", "5")
    assert not SpendLimits.objects.exists()
