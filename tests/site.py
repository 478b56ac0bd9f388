"""Console and gateway in settings of production, as a proxy that ends TLS sees them."""

from __future__ import annotations

import contextlib
import http.client
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client

from orgs.models import User
from tests import rig

HOST = "tokenhouse.test"
SESSION = "__Host-sessionid"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; names of headers in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return ", ".join(value for each, value in self.headers if each == name)

    @property
    def cookies(self) -> list[str]:
        return [value for name, value in self.headers if name == "set-cookie"]


@dataclass
class Site:
    """A running installation that says it is at https://tokenhouse.test."""

    process: rig.Process
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request, with the cookies that are kept, and keep what comes."""
        sent = {"Host": HOST, "X-Forwarded-Proto": "https", **(headers or {})}
        if self.cookies:
            sent.setdefault(
                "Cookie", "; ".join(f"{n}={v}" for n, v in self.cookies.items())
            )
        connection = http.client.HTTPConnection("127.0.0.1", self.process.port, 60)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=sent)
            came = connection.getresponse()
            given = [(name.lower(), value) for name, value in came.getheaders()]
            answer = Answer(came.status, given, came.read())
        for cookie in answer.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def send(self, path: str, fields: Mapping[str, str], *, page: str = "") -> Answer:
        """Send a form as a browser does that got it from `page`."""
        found = TOKEN.search(self.ask(page or path).body.decode())
        assert found, f"no form on {page or path}"
        form = urlencode({"csrfmiddlewaretoken": found[1], **fields}).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"https://{HOST}",
        }
        return self.ask(path, method="POST", headers=headers, body=form)

    def visited_by(self, user: User | None) -> Site:
        """Return the site as somebody sees it who is logged in, or nobody."""
        if user is None:
            return Site(self.process)
        client = Client()
        client.force_login(user)
        return Site(
            self.process, {SESSION: client.cookies[settings.SESSION_COOKIE_NAME].value}
        )


@contextlib.contextmanager
def in_production(folder: Path, **environment: str) -> Iterator[Site]:
    """Run console and gateway in settings of production, on the tests' servers."""
    changed = {"BASE_URL": f"https://{HOST}", **environment}
    with rig.gateway(folder, **changed) as process:
        yield Site(process)
