"""
Settings that open a hole, by number: shown by `check`, and errors stop the start.

Numbers 1 to 4 are of secrets, and are raised where these are read
(`config.secret_values`): without them there are no settings to check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.core.exceptions import ImproperlyConfigured

from keys.encryption import read_ring

# Fewer different ones are no random secret (as Django's W009 has it for SECRET_KEY).
DIFFERENT_BYTES_MIN = 8
# Wider than any network of one organization: 10.0.0.0/8, fc00::/7.
WIDEST_NETWORK = {4: 8, 6: 7}
METADATA = [ip_address("169.254.169.254"), ip_address("fd00:ec2::254")]

Check = Callable[[], Iterator[CheckMessage]]


def check_debug() -> Iterator[CheckMessage]:
    if settings.DEBUG and (settings.IS_HTTPS or not is_this_machine(settings.BIND)):
        yield error(
            5, "DEBUG is on where others can reach it.", "Set DEBUG=off, or BIND."
        )


def check_hosts() -> Iterator[CheckMessage]:
    if any(host == "*" or host.lstrip(".") == "" for host in settings.ALLOWED_HOSTS):
        yield error(
            6,
            "ALLOWED_HOSTS takes every host name.",
            "Set ALLOWED_HOSTS to the names under which people reach it.",
        )


def check_networks() -> Iterator[CheckMessage]:
    for text in settings.PROVIDER_ALLOWED_NETWORKS:
        try:
            network = ip_network(text)
        except ValueError:
            yield error(
                7,
                f"PROVIDER_ALLOWED_NETWORKS holds {text!r}, which is no network.",
                "Set PROVIDER_ALLOWED_NETWORKS to networks such as 10.20.0.0/16.",
            )
            continue
        if network.prefixlen < WIDEST_NETWORK[network.version]:
            yield error(
                8,
                f"PROVIDER_ALLOWED_NETWORKS holds {text}: next to everything.",
                "Set PROVIDER_ALLOWED_NETWORKS to where your providers are.",
            )


def check_base_url() -> Iterator[CheckMessage]:
    try:
        parts = urlsplit(settings.BASE_URL)
        is_plain = not (parts.username or parts.path or parts.query or parts.fragment)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_usable = is_plain and is_whole
    except ValueError:
        is_usable = False
    if not is_usable:
        yield error(
            9,
            "BASE_URL is not the address of a site.",
            "Set BASE_URL to scheme and host, such as https://llm.acme.example.",
        )


def check_ring() -> Iterator[CheckMessage]:
    try:
        read_ring(settings.ENCRYPTION_KEYS)
    except ImproperlyConfigured as problem:
        yield error(10, str(problem), "Set ENCRYPTION_KEYS.")


def check_secrets_of_production() -> Iterator[CheckMessage]:
    if not settings.IS_HTTPS:
        return
    secrets = {
        "SECRET_KEY": [settings.SECRET_KEY.encode()],
        "KEY_PEPPER": [settings.KEY_PEPPER.encode()],
        "ENCRYPTION_KEYS": list(ring_or_nothing().values()),
    }
    for name, values in secrets.items():
        if any(len(set(value)) < DIFFERENT_BYTES_MIN for value in values):
            yield error(11, f"{name} can be guessed.", f"Set {name} to random text.")


def warn_of_clear_text() -> Iterator[CheckMessage]:
    if not settings.IS_HTTPS:
        yield checks.Warning(
            "BASE_URL begins with http://: passwords and keys go in the clear.",
            hint="Set BASE_URL to https://…, behind a proxy that ends TLS.",
            id="tokenhouse.W001",
        )


def warn_of_mail() -> Iterator[CheckMessage]:
    if settings.MAIL_LEADS_NOWHERE:
        yield checks.Warning(
            "EMAIL_URL leads nowhere: nobody gets invitations, resets or alerts.",
            hint="Set EMAIL_URL to your mail server.",
            id="tokenhouse.W002",
        )


def warn_of_networks() -> Iterator[CheckMessage]:
    for text in settings.PROVIDER_ALLOWED_NETWORKS:
        try:
            network = ip_network(text)
        except ValueError:
            continue
        if network.is_loopback or any(address in network for address in METADATA):
            yield checks.Warning(
                f"PROVIDER_ALLOWED_NETWORKS holds {text}: owners of organizations can "
                "point a provider key at this machine, or at its cloud's metadata.",
                hint="Leave it out, unless a provider is there.",
                id="tokenhouse.W003",
            )


def warn_of_roles() -> Iterator[CheckMessage]:
    if not settings.DATABASE_ROLES:
        yield checks.Warning(
            "The application logs in to Postgres as the owner of the tables, from whom "
            "row-level security hides nothing.",
            hint="Set DATABASE_ROLES=on.",
            id="tokenhouse.W004",
        )


ERRORS: tuple[Check, ...] = (
    *(check_debug, check_hosts, check_networks, check_base_url, check_ring),
    check_secrets_of_production,
)
WARNINGS: tuple[Check, ...] = (
    *(warn_of_clear_text, warn_of_mail, warn_of_networks),
    warn_of_roles,
)


def error(number: int, what: str, how: str) -> checks.Error:
    return checks.Error(what, hint=how, id=f"tokenhouse.E{number:03}")


def ring_or_nothing() -> Mapping[str, bytes]:
    try:
        return read_ring(settings.ENCRYPTION_KEYS)
    except ImproperlyConfigured:
        return {}


def is_this_machine(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


@register(Tags.security)
def unsafe_settings(**options: Any) -> list[CheckMessage]:
    return [found for check in ERRORS for found in check()]


@register(Tags.security, deploy=True)
def doubtful_settings(**options: Any) -> list[CheckMessage]:
    return [found for check in WARNINGS for found in check()]


def refuse_unsafe() -> None:
    """Raise ImproperlyConfigured for the first setting that opens a hole."""
    for found in unsafe_settings():
        raise ImproperlyConfigured(f"{found.msg} {found.hint} ({found.id})")


def stop_if_unsafe() -> None:
    """End a process that a server starts, with one sentence in its log."""
    try:
        refuse_unsafe()
    except ImproperlyConfigured as problem:
        raise SystemExit(" ".join(str(problem).split())) from None
