"""An installation for one benchmark: real servers, fsync on, in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def installation() -> Iterator[None]:
    """Start Postgres and Valkey and migrate; settings come from the environment."""
    from config import local_mode
    from config.servers.lease import embedded_servers

    with tempfile.TemporaryDirectory(prefix="tokenhouse-bench-") as folder:
        # The user that Postgres runs as passes through.
        os.chmod(folder, 0o711)  # noqa: S103
        os.environ.update(DATA_DIR=folder, SANDBOX_PACE="off", LOG_LEVEL="WARNING")
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        local_mode.prepare()
        with embedded_servers(Path(folder), ["postgres", "redis"]):
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            yield


def furnish(upstream_port: int) -> str:
    """Make an organization with a provider and a distant limit; return its key."""
    from django.utils import timezone

    from billing.actions.price_seeding import seed_prices
    from billing.models import BillingProfile, SpendLimits
    from core.money import NANOS_PER_DOLLAR
    from keys.actions import issue_key, store_provider_key
    from orgs.models import Organization

    now = timezone.now()
    seed_prices(now=now)
    organization = Organization.objects.create(
        name="Bench", slug="bench", environment="production"
    )
    BillingProfile.objects.create(organization=organization, legal_name="Bench")
    SpendLimits.objects.create(
        organization=organization, hard_limit_nanos=1_000_000 * NANOS_PER_DOLLAR
    )
    store_provider_key(
        organization=organization,
        base_url=f"http://127.0.0.1:{upstream_port}/v1",
        secret="bench",
        acting_user=None,
        now=now,
    )
    issued = issue_key(
        kind="service",
        environment="production",
        name="bench",
        organization=organization,
        user=None,
        acting_user=None,
        expires_at=None,
        now=now,
    )
    return issued.text
