"""Fill the price list."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from billing.actions.price_seeding import seed_prices


class Command(BaseCommand):
    help = (
        "Add missing prices from genai-prices and of the sandbox; change none. Lists "
        "the models whose costs a price cannot tell."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        result = seed_prices(now=timezone.now())
        self.stdout.write(
            f"{result.new} new prices, {result.unchanged} unchanged, "
            f"{len(result.unpriced)} models left unpriced:"
        )
        for name in result.unpriced:
            self.stdout.write(f"  {name}")
