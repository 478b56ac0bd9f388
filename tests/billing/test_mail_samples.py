"""The gallery has every mail that the product sends, as it is sent."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.template import Template
from django.test import Client
from django.test.signals import template_rendered
from django.utils import timezone
from pytest_django import Settings

from billing.mail_samples.gallery import gallery
from billing.models import AlertKind
from billing.report_periods import ReportKind
from orgs.models import OutboxMail, User
from orgs.person_models import OptionalMail
from tests.architecture.source import APPS, CHECKOUT, python_files, tree_of
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
QUEUEING = {"queue_mail", "queue_message"}
NAMED_ELSEWHERE = {
    # The kind of an alert is that of its mail.
    "alert.kind": "|".join(AlertKind.values),
    "period.kind": "|".join(ReportKind.values),
    # Passed on, and allauth's own: see the tests of templates.
    "kind": "",
    # A copy of another, for whoever asks for it.
    "KIND": "",
    "template_prefix.rpartition('/')[2]": "",
}


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def kinds_in_code() -> Iterator[str]:
    """Yield a pattern for each kind that something is queued as."""
    for file in python_files(*APPS):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in QUEUEING:
                yield from (
                    pattern_of(each.value)
                    for each in node.keywords
                    if each.arg == "kind"
                )


def pattern_of(kind: ast.expr) -> str:
    match kind:
        case ast.Constant():
            return re.escape(str(kind.value))
        case ast.JoinedStr():
            parts = [
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+"
                for part in kind.values
            ]
            return "".join(parts)
        case ast.Attribute(value=ast.Name(id="OptionalMail")):
            return OptionalMail[kind.attr].value
        case ast.IfExp():
            return pattern_of(kind.body)
        case _:
            return NAMED_ELSEWHERE[ast.unparse(kind)]


def test_every_kind_of_mail_in_the_code_is_in_the_gallery(now: datetime) -> None:
    shown = {sample.draft().kind for sample in gallery(now=now)}
    patterns = {pattern for pattern in kinds_in_code() if pattern}

    assert len(patterns) > 8
    assert {p for p in patterns if not any(re.fullmatch(p, k) for k in shown)} == set()
    assert {*AlertKind.values, *OptionalMail.values} <= shown


def test_every_template_of_a_mail_is_in_the_gallery(now: datetime) -> None:
    rendered: set[str] = set()

    def note(template: Template, **_: object) -> None:
        rendered.add(str(template.name))

    template_rendered.connect(note)
    try:
        for sample in gallery(now=now):
            sample.draft()
    finally:
        template_rendered.disconnect(note)

    assert templates_of_mails() - rendered == set()


def templates_of_mails() -> set[str]:
    folder = CHECKOUT / "templates"
    ours = [*folder.glob("emails/[!_]*.txt"), *folder.glob("*/email/*_message.txt")]
    assert len(ours) > 20
    return {str(file.relative_to(folder)) for file in ours}


def test_a_sample_leaves_nothing_out(now: datetime, settings: Settings) -> None:
    templates: list[dict[str, Any]] = copy.deepcopy(settings.TEMPLATES)
    templates[0]["OPTIONS"]["string_if_invalid"] = "MISSING %s"
    settings.TEMPLATES = templates

    for sample in gallery(now=now):
        draft = sample.draft()
        assert draft.subject, sample.name
        assert "MISSING" not in draft.body_text + draft.body_html, sample.name


def test_names_are_different_and_begin_with_their_kind(now: datetime) -> None:
    samples = gallery(now=now)
    names = [sample.name for sample in samples]

    assert len(names) == len(set(names))
    for sample in samples:
        assert sample.name.partition("-")[0] == sample.draft().kind


def test_the_gallery_shows_each_mail_and_queues_none(op: User, now: datetime) -> None:
    browser = browser_of(op)
    page = browser.get("/operator/outbox/previews")
    rows = page.context["rows"]

    assert len(rows) == len(gallery(now=now))
    for sample, draft in rows:
        one = browser.get(f"/operator/outbox/previews/{sample.name}")
        assert one.context["draft"].subject == draft.subject
    assert not OutboxMail.objects.exists()


def test_html_is_shown_in_a_frame_where_nothing_of_it_runs(op: User) -> None:
    page = browser_of(op).get("/operator/outbox/previews/soft_limit").content.decode()

    assert '<iframe class="mail-frame" sandbox title=' in page
    assert 'srcdoc="&lt;!doctype html&gt;' in page


def test_a_mail_that_is_not_sent_is_not_found(op: User) -> None:
    browser: Client = browser_of(op)

    assert browser.get("/operator/outbox/previews/love-letter").status_code == 404


def test_soft_limits_are_shown_with_what_cost_most(now: datetime) -> None:
    (sample,) = [each for each in gallery(now=now) if each.name == "soft_limit"]
    draft = sample.draft()

    assert "Soft limit of $40.00 reached" in draft.subject
    assert "$31.00  gpt-5" in draft.body_text
    assert "Search service" in draft.body_html
