"""What needs attention on the overview: whom it concerns, and how urgent it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.actions.alerts import evaluate_limits
from billing.actions.scope_limits import set_member_limit
from billing.attention import attention_list
from billing.attention_item import LEVELS, Attention
from billing.attention_queries import concerns_of
from billing.models import BillingProfile, Budget, CreditGrant, SoftLimit, SpendLimits
from billing.overview_queries import overview_of
from core.periods import cycle_of
from keys.models import ApiKey, ProviderKey
from keys.webhook_models import WebhookEndpoint
from orgs.models import MailStatus, Membership, Organization, OutboxMail, User
from tests.factories import join, make_user, refuse_mail, usd
from tests.usage_factories import add_refusal, make_key
from tests.visits import browser_of
from usage.models import RollupWatermark

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_is_missing(acme: Organization, ada: User) -> None:
    """Acme has billing information and keys, and its figures are fresh."""
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc.")
    ProviderKey.objects.create(
        organization=acme, base_url="https://x.example/v1", ciphertext="x"
    )
    make_key("Laptop", user=ada)
    RollupWatermark.objects.update(as_of=NOW)


def items(user: User) -> list[Attention]:
    viewer = Membership.objects.get(user=user, organization__slug="acme")
    overview = overview_of(viewer, now=NOW)
    concerns = concerns_of(viewer, overview.standing.funding, now=NOW)
    return attention_list(overview, concerns, viewer, now=NOW)


def texts(user: User) -> list[tuple[str, str]]:
    return [(each.level, each.text) for each in items(user)]


def grant(acme: Organization, dollars: int, *, days: int) -> None:
    CreditGrant.objects.create(
        organization=acme,
        name="Grant",
        amount_nanos=usd(dollars),
        effective_at=NOW - timedelta(days=1),
        expires_at=NOW + timedelta(days=days),
    )


def queue(acme: Organization, kind: str, status: str, *, days_ago: int = 1) -> None:
    OutboxMail.objects.create(
        organization=acme,
        kind=kind,
        recipient="gone@acme.example",
        subject="Subject",
        body_text="Text",
        dedupe_key=f"{kind}:{status}:{days_ago}",
        status=status,
        next_attempt_at=NOW,
        created_at=NOW - timedelta(days=days_ago),
    )


def test_where_all_is_well_there_is_nothing(
    acme: Organization, ada: User, rita: User
) -> None:
    assert items(ada) == []
    assert items(rita) == []


def test_a_key_that_ends_is_told_to_whoever_can_rotate_it(
    acme: Organization, ada: User, rita: User
) -> None:
    service = make_key("Batch", organization=acme)
    personal = make_key("Notebook", user=rita)
    for key, days in ((service, 3), (personal, 14), (make_key("Far", user=ada), 15)):
        ApiKey.objects.filter(pk=key.pk).update(expires_at=NOW + timedelta(days=days))

    assert texts(ada) == [("warning", "The API key “Batch” ends on 23 November.")]
    assert texts(rita) == [("info", "The API key “Notebook” ends on 4 December.")]
    ApiKey.objects.update(expires_at=NOW)
    assert "The API key" not in str(texts(ada))


def test_refusals_of_today_are_counted_a_readers_own(
    acme: Organization, ada: User, rita: User
) -> None:
    for person, count in ((ada, 2), (rita, 1)):
        key = make_key(f"Key of {person.name}", user=person)
        for _ in range(count):
            add_refusal(acme, at=NOW, api_key=key)
        add_refusal(acme, at=NOW - timedelta(days=1), api_key=key)

    assert texts(ada) == [("warning", "3 requests were refused today.")]
    assert texts(rita) == [("warning", "1 request of yours was refused today.")]
    assert items(ada)[0].part == "?outcome=refused&since=2026-11-20"


def test_credit_that_ends_matters_most_where_nothing_else_pays(
    acme: Organization, ada: User, rita: User
) -> None:
    grant(acme, 5, days=10)
    grant(acme, 3, days=12)
    begins = "The credit of $5.00 expires on 30 November 2026."

    assert texts(ada) == [("info", f"{begins} It pays for what is used until then.")]
    BillingProfile.objects.all().delete()
    assert texts(rita) == [("warning", f"{begins} Credit of $3.00 stays.")]
    CreditGrant.objects.filter(amount_nanos=usd(3)).delete()
    assert items(ada)[0].text == (
        f"{begins} Without billing information requests are refused from then on."
    )
    assert items(ada)[0].page == "billing:billing_information"


def test_mails_that_did_not_arrive_are_told_to_owners(
    acme: Organization, ada: User, rita: User
) -> None:
    queue(acme, "hard_limit", MailStatus.FAILED)
    queue(acme, "invitation", MailStatus.BOUNCED)
    queue(acme, "invitation", MailStatus.FAILED, days_ago=8)
    queue(acme, "invitation", MailStatus.SENT)

    assert [each.page for each in items(ada)] == ["billing:alerts", "orgs:members"]
    assert items(ada)[1].text.startswith("1 other mail did not arrive")
    assert items(rita) == []


def test_webhooks_that_fail_or_are_off_are_told_to_owners(
    acme: Organization, ada: User, rita: User
) -> None:
    for failing, disabled in ((None, None), (NOW, None), (NOW, NOW), (NOW, NOW)):
        WebhookEndpoint.objects.create(
            organization=acme,
            url="https://hooks.acme.example",
            ciphertext="x",
            created_at=NOW,
            failing_since=failing,
            disabled_at=disabled,
        )

    assert texts(ada) == [
        (
            "warning",
            "1 webhook did not answer of late, and 2 webhooks are switched off: "
            "programs are not told.",
        )
    ]
    assert items(rita) == []


def test_a_threshold_that_one_person_or_nobody_reads_is_pointed_out(
    acme: Organization, ada: User, rita: User
) -> None:
    SoftLimit.objects.create(organization=acme, amount_nanos=usd(9))
    assert texts(ada) == [
        (
            "info",
            "1 soft limit: one person alone gets the mail, who may be away.",
        )
    ]
    refuse_mail(ada, acme, "soft_limit")
    assert [each.level for each in items(ada)] == ["warning"]
    assert items(rita) == []

    for name in ("eve", "eva"):
        join(make_user(f"{name}@acme.example"), acme, "owner")
    assert items(ada) == []


def test_an_alert_is_there_until_somebody_takes_note(
    acme: Organization, ada: User
) -> None:
    SoftLimit.objects.create(
        organization=acme,
        amount_nanos=usd(9),
        recipients=["finance@acme.example"],
        created_at=NOW - timedelta(days=90),
    )
    Budget.objects.create(
        organization=acme, cycle_start=cycle_of(NOW), spent_nanos=usd(9)
    )
    evaluate_limits(now=NOW)
    alert = acme.alerts.get()

    assert "1 alert of this cycle: nobody took note yet." in str(texts(ada))
    alert.acknowledged_at = NOW
    alert.save(update_fields=["acknowledged_at"])
    assert "nobody took note" not in str(texts(ada))


def test_limits_given_away_twice_are_pointed_out(
    acme: Organization, ada: User, rita: User
) -> None:
    SpendLimits.objects.create(organization=acme, hard_limit_nanos=usd(10))
    for person in (ada, rita):
        set_member_limit(
            organization=acme,
            user=person,
            amount_nanos=usd(8),
            acting_user=ada,
            now=NOW,
        )

    assert "The limits of members come to 160 %" in items(ada)[0].text
    assert items(rita) == []


def test_the_most_urgent_comes_first(acme: Organization, ada: User) -> None:
    SoftLimit.objects.create(organization=acme, amount_nanos=usd(99))
    SpendLimits.objects.create(organization=acme, hard_limit_nanos=usd(10))
    Budget.objects.create(
        organization=acme, cycle_start=cycle_of(NOW), spent_nanos=usd(10)
    )
    queue(acme, "invitation", MailStatus.FAILED)

    assert [each.level for each in items(ada)] == [*LEVELS]


def test_every_link_leads_somewhere_and_the_rest_is_behind_a_click(
    acme: Organization, ada: User
) -> None:
    now = timezone.now()
    WebhookEndpoint.objects.create(
        organization=acme,
        url="https://hooks.acme.example",
        ciphertext="x",
        created_at=now,
        failing_since=now,
    )
    OutboxMail.objects.all().delete()
    for kind in ("hard_limit", "invitation"):
        queue(acme, kind, MailStatus.FAILED)
    OutboxMail.objects.update(created_at=now)
    SoftLimit.objects.create(organization=acme, amount_nanos=usd(99))
    key = make_key("Ends", user=ada)
    ApiKey.objects.filter(pk=key.pk).update(expires_at=now + timedelta(days=9))

    page = browser_of(ada).get("/o/acme/overview").content.decode()

    assert "<summary>2 more</summary>" in page
    for name in ("keys:webhooks", "billing:alerts", "orgs:members", "keys:keys"):
        assert f'<a href="{reverse(name, args=["acme"])}">' in page
    assert '<a href="/o/acme/limits#soft-limits">Add an address</a>' in page
