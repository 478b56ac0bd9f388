"""The keys page: made, shown once, revoked; the provider key is write-only."""

from __future__ import annotations

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.contrib.sessions.models import Session
from pytest_django import Settings

from keys.actions import IssuedKey, KeyAlreadyRevoked, issue_key, revoke_key
from keys.models import ApiKey, ApiKeyKind, ProviderKey
from keys.queries import keys_visible_to, open_provider_key
from keys.secrets import parse_key
from orgs.models import AuditEvent, Membership, Organization, OutboxMail, User
from tests.factories import NOW
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

FORM = {"name": "search service", "kind": "service", "expires_in": "90"}
PROVIDER = {
    "base_url": "https://api.openai.com/v1",
    "secret": "sk-very-secret-4321",
    # What the provider says is tested with one that answers.
    "unverified": "on",
}


def issue(
    organization: Organization | None = None, user: User | None = None
) -> IssuedKey:
    return issue_key(
        kind=ApiKeyKind.PERSONAL if user else ApiKeyKind.SERVICE,
        environment="production",
        name="a key",
        organization=organization,
        user=user,
        acting_user=user,
        expires_at=None,
        now=NOW,
    )


def revealed_in(page: str) -> str:
    found = re.search(r'id="key-text" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_new_key_is_shown_in_the_answer_and_never_again(
    acme: Organization, ada: User
) -> None:
    browser = browser_of(ada)
    answer = browser.post("/o/acme/keys/create", FORM)
    text = revealed_in(answer.content.decode())
    assert answer.status_code == HTTPStatus.CREATED
    assert "no-store" in answer["Cache-Control"]
    assert parse_key(text) is not None
    for page in ("/o/acme/keys", "/o/acme/members", "/account/"):
        assert text not in browser.get(page).content.decode()


def test_a_keys_text_is_kept_nowhere(
    acme: Organization, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    answer = browser_of(ada).post("/o/acme/keys/create", FORM)
    secret = revealed_in(answer.content.decode()).rsplit("-", 1)[1]
    kept = [
        *ApiKey.objects.values(),
        *AuditEvent.objects.values(),
        *OutboxMail.objects.values(),
        *(session.get_decoded() for session in Session.objects.all()),
    ]
    assert secret not in str(kept)
    assert secret not in caplog.text


def test_the_answer_holds_code_that_works_as_it_stands(
    acme: Organization, ada: User, settings: Settings
) -> None:
    page = browser_of(ada).post("/o/acme/keys/create", FORM).content.decode()
    text = revealed_in(page)
    assert f"curl {settings.BASE_URL}/v1/chat/completions" in page
    assert f"Authorization: Bearer {text}" in page
    assert f"api_key=&quot;{text}&quot;" in page


@pytest.mark.parametrize("days", [30, 90, 365])
def test_a_key_ends_when_it_was_said_to(
    acme: Organization, ada: User, days: int
) -> None:
    browser_of(ada).post("/o/acme/keys/create", {**FORM, "expires_in": str(days)})
    key = ApiKey.objects.get()
    assert key.expires_at == key.created_at + timedelta(days=days)


def test_a_key_may_never_end(acme: Organization, ada: User) -> None:
    browser_of(ada).post("/o/acme/keys/create", {**FORM, "expires_in": "never"})
    assert ApiKey.objects.get().expires_at is None


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": " \n "},
        {"name": "x" * 81},
        {"kind": "admin"},
        {"expires_in": "1000"},
        {"expires_in": "-1"},
        {"expires_in": "date"},
        {"expires_in": "date", "expires_on": "2020-01-01"},
        {"expires_in": "date", "expires_on": "2099-01-01"},
        {"models_allowed": "gpt-4o, g*t"},
        {"models_allowed": "*"},
        {"models_allowed": " ".join(f"model-{n}" for n in range(51))},
    ],
)
def test_a_wrong_form_makes_no_key(
    acme: Organization, ada: User, change: dict[str, str]
) -> None:
    answer = browser_of(ada).post("/o/acme/keys/create", {**FORM, **change})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not ApiKey.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_key_is_of_the_organizations_environment(
    acme: Organization, acme_staging: Organization, ada: User
) -> None:
    browser_of(ada).post("/o/acme-staging/keys/create", FORM)
    key = ApiKey.objects.get()
    assert (key.environment, key.organization) == ("staging", acme_staging)


def test_a_reader_makes_personal_keys(acme: Organization, rita: User) -> None:
    browser_of(rita).post("/o/acme/keys/create", {**FORM, "kind": "personal"})
    key = ApiKey.objects.get()
    assert (key.kind, key.user, key.organization) == ("personal", rita, None)


def test_a_reader_makes_no_service_key(acme: Organization, rita: User) -> None:
    answer = browser_of(rita).post("/o/acme/keys/create", FORM)
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert not ApiKey.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_reader_sees_own_keys_and_an_owner_all(
    acme: Organization, ada: User, rita: User, oscar: User, globex: Organization
) -> None:
    own, service = issue(user=rita).key, issue(acme).key
    issue(globex)
    issue(user=oscar)
    reader, owner = (Membership.objects.get(user=user) for user in (rita, ada))
    assert set(keys_visible_to(reader)) == {own}
    assert set(keys_visible_to(owner)) == {own, service}


