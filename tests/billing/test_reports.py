"""Weekly and monthly reports: to whom, when, once, with the figures of the pages."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.mail import get_connection

from billing.actions import reports
from billing.actions.reports import send_reports
from billing.models import Report
from billing.report_mail import queue_report_mail
from billing.report_periods import ReportKind, due_at, latest_period
from core.templatetags.money import usd as dollars
from orgs.mail_preferences import is_wanted_by_default, memberships_wanting
from orgs.models import MailChoice, Membership, Organization, OutboxMail, User
from orgs.outbox import message_of
from orgs.person_models import FOR_EVERY_MEMBER, OptionalMail
from orgs.unsubscribing import Subscription, unsubscribe_url
from tests.billing.told import usage_csv_nanos
from tests.concurrency.threads import all_at_once
from tests.factories import refuse_mail, usd
from tests.usage_factories import add_hour, add_refusal, make_key
from tests.visits import browser_of
from usage.dimensions import Granularity
from usage.models import RollupWatermark
from usage.queries import usage_of

# A Monday; the week before is 16 to 22 November.
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
FIRST_OF_MONTH = datetime(2026, 12, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
DEDUPE = "weekly_report:{}:2026-11-16"

db = pytest.mark.django_db


def rolled_up(at: datetime) -> None:
    RollupWatermark.objects.update(as_of=at)


def choose(user: User, organization: Organization, kind: str = "weekly_report") -> None:
    MailChoice.objects.create(
        organization=organization, email=user.email, kind=kind, is_wanted=True
    )


@pytest.fixture
def used(acme: Organization, ada: User, rita: User) -> Organization:
    """Acme, with keys of both that were used in two weeks, and reports for both."""
    Membership.objects.update(created_at=MONDAY - 300 * DAY)
    User.objects.update(last_login=MONDAY - DAY)
    service, ritas = make_key("Search", organization=acme), make_key("R", user=rita)
    for days, service_cost, ritas_cost in ((1, 30, 5), (3, 20, 0), (8, 25, 4)):
        at = MONDAY.replace(hour=12) - days * DAY
        add_hour(acme, at=at, cost_nanos=usd(service_cost), api_key=service)
        add_hour(acme, at=at, cost_nanos=usd(ritas_cost), api_key=ritas, model="gpt-5")
    for each in (ada, rita):
        choose(each, acme)
    rolled_up(MONDAY)
    return acme


def mail_to(user: User) -> OutboxMail:
    return OutboxMail.objects.get(recipient=user.email)


@db
def test_an_owner_is_told_of_the_organization(used: Organization, ada: User) -> None:
    assert send_reports(now=MONDAY) == 2

    mail = mail_to(ada)
    assert mail.subject == "[Acme (Production)] Week 47: $55.00 spent, +90 %"
    assert re.search(r"Cost +\$55\.00  \+90 %", mail.body_text)
    assert re.search(r"\$50\.00  Search \(\+100 %\)", mail.body_text)
    assert re.search(r"\$5\.00  R \(\+25 %\)", mail.body_text)
    assert "Sun 22 Nov           $35.00" in mail.body_text
    assert "$26.00 more than the week before" in mail.body_text
    assert "usage?first=2026-11-16&last=2026-11-22&by=model" in mail.body_text


@db
def test_a_reader_is_told_of_their_own_keys_and_of_the_total(
    used: Organization, rita: User
) -> None:
    send_reports(now=MONDAY)

    body = mail_to(rita).body_text
    assert re.search(r"Cost +\$55\.00", body)
    assert re.search(r"Of it your own +\$5\.00  \+25 %", body)
    assert "Search" not in body
    assert "Search" not in mail_to(rita).body_html


@db
def test_the_figures_are_those_of_the_usage_page(used: Organization, ada: User) -> None:
    send_reports(now=MONDAY)
    mail = mail_to(ada)
    (address,) = set(re.findall(r"http\S+/usage\?\S+by=model", mail.body_text))

    page = browser_of(ada).get(address.replace("&amp;", "&").partition("8000")[2])
    period = latest_period(ReportKind.WEEKLY, zone_name="UTC", now=MONDAY)
    usage = usage_of(used, period.span, granularity=Granularity.DAY)

    assert page.status_code == 200
    assert dollars(usage.total.cost_nanos) == "$55.00"
    assert "$55.00" in page.content.decode()
    for amounts in usage.by_period:
        assert dollars(amounts.cost_nanos) in mail.body_text


@db
def test_owners_in_production_get_the_month_unasked(
    used: Organization, acme_staging: Organization, ada: User
) -> None:
    Membership.objects.update(created_at=MONDAY - 300 * DAY)
    add_hour(acme_staging, at=MONDAY, cost_nanos=usd(1))
    rolled_up(FIRST_OF_MONTH)
    send_reports(now=FIRST_OF_MONTH)

    mail = OutboxMail.objects.get(kind="monthly_report")
    assert (mail.recipient, mail.organization) == (ada.email, used)
    assert mail.subject == "[Acme (Production)] November 2026: $84.00 spent"
    told = usage_csv_nanos(browser_of(ada), "acme", date(2026, 11, 1))
    assert told == usd(84)
    assert mail.thread == f"{used.public_id}:reports:2026-11"


@db
def test_each_is_told_once_however_often_it_runs(used: Organization) -> None:
    turns = [send_reports(now=MONDAY + n * timedelta(minutes=10)) for n in range(3)]

    assert turns == [2, 0, 0]
    assert OutboxMail.objects.count() == Report.objects.count() == 2


@pytest.mark.usefixtures("committed_db")
def test_of_many_workers_at_once_one_tells(used: Organization) -> None:
    all_at_once([lambda: send_reports(now=MONDAY)] * 4)

    assert OutboxMail.objects.count() == Report.objects.count() == 2


@db
def test_a_worker_that_dies_leaves_nothing_and_the_next_one_tells(
    used: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reports, "queue_report_mail", die)
        with pytest.raises(KeyboardInterrupt):
            send_reports(now=MONDAY)
    assert (Report.objects.count(), OutboxMail.objects.count()) == (0, 0)

    assert send_reports(now=MONDAY) == 2
    assert OutboxMail.objects.count() == 2


@db
def test_one_that_fails_does_not_keep_others_from_theirs(
    used: Organization, ada: User, rita: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = queue_report_mail

    def fail_for_ada(report: Any) -> None:
        if report.viewer.user == ada:
            raise ValueError("no words")
        queue(report)

    monkeypatch.setattr(reports, "queue_report_mail", fail_for_ada)
    with pytest.raises(ExceptionGroup):
        send_reports(now=MONDAY)

    assert Report.objects.get().user == rita
    assert OutboxMail.objects.get().recipient == rita.email


@db
def test_where_nothing_was_used_nothing_is_sent_and_that_is_noted(
    acme: Organization, ada: User, rita: User
) -> None:
    Membership.objects.update(created_at=MONDAY - 300 * DAY)
    choose(ada, acme)
    add_hour(acme, at=MONDAY - 20 * DAY, cost_nanos=usd(3))
    rolled_up(MONDAY)

    assert [send_reports(now=MONDAY) for _ in range(2)] == [1, 0]
    assert Report.objects.get().suppression == "nothing_used"
    assert not OutboxMail.objects.exists()


@db
@pytest.mark.parametrize("what", ["used the week before", "refused"])
def test_what_stopped_or_was_refused_is_news(
    acme: Organization, ada: User, what: str
) -> None:
    Membership.objects.update(created_at=MONDAY - 300 * DAY)
    choose(ada, acme)
    if what == "refused":
        key = make_key("Search", organization=acme)
        add_refusal(acme, at=MONDAY - 2 * DAY, api_key=key)
    else:
        add_hour(acme, at=MONDAY - 9 * DAY, cost_nanos=usd(3))
    rolled_up(MONDAY)
    send_reports(now=MONDAY)

    body = OutboxMail.objects.get().body_text
    assert ("Refused" in body) == (what == "refused")
    assert ("-100 %" in body) == (what != "refused")


@db
def test_who_has_not_come_for_half_a_year_is_left_alone(
    used: Organization, ada: User, rita: User
) -> None:
    User.objects.filter(pk=rita.pk).update(last_login=MONDAY - 200 * DAY)
    send_reports(now=MONDAY)

    assert Report.objects.get(user=rita).suppression == "dormant"
    assert OutboxMail.objects.get().recipient == ada.email


@db
@pytest.mark.parametrize("who", ["refused", "gone", "new", "inactive", "deleted"])
def test_who_is_not_told(used: Organization, rita: User, who: str) -> None:
    membership = Membership.objects.get(user=rita, organization=used)
    match who:
        case "refused":
            MailChoice.objects.filter(email=rita.email).update(is_wanted=False)
        case "gone":
            membership.delete()
        case "new":
            Membership.objects.filter(pk=membership.pk).update(created_at=MONDAY)
        case "inactive":
            User.objects.filter(pk=rita.pk).update(is_active=False)
        case "deleted":
            Organization.objects.filter(pk=used.pk).update(deleted_at=MONDAY)
    send_reports(now=MONDAY)

    assert not Report.objects.filter(user=rita).exists()
    assert not OutboxMail.objects.filter(recipient=rita.email).exists()


@db
def test_it_waits_until_the_figures_are_complete(used: Organization) -> None:
    rolled_up(MONDAY.replace(hour=0, minute=59))
    assert send_reports(now=MONDAY) == 0
    assert not Report.objects.exists()

    rolled_up(MONDAY.replace(hour=1))
    assert send_reports(now=MONDAY) == 2


@db
def test_a_report_that_is_late_by_days_is_no_news(used: Organization) -> None:
    rolled_up(MONDAY + 9 * DAY)
    assert send_reports(now=MONDAY.replace(hour=8) + 2 * DAY) == 0
    assert not Report.objects.exists()


@db
def test_it_comes_on_the_readers_morning_about_the_organizations_days(
    used: Organization, rita: User
) -> None:
    Organization.objects.update(time_zone="Asia/Tokyo")
    User.objects.filter(pk=rita.pk).update(time_zone="America/New_York")
    rolled_up(MONDAY + DAY)
    send_reports(now=datetime(2026, 11, 23, 12, 59, tzinfo=UTC))
    assert not OutboxMail.objects.filter(recipient=rita.email).exists()
    send_reports(now=datetime(2026, 11, 23, 13, tzinfo=UTC))

    body = mail_to(rita).body_text
    assert "days of the time zone Asia/Tokyo" in body
    assert "as of 23 November 2026, 08:00 EST" in body


@db
def test_one_click_ends_them(used: Organization, rita: User) -> None:
    send_reports(now=MONDAY)
    message = message_of(mail_to(rita), get_connection()).message()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = unsubscribe_url(Subscription(used.pk, rita.email, "weekly_report"))
    assert message["List-Unsubscribe"] == f"<{address}>"

    browser_of(rita).post(address.partition("8000")[2])

    rolled_up(MONDAY + 7 * DAY)
    send_reports(now=MONDAY + 7 * DAY)
    assert OutboxMail.objects.filter(recipient=rita.email).count() == 1


@db
@pytest.mark.parametrize("kind", sorted(FOR_EVERY_MEMBER))
def test_what_is_sent_by_default_is_what_the_page_of_mails_says(
    acme: Organization, acme_staging: Organization, rita: User, kind: str
) -> None:
    wanting = set(memberships_wanting(OptionalMail(kind)))

    everybody = set(Membership.objects.select_related("organization"))
    said = {
        each for each in everybody if is_wanted_by_default(OptionalMail(kind), each)
    }
    assert len(everybody) > 2
    assert wanting == said


@db
def test_a_choice_counts_over_the_default(acme: Organization, ada: User) -> None:
    kind = OptionalMail.MONTHLY_REPORT
    assert memberships_wanting(kind).exists()
    refuse_mail(ada, acme, kind)
    assert not memberships_wanting(kind).exists()


def test_a_week_is_monday_to_sunday_by_the_organizations_clock() -> None:
    # Sunday in Honolulu, Monday in Auckland.
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    weeks = {
        zone: latest_period(ReportKind.WEEKLY, zone_name=zone, now=now)
        for zone in ("Pacific/Honolulu", "Pacific/Auckland")
    }

    assert weeks["Pacific/Honolulu"].span.first == date(2026, 11, 9)
    assert weeks["Pacific/Auckland"].span.first == date(2026, 11, 16)
    for week in weeks.values():
        assert (week.span.first.weekday(), len(week.span.days)) == (0, 7)
        assert week.ends_at <= now
        assert week.before.last == week.span.first - DAY


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "UTC", "Nowhere"])
@pytest.mark.parametrize("kind", ReportKind)
def test_a_report_is_due_at_eight_after_the_figures_are_complete(
    kind: ReportKind, zone: str
) -> None:
    # Through both changes of the clocks.
    for week in range(60):
        now = MONDAY + week * 7 * DAY
        period = latest_period(kind, zone_name="Europe/Berlin", now=now)
        due = due_at(period, zone_name=zone)
        assert period.settled_at <= due < period.settled_at + DAY + timedelta(hours=1)
