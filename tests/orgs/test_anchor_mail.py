"""Once a month the operators get by mail what shows that the audit log was cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from orgs.actions.anchors import anchor_audit_chains, mail_audit_anchors
from orgs.models import AuditAnchor, AuditChain, Organization, OutboxMail, User
from tests.orgs.test_verify_audit import as_superuser, record

pytestmark = pytest.mark.usefixtures("committed_db")

NOVEMBER = datetime(2026, 11, 23, 12, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)
CUT = (
    "DELETE FROM orgs_auditlink WHERE sequence = 5",
    "DELETE FROM orgs_auditevent WHERE target = 'event 4'",
    "UPDATE orgs_auditchain SET sequence = 4, hash = (SELECT hash FROM orgs_auditlink "
    "WHERE sequence = 4) WHERE organization_id IS NOT NULL",
    "DELETE FROM orgs_auditanchor",
)


@pytest.fixture
def anchored(acme: Organization, ada: User, op: User) -> Organization:
    for number in range(5):
        record(acme, ada, f"event {number}")
    anchor_audit_chains(now=NOVEMBER)
    return acme


def test_the_operators_get_each_chains_end_once_a_month(anchored: Organization) -> None:
    assert mail_audit_anchors(now=DECEMBER) == 1
    assert mail_audit_anchors(now=DECEMBER + timedelta(days=30)) == 0
    mail = OutboxMail.objects.get()
    chain = AuditChain.objects.get(organization=anchored)
    assert mail.recipient == "op@tokenhouse.example"
    assert f"{anchored.public_id} 5 {chain.hash}" in mail.body_text


def test_the_next_month_brings_the_next(anchored: Organization) -> None:
    mail_audit_anchors(now=DECEMBER)
    assert mail_audit_anchors(now=DECEMBER + timedelta(days=31)) == 1


def test_a_young_installation_sends_none(anchored: Organization) -> None:
    assert mail_audit_anchors(now=NOVEMBER + timedelta(days=1)) == 0
    assert not OutboxMail.objects.exists()


def test_others_may_be_named(anchored: Organization, settings: Settings) -> None:
    settings.AUDIT_ANCHORS_TO = ["audit@acme.example"]
    assert mail_audit_anchors(now=DECEMBER) == 1
    assert OutboxMail.objects.get().recipient == "audit@acme.example"


def test_the_saved_mail_shows_that_the_chain_was_cut(
    anchored: Organization, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mail_audit_anchors(now=DECEMBER)
    saved = tmp_path / "anchors.txt"
    saved.write_text(OutboxMail.objects.get().body_text)
    call_command("verify_audit", anchor=str(saved))
    as_superuser(*CUT)
    assert not AuditAnchor.objects.exists()
    call_command("verify_audit")
    with pytest.raises(SystemExit):
        call_command("verify_audit", anchor=str(saved))
    assert anchored.public_id in capsys.readouterr().out