def test_a_revoked_key_stays_to_be_seen(acme: Organization, ada: User) -> None:
    key = issue(acme).key
    browser = browser_of(ada)
    page = browser.post(f"/o/acme/keys/{key.public_id}/revoke", follow=True)
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert "Revoked" in page.content.decode()
    assert AuditEvent.objects.filter(action="api_key.deleted", actor=ada).count() == 1


def test_revoking_twice_keeps_the_first_time(acme: Organization, ada: User) -> None:
    key = issue(acme).key
    revoke_key(key=key, acting_user=ada, now=NOW)
    with pytest.raises(KeyAlreadyRevoked):
        revoke_key(key=key, acting_user=ada, now=NOW + timedelta(days=1))
    key.refresh_from_db()
    assert key.revoked_at == NOW


@pytest.mark.parametrize("whose", ["service", "ada"])
def test_a_reader_cannot_revoke_keys_of_others(
    acme: Organization, ada: User, rita: User, whose: str
) -> None:
    key = issue(acme).key if whose == "service" else issue(user=ada).key
    answer = browser_of(rita).post(f"/o/acme/keys/{key.public_id}/revoke")
    key.refresh_from_db()
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert key.revoked_at is None


def test_an_owner_cannot_revoke_keys_of_another_organization(
    acme: Organization, ada: User, globex: Organization
) -> None:
    key = issue(globex).key
    answer = browser_of(ada).post(f"/o/acme/keys/{key.public_id}/revoke")
    key.refresh_from_db()
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert key.revoked_at is None


def test_a_provider_key_is_never_shown_again(acme: Organization, ada: User) -> None:
    browser = browser_of(ada)
    answer = browser.post("/o/acme/keys/provider-key", PROVIDER, follow=True)
    page = answer.content.decode()
    assert open_provider_key(ProviderKey.objects.get()) == PROVIDER["secret"]
    assert PROVIDER["secret"] not in page
    assert "…4321" in page
    assert PROVIDER["secret"] not in str(list(AuditEvent.objects.values()))


def test_a_refused_provider_key_is_not_echoed(acme: Organization, ada: User) -> None:
    form = {**PROVIDER, "base_url": "http://elsewhere.example/v1"}
    answer = browser_of(ada).post("/o/acme/keys/provider-key", form)
    page = answer.content.decode()
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "must begin with https://" in page
    assert "http://elsewhere.example/v1" in page
    assert PROVIDER["secret"] not in page
    assert not ProviderKey.objects.exists()


@pytest.mark.parametrize(
    "secret", ["", "short", "sk with spaces", "sk-ümlaut-1234", "x" * 401]
)
def test_what_is_no_key_is_refused(acme: Organization, ada: User, secret: str) -> None:
    answer = browser_of(ada).post(
        "/o/acme/keys/provider-key", {**PROVIDER, "secret": secret}
    )
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not ProviderKey.objects.exists()


def test_another_url_needs_the_key_again(acme: Organization, ada: User) -> None:
    browser = browser_of(ada)
    browser.post("/o/acme/keys/provider-key", PROVIDER)
    browser.post("/o/acme/keys/provider-key", {"base_url": "https://evil.example/v1"})
    key = ProviderKey.objects.get()
    assert key.base_url == PROVIDER["base_url"]
    assert open_provider_key(key) == PROVIDER["secret"]


def test_replacing_a_provider_key_is_in_the_audit_log(
    acme: Organization, ada: User
) -> None:
    browser = browser_of(ada)
    browser.post("/o/acme/keys/provider-key", PROVIDER)
    browser.post(
        "/o/acme/keys/provider-key", {**PROVIDER, "secret": "sk-another-one-9876"}
    )
    event = AuditEvent.objects.latest("pk")
    assert event.action == "provider_key.replaced"
    assert event.details["before"]["last_four"] == "4321"
    assert event.details["after"]["last_four"] == "9876"


def test_a_reader_cannot_set_the_provider_key(acme: Organization, rita: User) -> None:
    answer = browser_of(rita).post("/o/acme/keys/provider-key", PROVIDER)
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert not ProviderKey.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_reader_sees_nothing_of_the_provider_key(
    acme: Organization, ada: User, rita: User
) -> None:
    browser_of(ada).post("/o/acme/keys/provider-key", PROVIDER)
    page = browser_of(rita).get("/o/acme/keys").content.decode()
    assert "An owner has set one" in page
    assert "4321" not in page
    assert PROVIDER["base_url"] not in page


def test_an_issued_key_does_not_print_its_text(acme: Organization) -> None:
    issued = issue(acme)
    assert issued.text not in f"{issued!r} {issued} {issued.key!r} {vars(issued.key)}"
