"""Prove that the audit log says what was written."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from orgs.audit_chain import Anchor
from orgs.audit_verification import Verdict, verify_audit

# A line of the monthly mail.
MAILED = re.compile(
    r"^ *(installation|org-\w+) +(\d+) +([0-9a-f]{64}) *$", re.MULTILINE
)


class Command(BaseCommand):
    help = (
        "Recompute the chain of every organization's audit events and compare it with "
        "its anchors: finds events that were changed, removed, inserted or cut off. "
        "The exit status is 0 only if all is as it was written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json",
            action="store_true",
            help="print one JSON object; its `ends` are anchors to keep elsewhere",
        )
        parser.add_argument(
            "--anchor",
            metavar="FILE",
            help="an earlier output of --json, or a mail of anchors saved as text",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        outside = list(read_anchors(options["anchor"])) if options["anchor"] else []
        verdict = verify_audit(seal_key=settings.KEY_PEPPER, outside=outside)
        for line in as_json(verdict) if options["json"] else as_lines(verdict):
            self.stdout.write(line)
        if not verdict.holds:
            sys.exit(1)


def read_anchors(name: str) -> Iterator[Anchor]:
    """Yield the ends of chains that an earlier run printed, or that a mail told."""
    try:
        text = Path(name).read_text()
        lines = list(MAILED.finditer(text))
        if lines:
            yield from (Anchor(line[1], int(line[2]), line[3], "") for line in lines)
            return
        for end in json.loads(text)["ends"]:
            yield Anchor(end["chain"], int(end["sequence"]), end["hash"], "")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{name} holds no anchors of the audit log") from error


def as_json(verdict: Verdict) -> Iterator[str]:
    ends = [
        {"chain": end.chain, "sequence": end.sequence, "hash": end.hash}
        for end in verdict.ends
    ]
    facts = {
        "holds": verdict.holds,
        "events": verdict.events,
        "chains": verdict.chains,
        "anchors": verdict.anchors,
        "counts": verdict.counts,
        "problems": [asdict(problem) for problem in verdict.problems],
        "ends": ends,
    }
    yield json.dumps(facts, indent=2)


def as_lines(verdict: Verdict) -> Iterator[str]:
    """Yield a line for the whole, and an indented one for each problem."""
    word = "holds " if verdict.holds else "BROKEN"
    yield (
        f"{word} audit log: {verdict.events} events in {verdict.chains} chains, "
        f"{verdict.anchors} anchors, {sum(verdict.counts.values())} wrong"
    )
    for problem in verdict.problems:
        place = "" if problem.sequence is None else f" {problem.sequence}"
        yield f"       {problem.kind} {problem.chain}{place}: {problem.text}"
