#!/usr/bin/env python
"""Entry point of every command."""

from __future__ import annotations

import sys

from config import startup

if __name__ == "__main__":
    sys.exit(startup.main(sys.argv))
