"""Fill the demo: through the same actions and books as everything else."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import F

from billing.actions.alerts import tell
from billing.actions.funding import (
    enter_billing_profile,
    grant_trial_credit,
    set_approved_limit,
)
from billing.actions.limits import add_soft_limit, set_hard_limit
from billing.demo import script
from billing.demo.bookings import book_usage
from billing.demo.script import DemoKey, DemoOrganization
from billing.demo.time import DemoTime, demo_time
from billing.models import Price, PriceSource
from billing.price_seed import BEGINNING
from core.money import nanos_from_dollars
from core.periods import cycle_interval, cycle_of, next_cycle, start_of_day
from keys.actions import issue_key, revoke_key
from keys.models import ApiKey, ApiKeyKind
from orgs.actions.members import add_member
from orgs.actions.organizations import create_organization, link_siblings
from orgs.models import MailStatus, Organization, OutboxMail, User

# Trial credit that has not run out, as of somebody who began in these days.
TRIAL_BEGAN = timedelta(days=60)


@transaction.atomic
def seed_demo(*, months: int, records: int, now: datetime) -> int | None:
    """
    Make the demo and return how many usage records it has; None if it is there.

    All or nothing, and one at a time. Usage partitions of the months must exist.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('seed_demo'))")
    if Organization.objects.filter(is_demo=True).exists():
        return None
    time = demo_time(months=months, now=now)
    people = make_people(time)
    organizations = {
        plan.name: make_organization(plan, people, time)
        for plan in script.ORGANIZATIONS
    }
    link_siblings(
        one=organizations[script.ACME],
        other=organizations[script.STAGING],
        acting_user=people[script.ADA],
        now=time.start,
    )
    keys = {
        plan.name: make_key(plan, organizations[plan.organization], people, time)
        for plan in script.KEYS
    }
    change_price_half_way(time)
    payers = {plan.name: organizations[plan.organization] for plan in script.KEYS}
    booked = book_usage(keys, payers, time, records=records)
    tell_of_past_cycles(list(organizations.values()), time)
    return booked


def make_people(time: DemoTime) -> dict[str, User]:
    """Make the people who have no account yet; the operator is one of them."""
    people = {}
    for email, name in script.PEOPLE.items():
        found = User.objects.filter(email=email).first()
        is_operator = email == script.OPERATOR
        people[email] = found or User.objects.create_user(
            email,
            script.PASSWORD,
            name=name,
            date_joined=time.start,
            is_staff=is_operator,
            is_superuser=is_operator,
        )
    return people


def make_organization(
    plan: DemoOrganization, people: dict[str, User], time: DemoTime
) -> Organization:
    """Make an organization with its members, funding and limits."""
    owner = people[plan.members[0][0]]
    organization = create_organization(
        name=plan.name,
        environment=plan.environment,
        owner=owner,
        acting_user=owner,
        now=time.start,
        is_demo=True,
    )
    for email, role in plan.members[1:]:
        add_member(
            organization=organization,
            user=people[email],
            role=role,
            acting_user=owner,
            now=time.start,
        )
    began = max(time.start, time.end - TRIAL_BEGAN)
    grant_trial_credit(organization=organization, acting_user=None, now=began)
    fund_and_limit(organization, plan, owner, now=time.start)
    return organization


def fund_and_limit(
    organization: Organization, plan: DemoOrganization, owner: User, *, now: datetime
) -> None:
    if plan.legal_name is not None:
        enter_billing_profile(
            organization=organization,
            legal_name=plan.legal_name,
            acting_user=owner,
            now=now,
        )
    if plan.approved_limit_usd is not None:
        set_approved_limit(
            organization=organization,
            amount_nanos=nanos_from_dollars(Decimal(plan.approved_limit_usd)),
            acting_user=None,
            now=now,
        )
    if plan.hard_limit_usd is not None:
        set_hard_limit(
            organization=organization,
            amount_nanos=nanos_from_dollars(Decimal(plan.hard_limit_usd)),
            acting_user=owner,
            now=now,
        )
    for amount in plan.soft_limits_usd:
        add_soft_limit(
            organization=organization,
            amount_nanos=nanos_from_dollars(Decimal(amount)),
            acting_user=owner,
            now=now,
        )


def make_key(
    plan: DemoKey,
    organization: Organization,
    people: dict[str, User],
    time: DemoTime,
) -> ApiKey:
    """Issue a key whose text nobody gets; it only has a past."""
    person = people[plan.person] if plan.person else None
    key = issue_key(
        kind=ApiKeyKind.PERSONAL if person else ApiKeyKind.SERVICE,
        environment=organization.environment,
        name=plan.name,
        organization=None if person else organization,
        user=person,
        acting_user=person,
        expires_at=None,
        now=time.start,
    ).key
    if plan.revoked_at is not None:
        revoke_key(key=key, acting_user=person, now=time.at(plan.revoked_at))
    return key


def change_price_half_way(time: DemoTime) -> None:
    """Price the tuned model, and lower its price in the middle of the demo."""
    middle = start_of_day(time.at(0.5).date())
    for instant, (given, cached, answered) in zip(
        (BEGINNING, middle), script.TUNED_RATES_NANOS, strict=True
    ):
        Price.objects.get_or_create(
            organization=None,
            model=script.TUNED_MODEL,
            effective_from=instant,
            defaults={
                "input_nanos": given,
                "cached_input_nanos": cached,
                "output_nanos": answered,
                "context_window": 128_000,
                "source": PriceSource.OPERATOR,
                "source_version": script.PRICE_MARK,
                "created_at": time.start,
            },
        )


def tell_of_past_cycles(organizations: list[Organization], time: DemoTime) -> None:
    """Write the alerts of the cycles that are over, and their mails, sent long ago."""
    cycle = cycle_of(time.start)
    while cycle < cycle_of(time.end):
        last_day = cycle_interval(cycle).end - timedelta(days=1)
        for organization in organizations:
            tell(organization.pk, cycle, now=last_day)
        cycle = next_cycle(cycle)
    OutboxMail.objects.filter(organization__in=organizations).update(
        status=MailStatus.SENT, sent_at=F("created_at"), attempts=1
    )
