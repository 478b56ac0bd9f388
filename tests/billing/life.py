"""An organization whose life goes by on a test clock, day after day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from billing.actions.organizations import found_organization
from billing.booking_types import Hold, settlement
from billing.limits import REFUSAL_CODES
from billing.models import Price, PriceSource
from billing.pricing import Tokens
from billing.verification.report import verify
from config.celery import app
from keys.models import ApiKey
from orgs.models import Environment, Organization, User
from tests.billing.books import book, hold_of
from tests.billing.test_ledger_posting import commit_checks
from tests.billing.told import Programs
from tests.usage_factories import make_key

# Unqualified names of the books' statements find these before Postgres' own.
CLOCK = """
CREATE SCHEMA IF NOT EXISTS test_clock;
GRANT USAGE ON SCHEMA test_clock TO PUBLIC;
CREATE OR REPLACE FUNCTION test_clock.now() RETURNS timestamptz STABLE LANGUAGE sql
    AS $$ SELECT pg_catalog.current_setting('test_clock.at')::timestamptz $$;
CREATE OR REPLACE FUNCTION test_clock.clock_timestamp() RETURNS timestamptz
    STABLE LANGUAGE sql
    AS $$ SELECT pg_catalog.current_setting('test_clock.at')::timestamptz $$;
SET LOCAL search_path = test_clock, pg_catalog, public;
"""
# The worker's turns that money depends on, in the order of a day's first round.
TURNS = (
    "usage.roll_up",
    "billing.sweep_orphaned_holds",
    "billing.post_usage",
    "billing.write_off_credit",
    "billing.warn_of_credit",
    "billing.keep_quota",
    "billing.evaluate_limits",
    "billing.close_cycles",
)
# Of these, the ones by which what was used is shown and posted.
COUNTING = ("usage.roll_up", "billing.post_usage")
MODEL = "gpt-4o-mini"


class Clock:
    """What time it is, for Postgres and for pages and tasks alike."""

    def __init__(self, at: datetime, patch: pytest.MonkeyPatch) -> None:
        with connection.cursor() as cursor:
            cursor.execute(CLOCK)
        self.now = at
        self.set(at)
        patch.setattr(timezone, "now", lambda: self.now)

    def set(self, at: datetime) -> None:
        assert at >= self.now, "time goes one way"
        self.now = at
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_catalog.set_config('test_clock.at', %s, true)",
                [at.isoformat()],
            )

    def days_until(self, last: date) -> Iterator[date]:
        """Go on day by day, each ten minutes after its midnight, in UTC."""
        day = self.now.date()
        while day <= last:
            self.set(datetime.combine(day, time(0, 10), UTC))
            yield day
            day += timedelta(days=1)

    def at(self, hour: int) -> None:
        self.set(self.now.replace(hour=hour, minute=0))


@dataclass(frozen=True, slots=True)
class Use:
    """What a request cost, by the arithmetic of this test."""

    cycle_start: date
    cost_nanos: int


@dataclass
class Life:
    """An organization, its owner, an operator, and what it used."""

    clock: Clock
    ada: User
    op: User
    organization: Organization
    key: ApiKey
    used: list[Use] = field(default_factory=list)
    _browser: Client = field(default_factory=Client)

    @classmethod
    def begin(cls, clock: Clock, ada: User, op: User) -> Life:
        organization = found_organization(
            name="Acme",
            environment=Environment.PRODUCTION,
            founder=ada,
            with_sibling=False,
            now=clock.now,
        )
        return cls(clock, ada, op, organization, make_key("laptop", user=ada))

    @property
    def browser(self) -> Client:
        """Log the owner in anew: months go by, and sessions end."""
        self._browser.logout()
        self._browser.force_login(self.ada)
        return self._browser

    @cached_property
    def programs(self) -> Programs:
        return Programs.of(self.organization, self.ada, now=self.clock.now)

    def request(self, tokens: Tokens) -> str:
        """Ask for a request and settle it; return the code of the refusal, or none."""
        price = self.price_now()
        assert price.input_nanos
        assert price.output_nanos
        cost = tokens.input * price.input_nanos + tokens.output * price.output_nanos
        hold = self.hold(price, cost)
        refusal = book(hold).refusals.get(hold.event_id)
        if refusal is not None:
            return REFUSAL_CODES[refusal.binding]
        self.settle(hold, tokens, cost)
        self.used.append(Use(hold.cycle_start, cost))
        return ""

    def price_now(self) -> Price:
        prices = Price.objects.filter(model=MODEL, effective_from__lte=self.clock.now)
        return prices.latest("effective_from")

    def hold(self, price: Price, bound_nanos: int) -> Hold:
        hold = hold_of(
            self.organization,
            bound_nanos,
            at=self.clock.now,
            api_key_id=self.key.pk,
            user_id=self.ada.pk,
        )
        return replace(hold, price_id=price.pk)

    def settle(self, hold: Hold, tokens: Tokens, cost: int) -> None:
        settled = settlement(
            hold,
            outcome="succeeded",
            status_code=200,
            tokens=tokens,
            cost_nanos=cost,
            latency_ms=40,
        )
        assert book(settled).refusals == {}

    def beat(self, *, times: int = 1, turns: Sequence[str] = TURNS) -> None:
        """Let the worker take its turns."""
        app.loader.import_default_modules()
        for _ in range(times):
            for name in turns:
                app.tasks[name]()

    def check(self) -> None:
        """Let the database look as at a commit, and verify every invariant."""
        commit_checks()
        broken = [each for each in verify(sweep_interval_s=15) if not each.holds]
        assert broken == [], f"{self.clock.now:%Y-%m-%d}"


def price_of(input_nanos: int, since: datetime) -> Price:
    """Return a price that is not in the list yet."""
    return Price(
        model=MODEL,
        effective_from=since,
        input_nanos=input_nanos,
        output_nanos=600,
        source=PriceSource.OPERATOR,
    )
