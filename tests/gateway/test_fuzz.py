"""Ten thousand random requests, to the console and the API: no error of ours.

`FUZZ_SEED=7 pytest tests/gateway/test_fuzz.py` sends the same ones again.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import pytest
from pytest_django import DjangoDbBlocker

from billing.actions.price_seeding import seed_prices
from keys.actions import issue_key
from orgs.models import Environment, Role
from tests import factories, rig
from tests.conftest import empty_database
from tests.factories import NOW
from tests.visits import browser_of

pytestmark = pytest.mark.processes

REQUESTS = {"console": 1_500, "gateway": 8_500}
SEED = int(os.environ.get("FUZZ_SEED", "0")) or random.SystemRandom().randrange(
    1, 10**9
)
ODD = [
    *("", "\x00", "\r\n", "\n", "%00", "%", "%zz", "%ff%fe", "..", "../../etc/passwd"),
    *("'", '"', "' OR 1=1 --", "; DROP TABLE x", "<script>", "{{7*7}}", "${7*7}", "\\"),
    *("\ud7ff", "é", "🦉", "\u202e", "ﷺ" * 20, "-1", "0", "1e309", "NaN", "9" * 400),
    *(
        "null",
        "true",
        "[]",
        "{}",
        "[" * 300,
        '{"a":' * 300,
        "\x7f",
        "\xff" * 9,
        "A" * 4000,
    ),
    *("2026-02-30", "0000-00-00", "9999-12-31", "10000-01-01", "-2026-01-01"),
]
PATHS = [
    *("/", "/account/login/", "/account/signup/", "/account/password/reset/"),
    *("/invitations/{}", "/set-up/{}", "/account/password/reset/key/{}-{}/", "/theme/"),
    *("/o/{}/", "/o/acme/keys", "/o/acme/usage?{}", "/o/acme/usage/records?{}"),
    *("/o/acme/limits?{}", "/o/acme/audit?{}", "/o/acme/audit/{}", "/o/acme/members"),
    *("/o/acme/usage/records/{}", "/account/?{}", "/account/two-factor/authenticate/"),
    *("/operator/admin/{}", "/static/{}", "/{}", "/o/acme/members/{}", "/metrics"),
]
API = [
    *("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions"),
    *("/v1/moderations", "/v1/images/generations", "/v1/images/edits"),
    *("/v1/audio/speech", "/v1/audio/transcriptions", "/v1/models", "/v1/models/{}"),
    *("/v1/{}", "/v1/dashboard/billing/usage?{}"),
]
NAMES = [
    *("find", "keys", "members", "cycle", "by", "metric", "start", "end", "model"),
    *("key", "member", "outcome", "before", "after", "target", "actor", "action"),
    *("since", "until", "show", "format", "next", "page", "o", "q", "p", "e"),
]
HEADERS = [
    *("Authorization", "Cookie", "OpenAI-Organization", "Idempotency-Key", "Origin"),
    *("Referer", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Range"),
    *("Accept", "Accept-Language", "Accept-Encoding", "User-Agent", "If-None-Match"),
    *("HX-Request", "HX-Current-URL", "HX-Target", "If-Modified-Since", "Content-Type"),
    *("X-CSRFToken", "Cache-Control", "Expect", "Te", "X-Api-Key", "Content-Encoding"),
]
OURS = re.compile(r"ERROR[: ](?! *django\.security)|CRITICAL")
METHODS = [*["POST"] * 6, *["GET"] * 4, "PUT", "DELETE", "HEAD"]
TYPES = [
    *("application/json", "application/x-www-form-urlencoded", "text/plain", ""),
    *("multipart/form-data; boundary=x", "multipart/form-data", "application/json;"),
]
GOOD = {
    "model": '"gpt-4o-mini"',
    "messages": '[{"role": "user", "content": "x"}]',
    "input": '"x"',
    "prompt": '"x"',
}
FIELDS = [
    *("model", "messages", "input", "prompt", "stream", "n", "max_tokens", "tools"),
    *("temperature", "seed", "service_tier", "stream_options", "response_format"),
]


@dataclass
class Draw:
    """Draws what nobody would send on purpose."""

    dice: random.Random
    key: str
    session: str

    def text(self) -> str:
        kind = self.dice.randrange(6)
        if kind == 0:
            return "".join(
                self.dice.choices(string.printable, k=self.dice.randrange(40))
            )
        if kind == 1:
            codes = (
                self.dice.randrange(0xD800) for _ in range(self.dice.randrange(12))
            )
            return "".join(map(chr, codes))
        if kind == 2:
            return self.mangled(self.key)
        return "".join(self.dice.choices(ODD, k=self.dice.randrange(1, 3)))

    def mangled(self, text: str) -> str:
        """Return something that is nearly a token."""
        at = self.dice.randrange(len(text))
        swaps = [text[:at], text[at:], text[:at] + "\x00" + text[at:], text[::-1]]
        return self.dice.choice([*swaps, text.swapcase(), text + text])

    def path(self, patterns: list[str]) -> str:
        pattern = self.dice.choice(patterns)
        while "{}" in pattern:
            is_query = "?{}" in pattern
            pattern = pattern.replace(
                "{}", self.query() if is_query else self.part(), 1
            )
        return pattern[:7000]

    def part(self) -> str:
        return quote(self.text(), safe=self.dice.choice(["", "/", "/.:@"]))

    def query(self) -> str:
        names = self.dice.choices(NAMES, k=self.dice.randrange(1, 4))
        return "&".join(f"{name}={self.part()}" for name in names)

    def headers(self, *, is_api: bool) -> dict[str, str]:
        drawn = self.dice.choices(HEADERS, k=self.dice.randrange(4))
        headers = {name: self.line() for name in drawn}
        if self.dice.random() < 0.6:
            good = f"Bearer {self.key}" if is_api else f"sessionid={self.session}"
            headers["Authorization" if is_api else "Cookie"] = good
        if self.dice.random() < 0.7:
            headers["Content-Type"] = self.dice.choice(TYPES)
        return headers

    def line(self) -> str:
        """Return a header's value that can be put on the wire at all."""
        kept = self.text().encode("utf-8", "replace").decode("latin-1")
        return "".join(c for c in kept if c not in "\r\n")[:3000]

    def body(self, *, is_api: bool) -> bytes:
        kind = self.dice.randrange(4)
        if kind == 0:
            return self.dice.randbytes(self.dice.randrange(300))
        if not is_api or (kind == 1 and self.dice.random() < 0.3):
            return self.query().encode("utf-8", "replace")
        fields = dict.fromkeys(self.dice.choices(FIELDS, k=self.dice.randrange(3)))
        pairs = [f'"{name}": {self.value()}' for name in fields]
        good = [
            f'"{name}": {value}' for name, value in GOOD.items() if name not in fields
        ]
        return ("{" + ", ".join([*good, *pairs]) + "}").encode("utf-8", "replace")

    def value(self) -> str:
        plain = [
            "1",
            "-1",
            "1e400",
            "null",
            "true",
            "[]",
            "{}",
            "[[1]]",
            '""',
            *GOOD.values(),
        ]
        return self.dice.choice([*plain, '"' + self.part() + '"', self.text()])


