"""Does everything add up? Each invariant of `billing/README.md`, recomputed in SQL."""
