"""Encrypt what is kept secret anew, under the newest key of the ring."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from keys.actions import reseal_provider_keys
from keys.actions.provider_keys import reseal_admin_keys, reseal_webhook_secrets
from keys.actions.second_factors import reseal_second_factors
from keys.encryption import CannotDecrypt, newest_key_name


class Command(BaseCommand):
    help = (
        "Encrypt every provider key, webhook secret and second factor under the newest "
        "of ENCRYPTION_KEYS. Safe to stop and to repeat. Afterwards, and a day after "
        "the ring changed (answers kept for an Idempotency-Key live so long), older "
        "keys may leave the ring."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        provider_keys = second_factors = 0
        try:
            while batch := reseal_provider_keys(now=timezone.now()):
                provider_keys += batch
            while batch := reseal_admin_keys(now=timezone.now()):
                provider_keys += batch
            while reseal_webhook_secrets(now=timezone.now()):
                pass  # a batch was encrypted anew; there may be more
            while batch := reseal_second_factors():
                second_factors += batch
        except CannotDecrypt as error:
            raise CommandError(
                f"{provider_keys} provider keys and {second_factors} second factors "
                "are encrypted anew; one does not open. Is its key still in "
                "ENCRYPTION_KEYS?"
            ) from error
        self.stdout.write(
            f"{provider_keys} provider keys and {second_factors} second factors "
            f"encrypted anew; all are under “{newest_key_name()}” now."
        )