@pytest.fixture(scope="module")
def server(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[rig.Process, Draw]]:
    """A server, and dice that know a key and a session that are good on it."""
    with django_db_blocker.unblock():
        empty_database()
        ada = factories.make_user("ada@acme.example", is_staff=True)
        acme = factories.make_organization("Acme")
        factories.join(ada, acme, Role.OWNER)
        # On the sandbox, so that what makes sense is answered.
        staging = factories.make_organization("Trials", environment=Environment.STAGING)
        factories.join(ada, staging, Role.OWNER)
        seed_prices(now=NOW)
        issued = issue_key(
            kind="service",
            environment=Environment.STAGING,
            name="Fuzz",
            organization=staging,
            user=None,
            acting_user=ada,
            expires_at=None,
            now=NOW,
        )
        session = browser_of(ada).cookies["sessionid"].value
        with rig.gateway(tmp_path_factory.mktemp("fuzz")) as process:
            yield process, Draw(random.Random(SEED), issued.text, session)
        empty_database()


def statuses(
    process: rig.Process,
    count: int,
    draw: Callable[[], tuple[str, str, dict[str, str], bytes]],
) -> Iterator[tuple[int, str]]:
    """Send requests over kept connections; yield each one's status and what it was."""
    connection = http.client.HTTPConnection(urlsplit(process.url).netloc, timeout=60)
    with contextlib.closing(connection):
        for _ in range(count):
            method, path, headers, body = draw()
            what = f"{method} {path} {headers} {body[:300]!r}"
            try:
                send(connection, method, path, headers, body)
                answer = connection.getresponse()
                answer.read()
                yield answer.status, what
            except (http.client.HTTPException, ConnectionError):
                # Refused at once and hung up, with some of it unread.
                connection.close()
                yield 0, what


def send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
) -> None:
    """Put a request on the wire as it is: the library would refuse the odd ones."""
    connection.putrequest(method, "/", skip_accept_encoding=True)
    # The first line, which putrequest checks, and nobody else should.
    connection._buffer[0] = f"{method} {path} HTTP/1.1".encode("latin-1", "replace")  # type: ignore[attr-defined]
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        line = f"{name}: {value}".encode("latin-1", "replace")
        connection._buffer.append(line)  # type: ignore[attr-defined]
    connection.endheaders(body)


@pytest.mark.parametrize("side", ["console", "gateway"])
def test_no_random_request_is_an_error_of_ours(
    server: tuple[rig.Process, Draw], side: str
) -> None:
    process, draw = server
    is_api, count = side == "gateway", REQUESTS[side]
    print(f"FUZZ_SEED={SEED}")  # noqa: T201
    paths = API if is_api else PATHS

    def request() -> tuple[str, str, dict[str, str], bytes]:
        method = draw.dice.choice(METHODS)
        body = b"" if method in ("GET", "HEAD") else draw.body(is_api=is_api)
        return method, draw.path(paths), draw.headers(is_api=is_api), body

    before = process.log.stat().st_size
    seen: dict[int, int] = {}
    for status, what in statuses(process, count, request):
        assert status < 500, what
        seen[status] = seen.get(status, 0) + 1

    # Not refused at the door alone: some go in, some are lost on the way.
    assert seen.get(200, 0) + seen.get(302, 0) > 20, seen
    assert seen.get(0, 0) < count // 10, seen
    log = process.log.read_bytes()[before:].decode(errors="replace")
    # Django tells refusals of its own as warnings, or as `django.security`.
    failed = OURS.search(log)
    assert failed is None, log[failed.start() :][:3000]
    assert draw.key not in log
