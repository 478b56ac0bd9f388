"""A provider key is shown to the provider before it is stored."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from keys.models import ProviderKey
from keys.provider_check import NotVerified, verify_provider_key
from orgs.models import AuditEvent, Organization, User
from tests.visits import browser_of

LOOPBACK = ["127.0.0.0/8"]
SECRET = "sk-secret-of-a-provider-9876"
MODELS = {"object": "list", "data": [{"id": "m", "object": "model"}] * 3}


@dataclass
class Provider:
    """A provider that answers everything alike, and what it was asked."""

    status: int = 200
    body: Any = field(default_factory=lambda: MODELS)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/v1"


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = (self.headers["Authorization"], self.headers["Host"])
            found.asked.append((self.path, *told))
            payload = json.dumps(found.body).encode()
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def verify(provider: Provider) -> int:
    return verify_provider_key(
        base_url=provider.url, secret=SECRET, allowed_networks=LOOPBACK
    )


def test_a_key_that_the_provider_takes_is_verified(provider: Provider) -> None:
    assert verify(provider) == 3
    host = f"localhost:{provider.port}"
    assert provider.asked == [("/v1/models", f"Bearer {SECRET}", host)]


def test_the_providers_own_words_are_told_without_the_key(provider: Provider) -> None:
    message = f"Incorrect API key provided: {SECRET}."
    provider.status, provider.body = 401, {"error": {"message": message}}
    with pytest.raises(NotVerified) as refusal:
        verify(provider)
    assert str(refusal.value) == "It answered 401: Incorrect API key provided: …."


@pytest.mark.parametrize("body", [[], "text", {"data": None}, {"data": 5}, None])
def test_what_is_no_list_of_models_is_not_believed(
    provider: Provider, body: Any
) -> None:
    provider.body = body
    with pytest.raises(NotVerified):
        verify(provider)


def test_an_endless_answer_is_not_read(provider: Provider) -> None:
    provider.body = "x" * (5 * 1024 * 1024)
    with pytest.raises(NotVerified):
        verify(provider)


def test_a_redirect_is_not_followed(provider: Provider) -> None:
    provider.status = 302
    provider.headers = {"Location": f"{provider.url}/elsewhere"}
    with pytest.raises(NotVerified):
        verify(provider)
    assert [path for path, *_ in provider.asked] == ["/v1/models"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_private_address_is_not_asked(provider: Provider, host: str) -> None:
    url = provider.url.replace("localhost", host)
    with pytest.raises(NotVerified, match="not on the public internet"):
        verify_provider_key(base_url=url, secret=SECRET, allowed_networks=[])
    assert provider.asked == []


def test_a_host_that_does_not_exist_is_named_so() -> None:
    with pytest.raises(NotVerified, match="no such host"):
        verify_provider_key(
            base_url="https://nowhere.invalid/v1", secret=SECRET, allowed_networks=[]
        )


@pytest.mark.django_db
def test_a_key_is_stored_once_the_provider_took_it(
    provider: Provider, acme: Organization, ada: User, settings: Settings
) -> None:
    settings.PROVIDER_ALLOWED_NETWORKS = LOOPBACK
    form = {"base_url": provider.url, "secret": SECRET}
    browser_of(ada).post("/o/acme/keys/provider-key", form)
    assert ProviderKey.objects.get().verified_at is not None


@pytest.mark.django_db
def test_a_key_that_the_provider_refuses_is_stored_only_when_asked_for(
    provider: Provider, acme: Organization, ada: User, settings: Settings
) -> None:
    settings.PROVIDER_ALLOWED_NETWORKS = LOOPBACK
    provider.status, provider.body = 403, {"error": {"message": "Missing scopes"}}
    form, browser = {"base_url": provider.url, "secret": SECRET}, browser_of(ada)
    page = browser.post("/o/acme/keys/provider-key", form).content.decode()

    assert "It answered 403: Missing scopes" in page
    assert SECRET not in page
    assert not ProviderKey.objects.exists()
    assert not AuditEvent.objects.exists()
    browser.post("/o/acme/keys/provider-key", {**form, "unverified": "on"})
    assert ProviderKey.objects.get().verified_at is None
