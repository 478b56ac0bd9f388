"""Whoever writes past the audit log is found out, even as the database's superuser."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from orgs import audit
from orgs.actions.anchors import anchor_audit_chains
from orgs.audit_verification import Verdict, verify_audit
from orgs.models import AuditAnchor, AuditChain, AuditLink, Organization, User
from tests.factories import NOW

pytestmark = pytest.mark.usefixtures("committed_db")


def record(organization: Organization | None, actor: User | None, name: str) -> None:
    with transaction.atomic():
        audit.record(
            organization=organization,
            actor=actor,
            action="test.made",
            target=name,
            details={"after": {"name": name, "é": 1.5, "none": None}},
            now=NOW,
        )


@pytest.fixture
def logged(acme: Organization, globex: Organization, ada: User) -> Organization:
    """Five events of Acme, two of Globex, two of the installation."""
    for number in range(5):
        record(acme, ada, f"event {number}")
    for number in range(2):
        record(globex, None, f"event {number}")
        record(None, None, f"event {number}")
    return acme


def as_superuser(*statements: str) -> None:
    """Write with all triggers and foreign keys off."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)


def verdict(**facts: Any) -> Verdict:
    return verify_audit(seal_key=settings.KEY_PEPPER, **facts)


EVENT = "(SELECT event_id FROM orgs_auditlink WHERE sequence = {} AND organization_id "
EVENT += "= (SELECT id FROM orgs_organization WHERE slug = 'acme'))"
ACME = "organization_id = (SELECT id FROM orgs_organization WHERE slug = 'acme')"
GLOBEX = ACME.replace("acme", "globex")
RECOMPUTE = f"""
DO $$
DECLARE link orgs_auditlink; event orgs_auditevent; before text := '';
BEGIN
    FOR link IN SELECT * FROM orgs_auditlink WHERE {ACME} ORDER BY sequence LOOP
        SELECT * INTO event FROM orgs_auditevent WHERE id = link.event_id;
        UPDATE orgs_auditlink SET previous_hash = before,
            hash = audit_link_hash(link.sequence, before, event)
            WHERE event_id = link.event_id RETURNING hash INTO before;
    END LOOP;
    UPDATE orgs_auditchain SET hash = before WHERE {ACME};
END $$
"""
SET = "UPDATE orgs_auditevent SET {} WHERE id = " + EVENT.format(3)
TAMPERINGS: dict[str, tuple[str, list[str]]] = {
    "another actor": ("altered", [SET.format("actor_id = NULL")]),
    "another action": ("altered", [SET.format("action = 'user.added'")]),
    "another target": ("altered", [SET.format("target = 'x'")]),
    "another time": ("altered", [SET.format("created_at = created_at + '1 s'")]),
    "other details": ("altered", [SET.format("details = '{}'")]),
    "another door": ("altered", [SET.format("door = 'api'")]),
    "another address": ("altered", [SET.format("address = '10.9.8.7'")]),
    "another program": ("altered", [SET.format("user_agent = 'curl'")]),
    "of another organization": (
        "altered",
        [SET.format(GLOBEX)],
    ),
    "event removed": (
        "removed",
        [f"DELETE FROM orgs_auditevent WHERE id = {EVENT.format(2)}"],
    ),
    "event and link removed": (
        "removed",
        [
            f"DELETE FROM orgs_auditevent WHERE id = {EVENT.format(2)}",
            f"DELETE FROM orgs_auditlink WHERE {ACME} AND sequence = 2",
        ],
    ),
    "inserted past the chain": (
        "inserted",
        [
            "INSERT INTO orgs_auditevent (organization_id, action, target, details, "
            "created_at) SELECT id, 'user.added', '', '{}', now() "
            "FROM orgs_organization WHERE slug = 'acme'"
        ],
    ),
    "two swapped": (
        "altered",
        [
            f"UPDATE orgs_auditlink SET sequence = -sequence WHERE {ACME} "
            "AND sequence IN (2, 4)",
            f"UPDATE orgs_auditlink SET sequence = 6 + sequence WHERE {ACME} "
            "AND sequence < 0",
        ],
    ),
    "cut short": (
        "truncated",
        [
            f"DELETE FROM orgs_auditevent WHERE id = {EVENT.format(5)}",
            f"DELETE FROM orgs_auditlink WHERE {ACME} AND sequence = 5",
        ],
    ),
    "its end forgotten": ("truncated", [f"DELETE FROM orgs_auditchain WHERE {ACME}"]),
    "all but its end gone": (
        "truncated",
        [
            f"DELETE FROM orgs_auditevent WHERE {ACME}",
            f"DELETE FROM orgs_auditlink WHERE {ACME}",
        ],
    ),
}
WITH_THE_END = [
    f"DELETE FROM orgs_auditevent WHERE id = {EVENT.format(5)}",
    f"DELETE FROM orgs_auditlink WHERE {ACME} AND sequence = 5",
    f"UPDATE orgs_auditchain SET sequence = 4, hash = (SELECT hash FROM "
    f"orgs_auditlink WHERE {ACME} AND sequence = 4) WHERE {ACME}",
]
WHOLE_CHAIN = [
    f"DELETE FROM orgs_audit{table} WHERE {ACME}"
    for table in ("event", "link", "chain")
]
REWRITTEN = [SET.format("target = 'x'"), RECOMPUTE]
# What the chain alone cannot show, because it was made to fit.
FITTED: dict[str, tuple[str, list[str]]] = {
    "computed anew": ("rewritten", REWRITTEN),
    "cut short with its end": ("truncated", WITH_THE_END),
    "gone as a whole": ("truncated", WHOLE_CHAIN),
}


