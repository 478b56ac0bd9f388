"""Prove that everything adds up."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from billing.verification.findings import Finding
from billing.verification.report import verify


class Command(BaseCommand):
    help = (
        "Recompute every invariant of the books from the records; one line each. "
        "The exit status is 0 only if all of them hold."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = verify(sweep_interval_s=settings.SWEEP_INTERVAL_S)
        if options["json"]:
            self.stdout.write(as_json(findings))
        else:
            for finding in findings:
                self.stdout.write(as_lines(finding))
        if not all(finding.holds for finding in findings):
            sys.exit(1)


def as_json(findings: list[Finding]) -> str:
    return json.dumps(
        {
            "holds": all(finding.holds for finding in findings),
            "invariants": [
                asdict(finding) | {"holds": finding.holds} for finding in findings
            ],
        },
        indent=2,
    )


def as_lines(finding: Finding) -> str:
    """Write a finding as a line, and its examples as indented ones."""
    verdict = "holds " if finding.holds else "BROKEN"
    line = (
        f"{verdict} {finding.name:<16} {finding.promise}: "
        f"{finding.checked} checked, {finding.differences} wrong"
    )
    return "\n".join([line, *(f"         {text}" for text in finding.examples)])
