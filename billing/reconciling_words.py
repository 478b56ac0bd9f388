"""Why a day and model may differ from the provider's bill, in a sentence. Pure."""

from __future__ import annotations

from billing.reconciliation_models import ReconciliationRow, Verdict

COMES_LATE = "The provider's figures of the last three days still come in."
PASSED_BY = (
    "The provider billed what did not pass Tokenhouse: another key of the account, or "
    "a fee that is not of a model."
)
NOT_BILLED = (
    "The provider billed nothing for it: is the admin key of the account and project "
    "that the provider key is of?"
)
NO_PRICE = "It has no price here, so that nothing was booked: set one."
ESTIMATES = (
    "Some was booked at its bound, because the answer was lost. The provider may have "
    "billed less."
)
MORE_THERE = "The provider counted more tokens: some usage did not pass Tokenhouse."
MORE_HERE = "More tokens were booked than the provider counted."
OTHER_PRICE = (
    "Both counted the same tokens: the price here is not the provider's. Compare them."
)
UNEXPLAINED = "The amounts differ by more than is tolerated. Compare the prices."


def explanation(row: ReconciliationRow) -> str:
    """Return what most likely explains a difference; nothing where there is none."""
    if row.verdict == Verdict.MATCHED:
        return ""
    if row.is_provisional and row.difference_nanos < 0:
        return COMES_LATE
    if row.verdict == Verdict.THEIRS_ONLY:
        return PASSED_BY
    if row.verdict == Verdict.OURS_ONLY:
        return ESTIMATES if row.ours_estimated == row.ours_requests else NOT_BILLED
    return of_both(row)


def of_both(row: ReconciliationRow) -> str:
    """Explain a difference of two amounts."""
    if row.ours_nanos == 0:
        return NO_PRICE
    if row.ours_estimated and row.difference_nanos < 0:
        return ESTIMATES
    if row.theirs_tokens is None:
        return UNEXPLAINED
    if row.theirs_tokens > row.ours_tokens:
        return MORE_THERE
    return MORE_HERE if row.theirs_tokens < row.ours_tokens else OTHER_PRICE
