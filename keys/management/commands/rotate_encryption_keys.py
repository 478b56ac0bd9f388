"""Encrypt provider keys anew, under the newest key of the ring."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from keys.actions import reseal_provider_keys
from keys.encryption import CannotDecrypt, newest_key_name


class Command(BaseCommand):
    help = (
        "Encrypt every provider key under the newest of ENCRYPTION_KEYS. Safe to stop "
        "and to repeat. Afterwards, and a day after the ring changed (answers kept for "
        "an Idempotency-Key live so long), older keys may leave the ring."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        resealed = 0
        try:
            while batch := reseal_provider_keys(now=timezone.now()):
                resealed += batch
        except CannotDecrypt as error:
            raise CommandError(
                f"{resealed} provider keys are encrypted anew; one does not open. Is "
                "its key still in ENCRYPTION_KEYS?"
            ) from error
        self.stdout.write(
            f"{resealed} provider keys encrypted anew; all are under "
            f"“{newest_key_name()}” now."
        )
