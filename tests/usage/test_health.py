"""How fast and reliable models are: from the sums, for owners and readers."""

from __future__ import annotations

import pytest

from orgs.models import Membership, Organization, User
from tests.factories import NOW
from tests.usage_factories import add_record, make_key
from tests.visits import browser_of
from usage.actions import roll_up
from usage.dimensions import Dimension
from usage.models import Outcome
from usage.spans import Span
from usage.timings import health_of

pytestmark = pytest.mark.django_db
DAY = Span(NOW.date(), NOW.date())
URL = f"/o/acme/usage/health?first={NOW:%Y-%m-%d}&last={NOW:%Y-%m-%d}"


@pytest.fixture
def used(acme: Organization, ada: User, rita: User) -> None:
    """A slow model of Ada's with a failure, and a fast one of Rita's."""
    slow, fast = make_key("Ada's laptop", user=ada), make_key("Mine", user=rita)
    for latency in (4_000, 4_000, 4_000, 8_000):
        facts = {"latency_ms": latency, "first_token_ms": 2_000, "output_tokens": 300}
        add_record(acme, at=NOW, cost_nanos=1, model="slow", api_key=slow, **facts)
    add_record(
        acme,
        at=NOW,
        cost_nanos=0,
        model="slow",
        api_key=slow,
        outcome=Outcome.PROVIDER_ERROR,
    )
    add_record(acme, at=NOW, cost_nanos=1, model="fast", api_key=fast, latency_ms=100)
    roll_up(now=NOW)


@pytest.mark.usefixtures("used")
def test_each_model_has_its_percentiles_and_rates(ada: User) -> None:
    slow, fast = health_of(Membership.objects.get(user=ada), DAY)

    assert (slow.group.name, fast.group.name) == ("slow", "fast")
    p50, p95, _, first, _ = slow.percentiles
    assert p50 == pytest.approx(4_000, rel=0.1)
    assert p95 == pytest.approx(8_000, rel=0.1)
    assert first == pytest.approx(2_000, rel=0.1)
    # 1,200 tokens in three times two seconds and once six.
    assert slow.timing.tokens_per_second == 100.0
    assert (slow.error_percent, slow.refusal_percent) == (20.0, 0.0)
    assert fast.percentiles[3] is None


@pytest.mark.usefixtures("used")
def test_a_reader_sees_the_keys_of_others_as_one(rita: User) -> None:
    viewer = Membership.objects.get(user=rita)

    found = health_of(viewer, DAY, dimension=Dimension.KEY)

    assert [each.group.name for each in found] == ["Mine", "Everyone else"]
    assert [each.timing.latency.requests for each in found] == [1, 4]
    assert "laptop" not in browser_of(rita).get(f"{URL}&by=key").content.decode()


@pytest.mark.usefixtures("used")
def test_the_page_tells_the_slowest_and_draws_it(ada: User) -> None:
    page = browser_of(ada).get(URL).content.decode()

    assert "The slowest is slow: 95 of 100 requests took" in page
    assert page.count('class="still"') == 1
    assert "20.00 %" in page


def test_without_requests_it_says_so(acme: Organization, ada: User) -> None:
    page = browser_of(ada).get(URL).content.decode()

    assert "No requests in these days." in page
    assert "data-figure" not in page


@pytest.mark.usefixtures("used")
def test_files_tell_what_the_page_tells(ada: User) -> None:
    browser, found = browser_of(ada), health_of(Membership.objects.get(user=ada), DAY)

    groups = browser.get(f"{URL}&format=json").json()["groups"]
    csv_file = browser.get(f"{URL}&format=csv")

    slow, fast = groups
    assert (slow["name"], slow["requests"], slow["failed_requests"]) == ("slow", 5, 1)
    assert slow["latency_p95_ms"] == found[0].percentiles[1]
    assert (slow["tokens_per_second"], fast["first_token_p50_ms"]) == (100.0, None)
    header, first, second = csv_file.content.decode().splitlines()
    assert header.startswith("Model,requests,failed_requests,refused_requests,")
    assert first.split(",")[:4] == ["slow", "5", "1", "0"]
    assert second.split(",")[7:] == ["", "", ""]
    name = f"acme-health-by-model-{NOW:%Y-%m-%d}-{NOW:%Y-%m-%d}.csv"
    assert name in csv_file["Content-Disposition"]


@pytest.mark.usefixtures("used")
def test_files_name_no_key_of_others_to_a_reader(rita: User) -> None:
    browser = browser_of(rita)

    for kind in ("csv", "json"):
        text = browser.get(f"{URL}&by=key&format={kind}").content.decode()
        assert "Everyone else" in text
        assert "laptop" not in text
