"""What a client is told of its rate limits: headers and refusals, as OpenAI does."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import errors
from gateway.errors import ApiError
from gateway.rate_limits.buckets import REQUESTS, TOKENS, Bucket

UNITS = {REQUESTS: "requests per min (RPM)", TOKENS: "tokens per min (TPM)"}
REFUSALS = {REQUESTS: errors.requests_limited, TOKENS: errors.tokens_limited}
Used = Sequence[tuple[Bucket, int]]


def duration(milliseconds: int) -> str:
    """Write a time as Go does, which OpenAI's headers use: 120ms, 1.5s, 6m0s."""
    if milliseconds == 0:
        return "0s"
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    seconds, fraction = divmod(rest, 1000)
    text = f"{seconds}.{fraction:03}".rstrip("0").rstrip(".") + "s"
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def headers_of(used: Used) -> list[tuple[bytes, bytes]]:
    """
    Return `x-ratelimit-*` for requests and tokens: of each the bucket with least left.

    `reset` is the time until the whole allowance is there again.
    """
    headers = []
    for kind in (REQUESTS, TOKENS):
        of_kind = [(bucket, level) for bucket, level in used if bucket.kind == kind]
        if not of_kind:
            continue
        bucket, level = min(of_kind, key=lambda pair: pair[0].remaining(pair[1]))
        values = {
            "limit": str(bucket.limit),
            "remaining": str(bucket.remaining(level)),
            "reset": duration(bucket.full_in_ms(level)),
        }
        headers += [
            (f"x-ratelimit-{name}-{kind}".encode(), value.encode())
            for name, value in values.items()
        ]
    return headers


def refusal_of(used: Used, model: str, organization_id: str, help_url: str) -> ApiError:
    """Return the refusal of a request by the bucket that makes it wait longest."""
    full = [pair for pair in used if not pair[0].fits(pair[1])]
    bucket, level = max(full, key=lambda p: (not p[0].can_ever_fit, p[0].wait_ms(p[1])))
    where = f"for {model} in organization {organization_id} on {UNITS[bucket.kind]}"
    scope = scope_of(bucket)
    more = f"{scope} Visit {help_url} to learn more."
    if not bucket.can_ever_fit:
        message = (
            f"Request too large {where}: Limit {bucket.limit}, Requested "
            f"{bucket.amount}. The input or output tokens must be reduced in order to "
            f"run successfully. {more}"
        )
        return REFUSALS[bucket.kind](message, {"x-should-retry": "false"})
    wait_ms = max(1, bucket.wait_ms(level))
    message = (
        f"Rate limit reached {where}: Limit {bucket.limit}, Used "
        f"{bucket.limit - bucket.remaining(level)}, Requested {bucket.amount}. Please "
        f"try again in {duration(wait_ms)}. {more}"
    )
    return REFUSALS[bucket.kind](message, waiting(wait_ms))


def scope_of(bucket: Bucket) -> str:
    """Return the sentence that says whose limit it is."""
    rule = bucket.rule
    whose = f"the key “{rule.key_name}”" if rule.key_name else "the organization"
    models = f"for {rule.model}" if rule.model else "for all models together"
    return f"The limit is that of {whose}, {models}."


def waiting(wait_ms: int) -> dict[str, str]:
    """Return the headers by which the SDKs try again in time."""
    return {"retry-after": str(-(-wait_ms // 1000)), "retry-after-ms": str(wait_ms)}
