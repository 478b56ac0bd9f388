"""What docs/admin-api.md shows runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from billing.actions.funding import set_approved_limit
from billing.models import CreditGrant
from orgs.models import Invitation, Organization, User
from tests import rig
from tests.factories import usd
from tests.gateway.administration import admin_key

pytestmark = pytest.mark.processes

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "admin-api.md"
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_every_example_of_the_document_runs(
    gateway: rig.Process,
    acme: Organization,
    ada: User,
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = timezone.now()
    set_approved_limit(
        organization=acme, amount_nanos=usd(120), acting_user=None, now=now
    )
    CreditGrant.objects.create(
        organization=acme, name="Welcome", amount_nanos=usd(5), effective_at=now
    )
    examples = EXAMPLE.findall(DOCUMENT.read_text())
    whole = "\n".join(examples)
    whole = whole.replace("https://tokenhouse.example", gateway.url)
    whole = whole.replace("th-admin-…", admin_key(acme, ada))

    exec(compile(whole, str(DOCUMENT), "exec"), {})  # noqa: S102 - our own document

    said = capsys.readouterr().out
    assert (len(examples), Invitation.objects.count()) == (6, 1)
    assert f"{ada.email} owner" in said
    assert "th-admin-" in said
    assert "invite.sent" in said
    assert "pending\nWelcome live 5.0\n" in said
