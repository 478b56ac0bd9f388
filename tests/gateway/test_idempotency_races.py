"""Many requests with one `Idempotency-Key`, at once and through crashes."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from billing.actions.price_seeding import seed_prices
from billing.actions.sweep import charge_orphaned_holds
from billing.models import GatewayProcess, Hold, KeptAnswer
from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import House, async_client_of, furnish_at
from tests.gateway.raw import Answer, call, nothing_written
from tests.gateway.streams import ask_for
from tests.gateway.test_hard_limit_under_concurrency import two_gateways

pytestmark = pytest.mark.processes

AT_ONCE = 50
DEAD_AFTER_S = 2.0
HEADER = {"Idempotency-Key": "order-1"}
ASK: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": '{"output": 20, "pause_s": 0.5}'}],
}


@pytest.fixture
def acme_priced(committed_db: None, acme: Organization) -> Organization:
    seed_prices(now=timezone.now())
    return acme


async def ask_all(urls: list[str], key: str) -> list[tuple[str, str]]:
    """Send the same at once, in turn to each gateway; return ids and answers."""
    clients = [async_client_of(url, key) for url in urls]

    async def ask(number: int) -> tuple[str, str]:
        completions = clients[number % len(clients)].chat.completions
        raw = await completions.with_raw_response.create(**ASK, extra_headers=HEADER)
        return raw.headers["x-request-id"], raw.text

    answers = await asyncio.gather(*(ask(number) for number in range(AT_ONCE)))
    for client in clients:
        await client.close()
    return answers


def race(
    folder: Path, provider: rig.Provider, acme: Organization, application: str
) -> tuple[House, int, list[tuple[str, str]]]:
    """Run the race; return the house, how often the provider was asked, the answers."""
    before = len(provider.bills())
    with two_gateways(folder, application) as urls:
        house = furnish_at(acme, provider, urls[0])
        answers = asyncio.run(ask_all(urls, house.key))
    return house, len(provider.bills()) - before, answers


def test_50_at_once_on_two_gateways_are_one_request(
    acme_priced: Organization, folder: Path, provider: rig.Provider
) -> None:
    house, asked, answers = race(
        folder, provider, acme_priced, "config.asgi:application"
    )

    assert asked == 1
    assert len(set(answers)) == 1
    assert len(house.records()) == 1
    assert house.holds() == []


def test_control_without_claims_the_same_race_asks_and_charges_50_times(
    acme_priced: Organization, folder: Path, provider: rig.Provider
) -> None:
    house, asked, answers = race(
        folder, provider, acme_priced, "tests.gateway.unclaimed:application"
    )

    assert asked == len(house.records()) == AT_ONCE
    assert len(set(answers)) == AT_ONCE


def send(url: str, key: str, body: dict[str, Any] = ASK) -> Answer:
    return call(url, key, body, headers=HEADER)


def in_background(url: str, key: str, body: dict[str, Any]) -> threading.Thread:
    """Send a request whose connection may break."""

    def ask() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            send(url, key, body)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def sent_once() -> bool:
    return KeptAnswer.objects.filter(state="under_way").exists()


def test_a_killed_gateways_answer_is_lost_and_charged_once(
    acme_priced: Organization, provider: rig.Provider, folder: Path
) -> None:
    before = len(provider.bills())
    settings = {"SWEEP_INTERVAL_S": str(DEAD_AFTER_S)}
    with rig.gateway(folder, **settings) as one, rig.gateway(folder, **settings) as two:
        house = furnish_at(acme_priced, provider, one.url)
        asked = in_background(one.url, house.key, ask_for(200, 0.1))
        rig.wait_until(lambda: len(provider.bills()) == before + 1)
        one.kill()
        asked.join()
        again = send(two.url, house.key, ask_for(200, 0.1))
        still = send(two.url, house.key, ask_for(200, 0.1))
        rig.wait_until(swept)

    (record,) = house.records()
    assert again.summary == still.summary
    assert again.summary[2] == "idempotency_answer_lost"
    assert f"req_{record.event_id.hex}" in again.error["message"]
    assert len(provider.bills()) == before + 1
    assert record.kind == "estimated"


def swept() -> bool:
    charge_orphaned_holds(dead_after_s=DEAD_AFTER_S)
    return not Hold.objects.exists()


def test_a_claim_of_a_gateway_that_died_before_sending_is_taken_over(
    house: House, provider: rig.Provider
) -> None:
    send(house.url, house.key)
    KeptAnswer.objects.update(state="claimed", gateway_id=uuid.uuid4())

    again = send(house.url, house.key)

    assert again.status == 200
    assert KeptAnswer.objects.get().state == "kept"


def test_a_gateway_that_was_taken_for_dead_wakes_up_and_keeps_the_answer(
    acme_priced: Organization, provider: rig.Provider, folder: Path
) -> None:
    settings = {"SWEEP_INTERVAL_S": "1"}
    with rig.gateway(folder, **settings) as one, rig.gateway(folder, **settings) as two:
        house = furnish_at(acme_priced, provider, one.url)
        asked = in_background(one.url, house.key, ask_for(20, 0.1))
        rig.wait_until(sent_once)
        one.popen.send_signal(signal.SIGSTOP)
        lost = send(two.url, house.key, ask_for(20, 0.1))
        one.popen.send_signal(signal.SIGCONT)
        asked.join()
        answered = send(two.url, house.key, ask_for(20, 0.1))

    assert lost.summary[2] == "idempotency_answer_lost"
    assert answered.headers["x-tokenhouse-replayed"] == "true"
    assert answered.body.count(b"word ") == 20
    assert len(house.records()) == 1


def test_who_waits_too_long_is_told_to_ask_again(
    acme_priced: Organization, provider: rig.Provider, folder: Path
) -> None:
    with rig.gateway(folder, IDEMPOTENCY_WAIT_S="0.5") as gateway:
        house = furnish_at(acme_priced, provider, gateway.url)
        rig.wait_until(GatewayProcess.objects.filter(pid=gateway.popen.pid).exists)
        asked = in_background(gateway.url, house.key, ask_for(40, 0.1))
        rig.wait_until(sent_once)
        impatient = send(gateway.url, house.key, ask_for(40, 0.1))
        asked.join()

    assert impatient.summary[2] == "idempotency_in_progress"
    assert impatient.headers["retry-after"] == "2"
    assert len(house.records()) == 1


@contextlib.contextmanager
def locked(statement: str) -> Iterator[None]:
    """Run a statement that locks something until the block ends."""
    with psycopg.connect(rig.test_database_url()) as other:
        other.execute(statement.encode())
        yield
        other.rollback()


LOCK_ANSWERS = "LOCK TABLE billing_keptanswer IN SHARE ROW EXCLUSIVE MODE"


def test_where_nobody_can_know_whether_it_was_asked_nothing_is_sent(
    house: House, provider: rig.Provider
) -> None:
    send(house.url, house.key)
    with nothing_written(provider), locked(LOCK_ANSWERS):
        refused = call(
            house.url, house.key, ASK, headers={"Idempotency-Key": "order-2"}
        )

    assert refused.summary == (503, "server_error", "budget_unavailable")
    # A claim that came through late is given up, so that the key is free again.
    again = call(house.url, house.key, ASK, headers={"Idempotency-Key": "order-2"})
    assert again.status == 200


def test_a_gateway_killed_between_settling_and_keeping_charges_once(
    acme_priced: Organization, provider: rig.Provider, folder: Path
) -> None:
    settings = {"SWEEP_INTERVAL_S": str(DEAD_AFTER_S)}
    with rig.gateway(folder, **settings) as one, rig.gateway(folder, **settings) as two:
        house = furnish_at(acme_priced, provider, one.url)
        asked = in_background(one.url, house.key, ASK)
        rig.wait_until(sent_once)
        with locked(LOCK_ANSWERS):
            rig.wait_until(lambda: len(house.records()) == 1)
            one.kill()
            # What it asked of Postgres before would still be carried out.
            rig.wait_until(lambda: end_writes_of_answers() == 0)
        asked.join()
        again = send(two.url, house.key)

    assert again.summary[2] == "idempotency_answer_lost"
    (record,) = house.records()
    assert record.kind == "actual"
    assert house.holds() == []


def end_writes_of_answers() -> int:
    """End the connections that wait to write a kept answer; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock' "
            "AND query LIKE '%billing_keptanswer%'"
        )
        return int(cursor.rowcount)


