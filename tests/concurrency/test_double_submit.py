"""Every form is sent, every task run, twice at once: what changes, changes once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from billing.actions import funding, limits, quota
from billing.actions.acknowledging import set_escalation
from billing.models import (
    Alert,
    BillingProfile,
    CreditGrant,
    Hold,
    SoftLimit,
    SpendLimits,
)
from config.beat_table import BEAT_TABLE
from config.celery import app
from core.periods import cycle_interval, cycle_of, previous_cycle
from keys.models import ApiKey
from orgs.actions import begin_viewing
from orgs.models import AuditEvent, Organization, Role, User
from tests.architecture.forms import (
    FIRST,
    FORMS,
    OF_PEOPLE,
    browser_for,
    data_of,
    furnish_with_invoice,
)
from tests.architecture.routes import TABLES, Addresses
from tests.billing.books import held
from tests.billing.test_invoices import spend
from tests.concurrency.threads import PATIENCE_S, all_at_once, meanwhile, waiting
from tests.factories import join, make_organization, make_user, usd
from tests.rig import wait_until
from tests.usage_factories import make_key

pytestmark = pytest.mark.usefixtures("committed_db")

# Whatever changes something is audited, or mailed: whoever comes that far waits there.
BEFORE_THEY_TELL = "LOCK TABLE orgs_auditevent, orgs_outboxmail IN SHARE MODE"
# A gateway of another test that lives on says so once a second.
OF_OTHERS = "billing_gatewayprocess"
Post = Callable[[], Any]


@cache
def count_all() -> str:
    """Return a query of how many rows each table of ours has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') "
            "AND NOT relispartition AND relname LIKE ANY(%s) AND relname <> %s",
            [list(TABLES), OF_OTHERS],
        )
        names = [name for (name,) in cursor.fetchall()]
    return " UNION ALL ".join(
        f"SELECT '{name}', count(*) FROM {name}" for name in names
    )


def rows() -> Counter[str]:
    with connection.cursor() as cursor:
        cursor.execute(count_all())
        return Counter(dict(cursor.fetchall()))


def added_by(deed: Callable[[], object]) -> dict[str, int]:
    """Return by how many rows each table grows or shrinks."""
    before = rows()
    deed()
    after = rows()
    grown = {each: after[each] - before[each] for each in after}
    return {each: by for each, by in grown.items() if by}


def once_and_undone(post: Post) -> dict[str, int]:
    with transaction.atomic():
        # What waits for the commit, too.
        added = added_by(partial(take_each, [post, connection.check_constraints]))
        transaction.set_rollback(True)
    return added


def twice_at_once(post: Post) -> list[Any]:
    """Post twice; each comes as far as it can before either may tell of it."""
    finished: list[Any] = []

    def noted() -> None:
        finished.append(post())

    with ExitStack() as until_both_came:
        until_both_came.enter_context(transaction.atomic())
        with connection.cursor() as cursor:
            cursor.execute(BEFORE_THEY_TELL)
        with meanwhile(lambda: all_at_once([noted, noted])) as both:
            wait_until(lambda: len(finished) + waiting() == 2)
            until_both_came.close()
            both.result(PATIENCE_S)
    return finished


def an_organization(name: str) -> tuple[Addresses, Organization, User]:
    """Make another Acme, with something of every kind."""
    slug = name.replace(":", "-").replace("_", "-")
    acme = make_organization(slug)
    Organization.objects.filter(pk=acme.pk).update(name="Acme")
    acme.refresh_from_db()
    ada, rita = (make_user(f"{who}@{slug}.example") for who in ("ada", "rita"))
    join(ada, acme, Role.OWNER)
    join(rita, acme)
    addresses = furnish_with_invoice(acme, ada, rita, unpaired_id=f"org-of-{slug}")
    return addresses, acme, ada


def form(name: str, op: User) -> tuple[Post, Organization]:
    """Return what sends a form of an organization of its own."""
    addresses, acme, ada = an_organization(name)
    if name in FIRST:
        FIRST[name](addresses, browser_for(name, ada, op))
    data = data_of(name, addresses)
    if "sibling" in data:
        data = {**data, "sibling": f"org-of-{acme.slug}"}
    browsers = [browser_for(name, ada, op) for _ in range(4)]

    def post() -> int:
        return browsers.pop().post(addresses.of(name), data).status_code

    return post, acme


def fault_of(name: str, op: User) -> str | None:
    """Say what a form adds when it is sent once and twice at once, if they differ."""
    post, _ = form(name, op)
    once, statuses = once_and_undone(post), list[int]()
    twice = added_by(lambda: statuses.extend(twice_at_once(post)))
    if once and twice == once and max(statuses) < 500:
        return None
    return f"once: {once}, twice: {twice}, answered {statuses}"


