"""The demo is believable, adds up, comes once, and goes without a trace."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from statistics import mean

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from billing.demo import script
from billing.demo.time import demo_time
from billing.demo.traffic import Request, requests_of, spike_day
from billing.models import Alert, Budget, CreditGrant, Price
from core.ids import event_time
from core.periods import cycle_of
from keys.actions import issue_key
from keys.models import ApiKey
from orgs.actions.anchors import anchor_audit_chains
from orgs.audit_verification import Verdict, check_snapshot
from orgs.models import (
    AuditEvent,
    MailStatus,
    Membership,
    Organization,
    OutboxMail,
    User,
)
from tests.factories import NOW, usd
from usage.models import UsageHour, UsageRecord

pytestmark = pytest.mark.django_db

TABLES = (Organization, User, UsageRecord, UsageHour, Price, OutboxMail, ApiKey)


def run(*arguments: str) -> str:
    printed = StringIO()
    call_command("seed_demo", *arguments, stdout=printed)
    return printed.getvalue()


def counts() -> list[int]:
    return [table.objects.count() for table in TABLES]


@pytest.fixture
def _demo() -> None:
    run("--records", "600")


@pytest.mark.usefixtures("_demo")
def test_the_people_and_organizations_are_those_that_are_told() -> None:
    acme, staging, globex = Organization.objects.order_by("pk")
    assert (acme.name, staging.name, globex.name) == ("Acme", "Acme Staging", "Globex")
    assert (acme.sibling, staging.sibling) == (staging, acme)
    assert all(each.is_demo for each in (acme, staging, globex))
    roles = Membership.objects.values_list("user__email", "organization__name", "role")
    assert {
        ("ada@acme.example", "Acme", "owner"),
        ("ada@acme.example", "Acme Staging", "owner"),
        ("rita@acme.example", "Acme", "reader"),
        ("rita@acme.example", "Acme Staging", "reader"),
        ("oscar@globex.example", "Globex", "owner"),
    } <= set(roles)
    assert all(user.check_password("demo-tokenhouse") for user in User.objects.all())
    assert User.objects.get(is_staff=True).email == "op@tokenhouse.example"


@pytest.mark.usefixtures("_demo")
def test_the_ledger_adds_up() -> None:
    call_command("verify_ledger", stdout=StringIO())


@pytest.mark.usefixtures("_demo")
def test_staging_is_simulated_and_production_is_not() -> None:
    simulated = set(
        UsageRecord.objects.values_list("organization__name", "simulated").distinct()
    )
    assert simulated == {("Acme", False), ("Acme Staging", True), ("Globex", False)}


@pytest.mark.usefixtures("_demo")
def test_a_price_changes_half_way() -> None:
    used = UsageRecord.objects.filter(model=script.TUNED_MODEL).values("price_id")
    assert used.distinct().count() == 2


@pytest.mark.usefixtures("_demo")
def test_a_key_is_revoked_and_not_used_since() -> None:
    key = ApiKey.objects.get(revoked_at__isnull=False)
    uses = UsageRecord.objects.filter(api_key=key)
    assert uses.exists()
    assert not uses.filter(occurred_at__gte=key.revoked_at).exists()


@pytest.mark.usefixtures("_demo")
def test_a_second_run_changes_nothing() -> None:
    before = counts()
    assert "there already" in run("--records", "50")
    assert counts() == before


def test_it_goes_without_a_trace(acme: Organization) -> None:
    call_command("seed_prices", stdout=StringIO())
    before = counts()
    run("--records", "50")
    assert run("--remove") == "Removed 3 demo organizations.\n"
    assert counts() == before
    assert Organization.objects.get() == acme
    assert not AuditEvent.objects.exclude(action="prices.seeded").exists()
    call_command("verify_ledger", stdout=StringIO())


def test_it_leaves_a_sound_audit_log(acme: Organization) -> None:
    call_command("seed_prices", stdout=StringIO())
    run("--records", "50")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS audit_link IMMEDIATE")
    anchor_audit_chains(now=NOW)
    run("--remove")
    verdict = Verdict()
    check_snapshot(verdict, seal_key=settings.KEY_PEPPER, outside=[])
    assert verdict.holds, verdict.problems
    assert (verdict.events, verdict.chains) == (1, 1)


def test_a_person_of_the_demo_alone_goes_with_the_keys_made_since() -> None:
    run("--records", "50")
    ada = User.objects.get(email="ada@acme.example")
    issue_key(
        kind="personal",
        environment="staging",
        name="Mine",
        organization=None,
        user=ada,
        acting_user=ada,
        expires_at=None,
        now=NOW,
    )
    run("--remove")
    assert not User.objects.exists()
    assert not ApiKey.objects.exists()


def test_people_who_joined_others_stay_when_the_demo_goes(globex: Organization) -> None:
    run("--records", "50")
    ada = User.objects.get(email="ada@acme.example")
    Membership.objects.create(user=ada, organization=globex, role="reader")
    run("--remove")
    assert set(User.objects.values_list("email", flat=True)) == {
        "ada@acme.example",
        "oscar@globex.example",
    }


def test_removing_what_is_not_there_says_so() -> None:
    assert run("--remove") == "There is no demo.\n"


def test_removing_needs_a_superuser() -> None:
    run("--records", "50")
    before = counts()
    with connection.cursor() as cursor:
        # As the owner of the tables sees them.
        cursor.execute("CREATE ROLE plain BYPASSRLS")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO plain")
        cursor.execute("SET LOCAL ROLE plain")
    with pytest.raises(CommandError, match="Only a superuser"):
        run("--remove")
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    assert counts() == before


def test_a_production_configuration_has_no_demo(settings: Settings) -> None:
    settings.IS_HTTPS = True
    with pytest.raises(CommandError, match="no demo"):
        run()
    assert not Organization.objects.exists()


def test_the_demo_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO", "off")
    with pytest.raises(CommandError, match="DEMO is off"):
        run()
    assert not Organization.objects.exists()


@pytest.mark.parametrize("arguments", ["--months=0", "--months=25", "--records=-1"])
def test_absurd_sizes_are_refused(arguments: str) -> None:
    with pytest.raises(CommandError, match="is a number from 1 to"):
        run(arguments)
    assert not Organization.objects.exists()


def test_at_its_usual_size_the_limits_are_near_but_not_passed() -> None:
    run()
    spent = {
        (budget.organization.name, budget.cycle_start): budget.spent_nanos
        for budget in Budget.objects.select_related("organization")
    }
    acme = [nanos for (name, _), nanos in spent.items() if name == "Acme"]
    assert usd(200) < max(acme) < usd(500)
    globex = sum(nanos for (name, _), nanos in spent.items() if name == "Globex")
    assert usd(1) < globex < usd(5)
    trial = CreditGrant.objects.get(organization__name="Globex")
    assert trial.consumed_nanos == globex
    assert Alert.objects.filter(cycle_start__lt=cycle_of(timezone.now())).exists()
    assert not OutboxMail.objects.exclude(status=MailStatus.SENT).exists()


def requests_of_the_demo() -> list[Request]:
    time = demo_time(months=3, now=NOW)
    return requests_of(
        script.HABITS,
        start=time.start,
        end=time.end,
        count=6000,
        size=1,
        seed="tokenhouse",
    )


def test_traffic_is_the_same_each_time() -> None:
    assert requests_of_the_demo() == requests_of_the_demo()


def test_every_kind_of_token_occurs_and_fits_its_input() -> None:
    used = [request.tokens for request in requests_of_the_demo()]
    assert all(t.cached_input + t.cache_write <= t.input for t in used)
    assert any(t.cached_input and t.cache_write for t in used)
    assert any(t.reasoning for t in used)


def test_people_work_on_weekdays_and_one_day_stands_out() -> None:
    times = [event_time(request.event_id) for request in requests_of_the_demo()]
    assert max(times) < NOW
    days = Counter(time.date() for time in times)
    weekends = [count for day, count in days.items() if day.weekday() >= 5]
    weekdays = [count for day, count in days.items() if day.weekday() < 5]
    assert mean(weekends) < 0.7 * mean(weekdays)
    assert days.most_common(1)[0][0] == spike_day(NOW)
