"""OpenAI's admin client keeps keys, limits and alerts, and reads the audit log."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import openai
import pytest
from django.conf import settings
from django.utils import timezone
from openai import AsyncOpenAI, OpenAI

from billing.models import SoftLimit
from gateway import errors
from gateway.admin_api.flood import refuse_flood
from gateway.admin_api.projects import project_id_of
from keys.models import ApiKey, KeyBlock
from orgs.models import Organization, User
from tests import rig
from tests.gateway.administration import (
    admin_client,
    admin_key,
    get,
    things_of,
    what_is_kept,
    whole,
)
from tests.gateway.conftest import House, client_of, personal_key, service_key
from tests.gateway.raw import call

pytestmark = pytest.mark.processes

MONTH: Any = {"currency": "USD", "interval": "month"}
DAY_S = 86_400


@pytest.fixture
def text(acme: Organization, ada: User) -> str:
    return admin_key(acme, ada)


@pytest.fixture
def client(gateway: rig.Process, text: str) -> Any:
    with admin_client(gateway.url, text) as client:
        yield client


def ask(client: OpenAI) -> None:
    client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}]
    )


def test_an_admin_key_is_shown_once_and_works_until_it_is_deleted(
    client: OpenAI, gateway: rig.Process, ada: User
) -> None:
    keys = client.admin.organization.admin_api_keys

    made = whole(keys.create(name="terraform"))

    assert made.expires_at is not None
    assert made.expires_at - made.created_at == 90 * DAY_S
    assert made.owner.id == ada.public_id
    listed = {key.id: whole(key) for key in keys.list()}
    assert made.value not in str(listed)
    assert listed[made.id].redacted_value.endswith(made.value[-4:])
    assert get(gateway.url, made.value, "/v1/organization/users").status == 200
    assert whole(keys.delete(made.id)).deleted
    assert get(gateway.url, made.value, "/v1/organization/users").status == 401


def test_an_admin_key_lives_as_long_as_is_asked_for(client: OpenAI) -> None:
    keys = client.admin.organization.admin_api_keys

    made = keys.create(name="a day", expires_in_seconds=DAY_S)

    assert made.expires_at == made.created_at + DAY_S
    assert whole(keys.retrieve(made.id)).name == "a day"
    newest = next(iter(keys.list(order="desc", limit=1)))
    assert newest.id == made.id


def test_a_service_account_makes_requests_until_it_is_deleted(
    house: House, ada: User
) -> None:
    with admin_client(house.url, admin_key(house.organization, ada)) as client:
        accounts = client.admin.organization.projects.service_accounts
        project = project_id_of(house.organization)

        made = whole(accounts.create(project, name="crawler"))

        assert made.api_key is not None
        caller = client_of(house.url, whole(made.api_key).value)
        ask(caller)
        assert made.id in [whole(account).id for account in accounts.list(project)]
        assert whole(accounts.retrieve(made.id, project_id=project)).name == "crawler"
        assert whole(accounts.delete(made.id, project_id=project)).deleted
        with pytest.raises(openai.AuthenticationError):
            ask(caller)


def test_a_persons_key_is_seen_and_blocked_here_alone(
    client: OpenAI, acme: Organization, rita: User
) -> None:
    personal_key(rita, acme.environment)
    own = ApiKey.objects.get(user=rita)
    keys, project = client.admin.organization.projects.api_keys, project_id_of(acme)

    (listed,) = (whole(key) for key in keys.list(project))

    assert listed.owner.user is not None
    assert (listed.id, listed.owner.user.email) == (own.public_id, rita.email)
    assert whole(keys.delete(own.public_id, project_id=project)).deleted
    assert KeyBlock.objects.get().organization == acme
    retrieved = keys.retrieve(own.public_id, project_id=project)
    assert whole(retrieved).owner_project_access == "inactive"
    own.refresh_from_db()
    assert own.revoked_at is None


def test_the_organization_is_one_project(
    client: OpenAI, acme: Organization, rita: User
) -> None:
    projects = client.admin.organization.projects

    (project,) = (whole(project) for project in projects.list())

    assert (project.id, project.name) == (project_id_of(acme), acme.name)
    assert whole(projects.retrieve(project.id)) == project
    users = {user.id: whole(user).role for user in projects.users.list(project.id)}
    assert users[rita.public_id] == "member"
    user = projects.users.retrieve(rita.public_id, project_id=project.id)
    assert whole(user).email == rita.email


def test_a_spend_limit_holds_for_the_next_request(house: House, ada: User) -> None:
    with admin_client(house.url, admin_key(house.organization, ada)) as client:
        limit, caller = client.admin.organization.spend_limit, house.client()
        ask(caller)

        made = whole(limit.update(threshold_amount=0, **MONTH))

        assert (made.threshold_amount, made.currency) == (0, "USD")
        with pytest.raises(openai.RateLimitError) as refusal:
            ask(caller)
        assert refusal.value.code == "organization_spend_limit_exceeded"
        assert whole(limit.delete()).deleted
        ask(caller)
        with pytest.raises(openai.NotFoundError):
            limit.delete()


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"threshold_amount": -1}, "threshold_amount"),
        ({"threshold_amount": 10**18}, "threshold_amount"),
        ({"threshold_amount": True}, "threshold_amount"),
        ({"threshold_amount": 1.5}, "threshold_amount"),
        ({"currency": "EUR"}, "currency"),
        ({"interval": "day"}, "interval"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(
    client: OpenAI, wrong: Any, param: str
) -> None:
    before = what_is_kept()

    with pytest.raises(openai.BadRequestError) as refusal:
        client.admin.organization.spend_limit.update(
            **{"threshold_amount": 100, **MONTH, **wrong}
        )

    assert refusal.value.param == param
    assert what_is_kept() == before


def test_spend_alerts_are_the_soft_limits(client: OpenAI, acme: Organization) -> None:
    alerts = client.admin.organization.spend_alerts
    channel: Any = {"type": "email", "recipients": ["Fin@acme.example"]}

    made = whole(
        alerts.create(threshold_amount=5000, notification_channel=channel, **MONTH)
    )

    soft = SoftLimit.objects.get()
    assert (soft.amount_nanos, soft.recipients) == (50 * 10**9, ["fin@acme.example"])
    assert [whole(alert) for alert in alerts.list()] == [made]
    assert whole(alerts.retrieve(made.id)) == made
    with pytest.raises(openai.BadRequestError) as refusal:
        alerts.create(threshold_amount=5000, notification_channel=channel, **MONTH)
    assert refusal.value.code == "already_exists"
    changed = alerts.update(
        made.id, threshold_amount=70, notification_channel=channel, **MONTH
    )
    assert SoftLimit.objects.get().amount_nanos == 7 * 10**8
    assert whole(alerts.delete(changed.id)).deleted
    assert not SoftLimit.objects.exists()


def test_the_audit_log_says_who_and_by_which_key(
    client: OpenAI, ada: User, acme: Organization
) -> None:
    logs = client.admin.organization.audit_logs
    made = client.admin.organization.invites.create(email="n@a.example", role="owner")

    (sent,) = logs.list(event_types=["invite.sent"], actor_emails=[ada.email])

    type(sent).model_validate(sent.to_dict(), strict=True)
    told: Any = sent
    by = told.actor.api_key
    assert by.id == ApiKey.objects.get(kind="admin").public_id
    assert (by.user.id, told.invite_sent.id) == (ada.public_id, made.id)
    assert not list(logs.list(actor_ids=["user_other"]))
    before = logs.list(effective_at={"lt": sent.effective_at})
    assert sent.id not in [event.id for event in before]


def test_each_event_is_listed_once_while_others_come(client: OpenAI) -> None:
    admin = client.admin.organization
    for number in range(4):
        admin.invites.create(email=f"n{number}@acme.example", role="reader")
    seen = []
    for event in admin.audit_logs.list(limit=2, event_types=["invite.sent"]):
        seen.append(event.id)
        admin.invites.create(email=f"later{len(seen)}@acme.example", role="reader")

    assert len(seen) == len(set(seen)) == 4
    page = admin.audit_logs.list(before=seen[-1], limit=2, event_types=["invite.sent"])
    assert [event.id for event in page.data] == seen[1:3]


async def read_everything(url: str, text: str, project: str) -> list[int]:
    async with AsyncOpenAI(
        base_url=f"{url}/v1", admin_api_key=text, api_key="unused", max_retries=0
    ) as client:
        admin = client.admin.organization
        pages: list[Any] = [
            admin.users.list(),
            admin.invites.list(),
            admin.admin_api_keys.list(),
            admin.audit_logs.list(),
            admin.spend_alerts.list(),
            admin.projects.list(),
            admin.projects.users.list(project),
            admin.projects.api_keys.list(project),
            admin.projects.service_accounts.list(project),
        ]
        return [len([thing async for thing in page]) for page in pages]


def test_the_asynchronous_client_reads_the_same(
    gateway: rig.Process, text: str, acme: Organization, rita: User
) -> None:
    service_key(acme)

    counts = asyncio.run(read_everything(gateway.url, text, project_id_of(acme)))

    assert counts == [2, 0, 1, 2, 0, 1, 2, 1, 1]


BODIES = {
    "users": b'{"role": "owner"}',
    "spend_alerts": b'{"threshold_amount": 9, "currency": "USD", "interval": "month", '
    b'"notification_channel": {"type": "email", "recipients": []}}',
    "projects": b'{"name": "crawler"}',
    "quota_increase_requests": b"",
}


def test_what_is_another_organizations_is_not_there(
    gateway: rig.Process, text: str, globex: Organization, oscar: User
) -> None:
    paths = things_of(globex, oscar)
    own = admin_key(globex, oscar)
    before = what_is_kept()

    for path, methods in paths.items():
        for method in methods.split():
            body = BODIES[path.split("/")[0]] if method == "POST" else b""
            where: Any = {"method": method, "path": f"/v1/organization/{path}"}
            assert call(gateway.url, text, body, **where).status == 404, where

    assert what_is_kept() == before
    for path, methods in paths.items():
        # The control: with a key of their own organization they are.
        if "GET" in methods:
            where = {"method": "GET", "path": f"/v1/organization/{path}"}
            assert call(gateway.url, own, b"", **where).status == 200, where


def test_too_many_requests_of_a_key_in_a_minute_are_refused(
    acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    service_key(acme, kind="admin")
    key = ApiKey.objects.get(kind="admin")
    monkeypatch.setattr(settings, "ADMIN_API_REQUESTS_PER_MINUTE", 2)
    frozen = timezone.now().timestamp() + timedelta(days=1).total_seconds()
    monkeypatch.setattr("gateway.admin_api.flood.time.time", lambda: frozen)
    refuse_flood(key)
    refuse_flood(key)

    with pytest.raises(errors.ApiError) as refusal:
        refuse_flood(key)

    assert (refusal.value.status, refusal.value.code) == (429, "rate_limit_exceeded")
    assert 0 < int(refusal.value.headers["retry-after"]) <= 60
    frozen += 60
    refuse_flood(key)
