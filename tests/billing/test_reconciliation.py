"""Workers compare the books with what the provider says; operators look at it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.actions.organizations import delete_organization
from billing.actions.reconciliation import (
    NoAdminKey,
    carry_out_next,
    forget_old_reconciliations,
    request_due_reconciliations,
    request_reconciliation,
)
from billing.models import Reconciliation, ReconciliationRow
from billing.reconciliation_models import ReconciliationStatus, Verdict
from config.vitals import surroundings
from core.periods import start_of_day
from keys.actions.provider_admin_keys import store_admin_key
from keys.admin_access import AdminAccess
from keys.models import ProviderAdminKey
from orgs.models import AuditEvent, Organization, User
from tests.factories import usd
from tests.provider_accounts import (
    ADMIN_SECRET,
    Accounts,
    Fault,
    provider_accounts,
)
from tests.usage_factories import add_hour
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
PAGE = "/operator/reconciliation"
NOW = timezone.now()
TODAY = NOW.date()
LONG_AGO = TODAY - timedelta(days=10)


@pytest.fixture
def accounts(settings: Settings) -> Iterator[Accounts]:
    settings.PROVIDER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with provider_accounts() as found:
        yield found


@pytest.fixture
def billed_acme(acme: Organization, ada: User, accounts: Accounts) -> Organization:
    """Acme, whose provider can be asked."""
    store_admin_key(
        organization=acme,
        access=AdminAccess(accounts.url, ADMIN_SECRET),
        acting_user=ada,
        is_verified=True,
        now=NOW,
    )
    return acme


def use(organization: Organization, day: date, model: str, amount: str) -> None:
    add_hour(organization, at=start_of_day(day), model=model, cost_nanos=usd(amount))


def reconcile() -> Reconciliation:
    request_due_reconciliations(now=timezone.now())
    run = carry_out_next(now=timezone.now())
    assert run is not None
    return run


def verdicts(run: Reconciliation) -> dict[str, str]:
    return {row.model: row.verdict for row in run.rows.all()}


def test_each_days_models_are_compared(
    billed_acme: Organization, accounts: Accounts
) -> None:
    use(billed_acme, LONG_AGO, "gpt-5", "1.50")
    use(billed_acme, LONG_AGO, "o3", "2")
    accounts.bill(LONG_AGO, "gpt-5-2025-08-07, input", "1.20")
    accounts.bill(LONG_AGO, "gpt-5-2025-08-07, output", "0.30")
    accounts.bill(LONG_AGO, "code interpreter sessions", "0.40")
    run = reconcile()

    assert run.status == ReconciliationStatus.SUCCEEDED
    assert verdicts(run) == {
        "gpt-5": Verdict.MATCHED,
        "o3": Verdict.OURS_ONLY,
        "code interpreter sessions": Verdict.THEIRS_ONLY,
    }
    assert not any(row.is_provisional for row in run.rows.all())


def test_simulated_usage_is_no_part_of_it(
    billed_acme: Organization, acme_staging: Organization
) -> None:
    at = start_of_day(LONG_AGO)
    add_hour(billed_acme, at=at, model="gpt-5", cost_nanos=9**9, simulated=True)
    add_hour(acme_staging, at=at, model="gpt-5", cost_nanos=9**9)

    assert verdicts(reconcile()) == {}


def test_young_days_are_provisional(
    billed_acme: Organization, accounts: Accounts
) -> None:
    for age in (0, 2, 3):
        accounts.bill(TODAY - timedelta(days=age), "gpt-5, input", "1")
    rows = reconcile().rows.order_by("-day")

    assert [row.is_provisional for row in rows] == [True, True, False]


def test_each_key_is_compared_once_a_day(billed_acme: Organization) -> None:
    first = timezone.now()
    assert request_due_reconciliations(now=first) == 1
    assert request_due_reconciliations(now=first) == 0
    carry_out_next(now=first)

    assert request_due_reconciliations(now=first + timedelta(hours=23)) == 0
    assert request_due_reconciliations(now=first + timedelta(hours=25)) == 1
    assert carry_out_next(now=first + timedelta(hours=25)) is not None
    assert carry_out_next(now=first + timedelta(hours=25)) is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [(Fault(401), "401"), (Fault(200, "{}"), "no page of buckets")],
    ids=["refused", "malformed"],
)
def test_what_the_provider_does_not_tell_is_an_error_and_no_difference(
    billed_acme: Organization, accounts: Accounts, fault: Fault, words: str
) -> None:
    use(billed_acme, LONG_AGO, "gpt-5", "1")
    accounts.faults = [fault]
    run = reconcile()

    assert run.status == ReconciliationStatus.FAILED
    assert words in run.error
    assert not ReconciliationRow.objects.exists()


def test_a_failure_is_on_the_page_of_health_until_one_succeeds(
    billed_acme: Organization, accounts: Accounts
) -> None:
    assert surroundings.bills(timezone.now()).is_ok
    accounts.faults = [Fault(401)]
    reconcile()
    line = surroundings.bills(timezone.now())
    request_due_reconciliations(now=timezone.now() + timedelta(days=2))
    carry_out_next(now=timezone.now() + timedelta(days=2))

    assert "the provider of Acme" in line.advice
    assert "401" in line.details[0][1]
    assert surroundings.bills(timezone.now()).is_ok


def test_a_key_that_does_not_open_is_told(
    billed_acme: Organization, accounts: Accounts
) -> None:
    ProviderAdminKey.objects.update(base_url="https://elsewhere.example/v1")

    assert "does not open" in reconcile().error
    assert accounts.asked == []


def test_who_asks_twice_asks_once(billed_acme: Organization, op: User) -> None:
    asked: dict[str, Any] = {
        **{"organization": billed_acme, "first_day": LONG_AGO, "last_day": TODAY},
        **{"acting_user": op, "now": NOW},
    }
    assert request_reconciliation(**asked) == request_reconciliation(**asked)
    assert AuditEvent.objects.filter(action="reconciliation.requested").count() == 1


def test_without_a_key_nobody_is_asked(acme: Organization, op: User) -> None:
    with pytest.raises(NoAdminKey):
        request_reconciliation(
            organization=acme,
            first_day=TODAY,
            last_day=TODAY,
            acting_user=op,
            now=NOW,
        )
    assert not Reconciliation.objects.exists()


def test_old_comparisons_are_forgotten(billed_acme: Organization) -> None:
    reconcile()
    forget_old_reconciliations(now=timezone.now() + timedelta(days=89))
    assert Reconciliation.objects.count() == 1

    forget_old_reconciliations(now=timezone.now() + timedelta(days=91))
    assert not Reconciliation.objects.exists()


def test_the_key_goes_with_its_organization(
    billed_acme: Organization, ada: User
) -> None:
    delete_organization(organization=billed_acme, acting_user=ada, now=NOW)
    assert not ProviderAdminKey.objects.exists()


@pytest.fixture
def browser(op: User) -> Client:
    return browser_of(op)


def test_without_a_key_the_page_says_who_sets_one(browser: Client) -> None:
    assert "An owner sets an admin key" in browser.get(PAGE).content.decode()


def test_the_page_shows_the_newest_comparison_of_each_day(
    billed_acme: Organization, accounts: Accounts, browser: Client
) -> None:
    use(billed_acme, TODAY, "gpt-5", "3")
    accounts.bill(TODAY, "gpt-5, input", "1")
    reconcile()
    accounts.bill(TODAY, "gpt-5, output", "2")
    accounts.bill(TODAY, "storage", "0.07")
    browser.post(f"{PAGE}/compare", {"organization": billed_acme.public_id})
    carry_out_next(now=timezone.now())
    page = browser.get(PAGE)
    text = page.content.decode()

    assert [row.verdict for row, _ in page.context["rows"]] == [
        Verdict.MATCHED,
        Verdict.THEIRS_ONLY,
    ]
    assert page.context["comparison"].totals.difference_nanos == usd("0.07")
    assert "did not pass Tokenhouse" in text
    assert "Provisional" in text
    assert "tolerated are 1 % or $0.01" in text


def test_only_differences_are_shown_and_the_totals_stay(
    billed_acme: Organization, accounts: Accounts, browser: Client
) -> None:
    use(billed_acme, TODAY, "gpt-5", "3")
    accounts.bill(TODAY, "gpt-5, input", "3")
    reconcile()
    page = browser.get(f"{PAGE}?only=differences")

    assert page.context["rows"] == []
    assert page.context["comparison"].totals.ours_nanos == usd(3)
    assert "No differences in" in page.content.decode()


def test_the_file_says_what_the_page_says(
    billed_acme: Organization, accounts: Accounts, browser: Client
) -> None:
    use(billed_acme, TODAY, "gpt-5", "3")
    accounts.bill(TODAY, "gpt-5, input", "1.25")
    reconcile()
    (row, _) = browser.get(PAGE).context["rows"][0]
    file = browser.get(f"{PAGE}?format=csv")
    (line,) = csv.DictReader(io.StringIO(file.content.decode()))

    assert line["Verdict"] == row.get_verdict_display() == "Differs"
    assert (line["Ours (USD)"], line["Theirs (USD)"]) == ("3.00", "1.25")
    assert line["Difference (USD)"] == "-1.75"


def test_a_failure_is_told_and_what_was_compared_stays(
    billed_acme: Organization, accounts: Accounts, browser: Client
) -> None:
    accounts.bill(TODAY, "gpt-5, input", "1")
    reconcile()
    accounts.faults = [Fault(401)]
    browser.post(f"{PAGE}/compare", {"organization": billed_acme.public_id})
    carry_out_next(now=timezone.now() + timedelta(seconds=1))
    page = browser.get(PAGE)

    assert "The last comparison failed" in page.content.decode()
    assert len(page.context["rows"]) == 1


@pytest.mark.parametrize("query", ["?month=1999-01", "?organization=org-x", "?only=x"])
def test_what_cannot_be_chosen_does_not_narrow(
    billed_acme: Organization, browser: Client, query: str
) -> None:
    page = browser.get(f"{PAGE}{query}")

    assert page.status_code == 200
    assert page.context["subject"] == billed_acme
    assert page.context["month"] == TODAY.replace(day=1)


def test_whom_nobody_can_ask_is_not_compared(
    billed_acme: Organization, globex: Organization, browser: Client
) -> None:
    answer = browser.post(f"{PAGE}/compare", {"organization": globex.public_id})

    assert answer.status_code == 404
    assert not Reconciliation.objects.exists()
