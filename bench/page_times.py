"""What `bench.pages` times: Django is set up by then."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from statistics import median

from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from bench.history import add_records
from orgs.models import Membership, Organization, User
from usage.actions import roll_up
from usage.models import UsageRecord

ROUNDS = 7
BACKEND = "django.contrib.auth.backends.ModelBackend"


def measure(records: int, pages: Mapping[str, str]) -> dict[str, float]:
    """Bring the records to so many and time every page, in ms."""
    organization = Organization.objects.get(slug="bench")
    missing = records - UsageRecord.objects.count()
    inserting_s = timed(lambda: add_records(organization, missing))
    aggregating_s = timed(lambda: roll_up(now=timezone.now()))
    client, past = signed_in(organization), past_cycle()
    times = {
        name: page_ms(client, f"/o/bench/{path.format(past=past)}")
        for name, path in pages.items()
    }
    return {
        "records": records,
        "inserted_per_second": missing / inserting_s,
        "aggregated_per_second": missing / aggregating_s,
        "verifier_s": timed(verify),
        **times,
    }


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def signed_in(organization: Organization) -> Client:
    user, is_new = User.objects.get_or_create(email="ada@bench.example")
    if is_new:
        Membership.objects.create(user=user, organization=organization, role="owner")
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def past_cycle() -> str:
    first = datetime.now(UTC).replace(day=1)
    return f"{first - timedelta(days=1):%Y-%m}"


def page_ms(client: Client, path: str) -> float:
    """Return the median time of a page in ms, the first visit left out."""

    def visit() -> None:
        response = client.get(path, headers={"host": "localhost"})
        assert response.status_code == 200, f"{path}: {response.status_code}"

    visit()
    return median(timed(visit) for _ in range(ROUNDS)) * 1000


def verify() -> None:
    """Run the verifier. It finds that nobody spent these records: that is right."""
    try:
        call_command("verify_ledger", stdout=io.StringIO())
    except SystemExit:
        return
