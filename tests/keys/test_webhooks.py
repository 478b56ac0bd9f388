"""Events reach an organization's endpoints: signed, again if need be, and logged."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta

import openai
import pytest
from django.db import transaction
from pytest_django import Settings

from keys.actions.provider_keys import reseal_webhook_secrets
from keys.actions.webhook_delivery import (
    FAILING_LONGEST,
    LEASE,
    claim,
    deliver_due_webhooks,
    forget_old_deliveries,
)
from keys.actions.webhooks import add_endpoint, open_secret, queue_event
from keys.encryption import read_ring
from keys.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from keys.webhooks import PAUSES
from orgs.models import AuditEvent, Organization, OutboxMail, User
from tests.factories import NOW
from tests.visits import browser_of
from tests.webhook_receiver import Receiver, webhook_receiver

pytestmark = pytest.mark.django_db

URL = "/o/acme/settings/webhooks"


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.PROVIDER_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as found:
        yield found


@pytest.fixture
def endpoint(acme: Organization, ada: User, receiver: Receiver) -> WebhookEndpoint:
    made = add_endpoint(organization=acme, url=receiver.url, acting_user=ada, now=NOW)
    return made.endpoint


def queue(organization: Organization, event_id: str = "event_1") -> None:
    with transaction.atomic():
        queue_event(
            organization=organization,
            event_id=event_id,
            kind="alert.hard_limit",
            data={"limit_usd": "5.00", "subject": "Zoë"},
            now=NOW,
        )


def test_an_event_arrives_whole_and_its_signature_is_that_of_the_secret(
    acme: Organization, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    queue(acme)
    assert deliver_due_webhooks(now=NOW) == 1
    (got,) = receiver.got
    assert json.loads(got.body) == {
        "type": "alert.hard_limit",
        "timestamp": NOW.isoformat(),
        "data": {"limit_usd": "5.00", "subject": "Zoë"},
    }
    assert got.event_id == "event_1"
    assert got.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    receiver.verify(got, open_secret(endpoint))


def test_the_signature_is_of_no_other_secret(
    acme: Organization, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    queue(acme)
    deliver_due_webhooks(now=NOW)
    other = "whsec_" + base64.b64encode(b"another secret of 24 bytes").decode()
    with pytest.raises(openai.InvalidWebhookSignatureError):
        receiver.verify(receiver.got[0], other)


def test_an_event_is_queued_once_and_sent_once(
    acme: Organization, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    for _ in range(2):
        queue(acme)
        deliver_due_webhooks(now=NOW)
    deliver_due_webhooks(now=NOW + timedelta(days=1))
    assert len(receiver.got) == 1
    attempt = WebhookAttempt.objects.get()
    assert (attempt.status_code, attempt.error) == (204, "")
    assert WebhookDelivery.objects.get().status == "delivered"


def test_what_fails_is_sent_again_with_growing_pauses_for_three_days(
    acme: Organization, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status = 500
    queue(acme)
    now, waits = NOW, []
    while (delivery := WebhookDelivery.objects.get()).status == "waiting":
        now = max(now, delivery.next_attempt_at)
        # Whether it is disabled meanwhile has a test of its own.
        WebhookEndpoint.objects.update(failing_since=None, disabled_at=None)
        deliver_due_webhooks(now=now)
        waits.append(WebhookDelivery.objects.get().next_attempt_at - now)
    assert tuple(waits[:-1]) == PAUSES
    assert list(PAUSES) == sorted(PAUSES)
    assert timedelta(days=3) < now - NOW < timedelta(days=4)
    assert (delivery.status, delivery.attempts) == ("given_up", len(PAUSES) + 1)
    assert {got.event_id for got in receiver.got} == {"event_1"}
    assert WebhookAttempt.objects.filter(status_code=500).count() == len(receiver.got)


def test_a_redirect_is_not_followed(
    acme: Organization, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    with webhook_receiver() as elsewhere:
        receiver.status = 307
        receiver.headers = {"Location": elsewhere.url}
        queue(acme)
        assert deliver_due_webhooks(now=NOW) == 0
        assert elsewhere.got == []
    assert WebhookAttempt.objects.get().status_code == 307


def test_an_address_that_is_not_allowed_any_more_gets_nothing(
    acme: Organization,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    settings: Settings,
) -> None:
    settings.PROVIDER_ALLOWED_NETWORKS = []
    queue(acme)
    assert deliver_due_webhooks(now=NOW) == 0
    assert receiver.got == []
    error = WebhookAttempt.objects.get().error
    assert error == "This address is not on the public internet."


def test_an_endpoint_that_is_away_does_not_hold_up_others(
    acme: Organization, ada: User, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    with webhook_receiver() as gone:
        url = gone.url
    add_endpoint(organization=acme, url=url, acting_user=ada, now=NOW)
    queue(acme)
    assert deliver_due_webhooks(now=NOW) == 1
    assert len(receiver.got) == 1
    failed = WebhookAttempt.objects.get(status_code=None)
    assert failed.error.startswith("It could not be reached")


def test_what_a_killed_worker_had_taken_is_sent_by_the_next(
    acme: Organization, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    queue(acme)
    assert len(claim(NOW)) == 1
    assert deliver_due_webhooks(now=NOW + LEASE - timedelta(seconds=1)) == 0
    assert deliver_due_webhooks(now=NOW + LEASE) == 1
    assert [got.event_id for got in receiver.got] == ["event_1"]


def test_after_three_days_without_success_it_is_disabled_and_owners_are_told(
    acme: Organization, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status = 503
    for number, at in enumerate((NOW, NOW + FAILING_LONGEST)):
        queue(acme, f"event_{number}")
        WebhookDelivery.objects.update(next_attempt_at=at)
        deliver_due_webhooks(now=at)
    endpoint.refresh_from_db()
    assert endpoint.disabled_at == NOW + FAILING_LONGEST
    mail = OutboxMail.objects.get(kind="webhook_disabled")
    assert (mail.recipient, "HTTP 503" in mail.body_text) == ("ada@acme.example", True)
    assert AuditEvent.objects.filter(action="webhook.disabled").count() == 1
    queue(acme, "event_9")
    assert not WebhookDelivery.objects.filter(event_id="event_9").exists()


def test_one_success_lets_the_three_days_begin_anew(
    acme: Organization, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status = 503
    queue(acme)
    deliver_due_webhooks(now=NOW)
    receiver.status = 200
    deliver_due_webhooks(now=NOW + timedelta(hours=1))
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_an_endpoint_that_is_gone_is_disabled_at_once(
    acme: Organization, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status = 410
    queue(acme)
    deliver_due_webhooks(now=NOW)
    endpoint.refresh_from_db()
    assert endpoint.disabled_at == NOW


def test_events_of_one_organization_reach_no_other(
    endpoint: WebhookEndpoint, globex: Organization, receiver: Receiver
) -> None:
    queue(globex)
    assert deliver_due_webhooks(now=NOW) == 0
    assert receiver.got == []


def test_secrets_are_sealed_anew_and_stay_the_same(
    endpoint: WebhookEndpoint, settings: Settings
) -> None:
    secret = open_secret(endpoint)
    newer = base64.b64encode(b"n" * 32).decode()
    settings.ENCRYPTION_KEYS = f"k2:{newer},{settings.ENCRYPTION_KEYS}"
    assert "k2" in read_ring(settings.ENCRYPTION_KEYS)
    assert reseal_webhook_secrets(now=NOW) == 1
    assert reseal_webhook_secrets(now=NOW) == 0
    endpoint.refresh_from_db()
    assert endpoint.ciphertext.startswith("v1.k2.")
    assert open_secret(endpoint) == secret


def test_what_is_old_is_forgotten(
    acme: Organization, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    queue(acme)
    deliver_due_webhooks(now=NOW)
    assert forget_old_deliveries(now=NOW + timedelta(days=30)) == 0
    assert forget_old_deliveries(now=NOW + timedelta(days=30, seconds=1)) == 1
    assert not WebhookAttempt.objects.exists()


# The pages.


def test_the_secret_is_shown_once_and_signs(
    acme: Organization, ada: User, receiver: Receiver
) -> None:
    answer = browser_of(ada).post(f"{URL}/add", {"url": receiver.url})
    endpoint = WebhookEndpoint.objects.get()
    secret = open_secret(endpoint)
    assert answer.status_code == 201
    assert secret in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    for path in (URL, f"{URL}/{endpoint.public_id}"):
        assert secret not in browser_of(ada).get(path).content.decode()
    assert secret not in endpoint.ciphertext
    details = json.dumps(AuditEvent.objects.get(action="webhook.created").details)
    assert secret not in details
    assert "to=acme" not in details


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/in",
        "https://10.0.0.1/in",
        "https://169.254.169.254/latest",
        "https://2130706433/in",
        "https://user:pass@example.com/in",
        "https://example.com/in#part",
        "https://example.com/in?a b",
        "ftp://example.com",
        "",
    ],
)
def test_where_no_event_may_go_is_refused(
    acme: Organization, ada: User, url: str
) -> None:
    assert browser_of(ada).post(f"{URL}/add", {"url": url}).status_code == 422
    assert not WebhookEndpoint.objects.exists()


def test_the_same_url_twice_and_a_sixth_are_refused(
    acme: Organization, ada: User
) -> None:
    browser = browser_of(ada)
    urls = [f"https://hooks.acme.example/{number}" for number in range(6)]
    codes = [browser.post(f"{URL}/add", {"url": url}).status_code for url in urls]
    again = browser.post(f"{URL}/add", {"url": urls[0]}).status_code
    assert (codes, again) == ([201] * 5 + [422], 422)
    assert WebhookEndpoint.objects.count() == 5


def test_a_test_event_and_sending_again_reach_the_receiver(
    ada: User, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    browser = browser_of(ada)
    browser.post(f"{URL}/{endpoint.public_id}/test")
    delivery = WebhookDelivery.objects.get()
    deliver_due_webhooks(now=delivery.next_attempt_at)
    browser.post(f"{URL}/deliveries/{delivery.public_id}/again")
    delivery.refresh_from_db()
    deliver_due_webhooks(now=delivery.next_attempt_at)
    first, second = receiver.got
    assert json.loads(first.body)["type"] == "webhook.test"
    assert (first.event_id, first.body) == (second.event_id, second.body)
    page = browser.get(f"{URL}/{endpoint.public_id}").content.decode()
    assert page.count("204 <span") == 2


def test_a_removed_endpoint_gets_nothing(
    acme: Organization, ada: User, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    queue(acme)
    browser_of(ada).post(f"{URL}/{endpoint.public_id}/remove")
    assert deliver_due_webhooks(now=NOW) == 0
    assert (receiver.got, WebhookDelivery.objects.count()) == ([], 0)