def test_every_form_sent_twice_at_once_changes_what_it_changes_once(op: User) -> None:
    faults = {name: fault_of(name, op) for name in {**FORMS, **OF_PEOPLE}}
    assert {name: fault for name, fault in faults.items() if fault} == {}


def test_control_without_its_lock_a_form_changes_something_twice(
    op: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, acme = form("billing:set_hard_limit", op)

    def unlocked(organization: Organization) -> SpendLimits:
        return SpendLimits.objects.get(organization=organization)

    monkeypatch.setattr(limits, "locked_limits", unlocked)

    twice_at_once(post)

    events = AuditEvent.objects.filter(organization=acme)
    assert events.filter(action="spend_limit.updated").count() == 2


def with_raise_that_ended(
    acme: Organization, ada: User, op: User, began: datetime
) -> None:
    until = began.date() + timedelta(days=3)
    funding.set_approved_limit(
        organization=acme, amount_nanos=usd(120), acting_user=None, now=began
    )
    request = quota.request_increase(
        organization=acme,
        amount_nanos=usd(500),
        until=until,
        reason="A launch",
        acting_user=ada,
        now=began,
    )
    quota.approve_request(
        request=request,
        amount_nanos=usd(500),
        until=until,
        message="",
        acting_user=op,
        now=began,
    )


def with_time_run_out(acme: Organization, ada: User, op: User, now: datetime) -> None:
    """Leave a hold of a dead gateway, a key near its end, a viewing, an old alert."""
    BillingProfile.objects.create(organization=acme)
    key = make_key("Search", organization=acme)
    held(acme, usd(1), api_key_id=key.pk)
    Hold.objects.update(created_at=now - timedelta(hours=1))
    ApiKey.objects.filter(pk=key.pk).update(
        created_at=now - timedelta(days=90), expires_at=now + timedelta(days=2)
    )
    began = now - timedelta(hours=2)
    begin_viewing(organization=acme, reason="Ticket 4711", acting_user=op, now=began)
    # Of the organization before.
    Alert.objects.exclude(next_escalation_at=None).update(next_escalation_at=now)
    set_escalation(organization=acme, after_min=30, acting_user=ada, now=now)


def with_work_for_tasks(name: str, op: User) -> None:
    """Make an organization for which most of the periodic work has something to do."""
    acme, now = make_organization(name), timezone.now()
    ada = make_user(f"ada@{name}.example")
    join(ada, acme, Role.OWNER)
    month_ago = cycle_interval(previous_cycle(cycle_of(now))).start
    with_raise_that_ended(acme, ada, op, month_ago)
    with_time_run_out(acme, ada, op, now)
    SpendLimits.objects.filter(organization=acme).update(hard_limit_nanos=usd(9))
    SoftLimit.objects.create(
        organization=acme, amount_nanos=usd(5), created_at=month_ago
    )
    for at in (month_ago, now):
        spend(acme, usd(10), at=at)
    for kind, ends_at in (("Ends", now + timedelta(days=2)), ("Ended", now)):
        CreditGrant.objects.create(
            organization=acme,
            name=kind,
            amount_nanos=usd(9),
            effective_at=month_ago,
            expires_at=ends_at,
            created_at=month_ago,
        )


def tasks() -> list[Post]:
    """Return the periodic work, in the order of its table."""
    app.loader.import_default_modules()
    names = dict.fromkeys(entry["task"] for entry in BEAT_TABLE.values())
    return [partial(app.tasks[name].apply, throw=True) for name in names]


def test_every_task_run_twice_at_once_changes_what_it_changes_once(op: User) -> None:
    def once(task: Post) -> list[Any]:
        return [task()]

    added: list[dict[str, int]] = []
    # At first they note of themselves that they are there.
    for run in (once, once, twice_at_once):
        with_work_for_tasks(f"acme-{len(added)}", op)
        turns = [partial(run, task) for task in tasks()]
        added.append(added_by(partial(take_each, turns)))
        # Whoever looks at the books says so: that changes nothing in them.
        del added[-1]["billing_verification"]
    assert added[2] == added[1]
    told = {
        "billing_hold": -1,
        "usage_usagerecord": 1,
        "billing_invoice": 1,
        "billing_ledgertransaction": 7,
        "keys_expirynotice": 1,
        "orgs_auditevent": 6,
        "orgs_outboxmail": 9,
    }
    assert told.items() <= added[1].items()


def take_each(turns: Sequence[Callable[[], object]]) -> None:
    for turn in turns:
        turn()
