"""Lines of the log: what looks like a key is taken out, wherever it came from."""

from __future__ import annotations

import logging
import re

# Ours, and those of providers. Somebody puts one into an address sooner or later.
KEY = re.compile(r"(th-[a-z_]{5,20}-[0-9A-Za-z]{12}|\bsk)-[0-9A-Za-z_-]{16,}")


class LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the whole line, traceback included, without keys."""
        return KEY.sub(r"\1-…", super().format(record))