def test_a_claim_that_was_taken_over_gives_its_hold_back(
    house: House, provider: rig.Provider
) -> None:
    call(house.url, house.key, ASK)
    before = len(provider.bills())
    budget = f"SELECT FROM billing_budget WHERE id = {house.budget().pk} FOR UPDATE"
    with locked(budget):
        asked = in_background(house.url, house.key, ASK)
        rig.wait_until(KeptAnswer.objects.filter(state="claimed").exists)
        KeptAnswer.objects.update(event_id=uuid.uuid4())
    asked.join()

    rig.wait_until(lambda: not house.holds(), what="the hold was not given back")
    assert len(provider.bills()) == before
    assert len(house.records()) == 1


def test_without_the_header_the_gateway_asks_nothing_of_the_kept_answers(
    acme_priced: Organization, provider: rig.Provider, folder: Path
) -> None:
    with rig.gateway(folder) as gateway:
        house = furnish_at(acme_priced, provider, gateway.url)
        before = connections_of_gateways()
        call(gateway.url, house.key, ASK)
        with_none = connections_of_gateways()
        send(gateway.url, house.key)
        with_one = connections_of_gateways()

    assert with_none == before
    assert with_one > before


def connections_of_gateways() -> int:
    """Return how many connections gateways keep; kept answers have a pool apart."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE application_name = 'tokenhouse-gateway' "
            "AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])