def test_what_was_written_is_found_as_it_was(logged: Organization) -> None:
    anchor_audit_chains(now=NOW)
    found = verdict()
    assert found.holds, found.problems
    assert (found.events, found.chains, found.anchors) == (9, 3, 3)


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_named(logged: Organization, name: str) -> None:
    kind, statements = TAMPERINGS[name]
    as_superuser(*statements)
    found = verdict()
    assert kind in found.counts
    assert not found.holds


@pytest.mark.parametrize("name", FITTED)
def test_a_sealed_anchor_shows_what_was_made_to_fit(
    logged: Organization, name: str
) -> None:
    kind, statements = FITTED[name]
    anchor_audit_chains(now=NOW)
    as_superuser(*statements)
    found = verdict()
    assert set(found.counts) == {kind}
    assert {problem.chain for problem in found.problems} == {logged.public_id}


@pytest.mark.parametrize("name", FITTED)
def test_control_without_an_anchor_a_fitted_chain_passes(
    logged: Organization, name: str
) -> None:
    as_superuser(*FITTED[name][1])
    assert verdict().holds


@pytest.mark.parametrize("name", FITTED)
def test_an_anchor_kept_elsewhere_shows_it_too(
    logged: Organization, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("verify_audit", "--json")
    kept = tmp_path / "ends.json"
    kept.write_text(capsys.readouterr().out)
    as_superuser(*FITTED[name][1], "DELETE FROM orgs_auditanchor")
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--anchor", str(kept))
    assert ended.value.code == 1
    assert FITTED[name][0] in capsys.readouterr().out


def test_a_seal_that_is_not_ours_is_named(logged: Organization) -> None:
    anchor_audit_chains(now=NOW)
    as_superuser(*REWRITTEN, f"DELETE FROM orgs_auditanchor WHERE {ACME}")
    link = AuditLink.objects.filter(organization=logged).latest("sequence")
    AuditAnchor.objects.create(
        organization=logged, sequence=5, hash=link.hash, taken_at=NOW, seal="0" * 64
    )
    assert dict(verdict().counts) == {"forged": 1}


def test_only_chains_that_grew_are_anchored_again(
    logged: Organization, globex: Organization
) -> None:
    assert anchor_audit_chains(now=NOW) == 3
    record(globex, None, "one more")
    assert anchor_audit_chains(now=NOW + timedelta(hours=1)) == 1
    assert anchor_audit_chains(now=NOW + timedelta(hours=2)) == 0
    assert verdict().holds


def test_the_command_says_that_all_is_well(
    logged: Organization, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("verify_audit")
    assert "holds  audit log: 9 events in 3 chains" in capsys.readouterr().out
    call_command("verify_audit", "--json")
    ends = json.loads(capsys.readouterr().out)["ends"]
    assert {end["sequence"] for end in ends} == {5, 2}
    assert AuditChain.objects.count() == 3


def test_a_file_that_holds_no_anchors_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ends.json"
    file.write_text("[]")
    with pytest.raises(CommandError, match="no anchors of the audit log"):
        call_command("verify_audit", "--anchor", str(file))
