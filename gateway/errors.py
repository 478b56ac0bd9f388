"""Every refusal of the gateway, in OpenAI's shape. The table is docs/errors.md's."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson

from billing.limits import REFUSAL_CODES, Binding, Refusal
from core.money import dollars_from_nanos, exact_usd
from core.periods import next_cycle, start_of_day

NO_KEY_MESSAGE = (
    "You didn't provide an API key. You need to provide your API key in an "
    "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
)

# OpenAI's SDKs try a 409 or a 429 again, unless they are told not to.
FINAL = {"x-should-retry": "false"}


@dataclass
class ApiError(Exception):
    """A refusal: HTTP status and OpenAI's error object."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    # Of the limit that refuses, if one does.
    quota: Refusal | None = None

    def body(self) -> bytes:
        """Return the JSON document of the answer."""
        error = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
            **self.details,
        }
        return orjson.dumps({"error": error})


def no_key() -> ApiError:
    return ApiError(401, NO_KEY_MESSAGE)


def invalid_key(masked: str) -> ApiError:
    message = f"Incorrect API key provided: {masked}. It is wrong, revoked or expired."
    return ApiError(401, message, code="invalid_api_key")


def admin_key_refused() -> ApiError:
    message = "This is an admin key: it administers, and makes no model requests."
    return ApiError(401, message, code="invalid_api_key")


def admin_key_needed() -> ApiError:
    """Return OpenAI's refusal of an ordinary key (403, not 401: the key is right)."""
    message = (
        "You have insufficient permissions for this operation. Missing scopes: "
        "api.management. An owner's admin key (th-admin-…) is needed here."
    )
    return ApiError(403, message, code="insufficient_permissions")


def admin_key_of_former_owner() -> ApiError:
    message = (
        "Whoever made this admin key is no owner of its organization any more. "
        "An owner makes another one."
    )
    return ApiError(403, message, code="insufficient_permissions")


def admin_key_of_nobody() -> ApiError:
    message = (
        "This admin key was made by nobody who could answer for changes: it may read. "
        "An owner makes one that may change things."
    )
    return ApiError(403, message, code="insufficient_permissions")


def not_found() -> ApiError:
    return ApiError(404, "There is nothing of this id here.", code="not_found")


def last_owner() -> ApiError:
    message = "An organization keeps at least one owner. Make somebody else one first."
    return ApiError(400, message, code="last_owner")


def already_member(email: str) -> ApiError:
    message = f"{email} is a member already."
    return ApiError(400, message, param="email", code="already_member")


def already_invited(email: str) -> ApiError:
    message = f"{email} has an invitation already. Delete it to send another one."
    return ApiError(400, message, param="email", code="already_invited")


def invitation_closed() -> ApiError:
    message = "This invitation was accepted or revoked before."
    return ApiError(400, message, code="invitation_closed")


def spend_alert_exists() -> ApiError:
    message = "There is a spend alert at this amount already."
    param = "threshold_amount"
    return ApiError(400, message, param=param, code="already_exists")


def too_many_spend_alerts() -> ApiError:
    message = "The organization has as many spend alerts as there may be."
    return ApiError(400, message, code="too_many_spend_alerts")


def no_approved_limit() -> ApiError:
    message = "There is no approved limit yet. Enter billing information first."
    return ApiError(400, message, code="no_approved_limit")


def not_an_increase() -> ApiError:
    message = "'threshold_amount' is not above the approved limit."
    param = "threshold_amount"
    return ApiError(400, message, param=param, code="not_an_increase")


def quota_request_pending() -> ApiError:
    message = "There is a request already. Withdraw it to send another one."
    return ApiError(400, message, code="quota_request_pending")


def quota_request_closed() -> ApiError:
    message = "The request was withdrawn, decided or has expired before."
    return ApiError(400, message, code="quota_request_closed")


def too_many_invitations() -> ApiError:
    message = "Too many invitations wait, or were sent today. Revoke some, or wait."
    return ApiError(429, message, code="too_many_invitations", headers=FINAL)


def mismatched_organization(environment: str) -> ApiError:
    message = (
        "OpenAI-Organization header should match organization for API key: it names "
        "an organization that does not exist or that this key cannot act in. The key "
        f"is of the {environment} environment."
    )
    return ApiError(401, message, code="mismatched_organization")


def organization_needed(environment: str) -> ApiError:
    message = (
        f"Your default organization is not of the key's environment ({environment}). "
        "Name the organization in the OpenAI-Organization header."
    )
    return ApiError(401, message, code="mismatched_organization")


def no_organization() -> ApiError:
    message = "You must be a member of an organization to use the API."
    return ApiError(401, message, code="no_organization")


def suspended(organization: str, why: str) -> ApiError:
    """Return the refusal, with the operator's own words: who asks may see no page."""
    message = f"{organization} is suspended by the operator of this installation: {why}"
    return ApiError(403, message, code="organization_suspended")


def malformed(message: str, param: str | None = None) -> ApiError:
    return ApiError(400, message, param=param)


def unknown_path(method: str, path: str) -> ApiError:
    return ApiError(404, f"Invalid URL ({method} {path})")


def wrong_method(method: str, path: str, allowed: str) -> ApiError:
    message = f"Not allowed to {method} on {path} (use {allowed})"
    return ApiError(405, message, headers={"allow": allowed})


def too_large(body_max_bytes: int) -> ApiError:
    return ApiError(413, f"The request body is larger than {body_max_bytes} bytes.")


def encoded_body() -> ApiError:
    message = "Send the body as it is: Content-Encoding is not understood here."
    return ApiError(415, message)


def too_slow() -> ApiError:
    return ApiError(408, "The request body did not come in time.")


def no_room() -> ApiError:
    """Others' large bodies take up all the room that this gateway gives them."""
    message = "Too many large requests are under way here. Try again in a moment."
    busy = server_error(503, message, "gateway_busy")
    busy.headers = {"retry-after": "2"}
    return busy


def upload_not_stored() -> ApiError:
    message = "There is no space here to keep your files while they are forwarded."
    return server_error(503, message, "upload_not_stored")


def model_not_found(model: str) -> ApiError:
    message = f"The model `{model}` does not exist or you do not have access to it."
    return ApiError(404, message, param="model", code="model_not_found")


def model_not_priced(model: str) -> ApiError:
    message = (
        f"The model `{model}` has no price here, and your organization has a limit: "
        "what cannot be priced cannot be kept within it. Ask the operator to add a "
        "price."
    )
    return ApiError(400, message, param="model", code="model_not_priced")


def not_bounded(param: str, reason: str) -> ApiError:
    """Nobody can say what the request may cost, and a limit applies."""
    return ApiError(400, reason, param=param, code="request_not_bounded")


def requests_limited(message: str, headers: Mapping[str, str]) -> ApiError:
    """Too many requests in a minute; `gateway.rate_limits` writes the message."""
    return rate_limited("requests", message, headers)


def tokens_limited(message: str, headers: Mapping[str, str]) -> ApiError:
    """Too many tokens in a minute."""
    return rate_limited("tokens", message, headers)


def rate_limited(kind: str, message: str, headers: Mapping[str, str]) -> ApiError:
    code = "rate_limit_exceeded"
    return ApiError(429, message, type=kind, code=code, headers=headers)


def provider_not_configured() -> ApiError:
    message = (
        "This organization has no provider key. An owner adds one on its Keys page."
    )
    return ApiError(400, message, code="provider_not_configured")


def upstream_unreachable() -> ApiError:
    message = "The provider could not be reached. Nothing was charged."
    return server_error(502, message, "upstream_unreachable")


def upstream_lost() -> ApiError:
    message = "The provider broke off before its answer was complete."
    return server_error(502, message, "upstream_unreachable")


def upstream_timeout() -> ApiError:
    message = "The provider did not answer in time."
    return server_error(504, message, "upstream_timeout")


def budget_unavailable() -> ApiError:
    message = "The accounts cannot be reached, so nothing may be spent. Try again soon."
    return server_error(503, message, "budget_unavailable")


def idempotency_key_reused() -> ApiError:
    message = (
        "This Idempotency-Key was used for another request within the last 24 hours. "
        "Use a new key for each new request."
    )
    return conflict(message, "idempotency_key_reused", FINAL)


def idempotency_in_progress() -> ApiError:
    message = "The first request with this Idempotency-Key is still under way."
    return conflict(message, "idempotency_in_progress", {"retry-after": "2"})


def idempotency_answer_lost(event_id: uuid.UUID) -> ApiError:
    """It is not sent again: it was charged once already."""
    message = (
        f"The first request with this Idempotency-Key (req_{event_id.hex}) was sent, "
        "and its answer was lost. It is not charged again. To ask again, use a new key."
    )
    return conflict(message, "idempotency_answer_lost", FINAL)


def idempotency_answer_too_long(event_id: uuid.UUID) -> ApiError:
    message = (
        "The answer to the first request with this Idempotency-Key "
        f"(req_{event_id.hex}) was too long to be kept. It is not charged again. To "
        "ask again, use a new key."
    )
    return conflict(message, "idempotency_answer_too_long", FINAL)


def conflict(message: str, code: str, headers: Mapping[str, str]) -> ApiError:
    return ApiError(409, message, code=code, headers=headers)


def internal() -> ApiError:
    return server_error(500, "The gateway had an error. Nothing more is known.", None)


def server_error(status: int, message: str, code: str | None) -> ApiError:
    return ApiError(status, message, type="server_error", code=code)


QUOTA_NAMES = {
    Binding.KEY_LIMIT: "The limit of the key {scope} in {organization}",
    Binding.MEMBER_LIMIT: "The limit of {scope} in {organization}",
    Binding.CREDIT: "The credit of {organization} (no billing information is entered)",
    Binding.HARD_LIMIT: "The hard limit of {organization}",
    Binding.APPROVED_LIMIT: "The approved limit of {organization}",
}


def quota_exceeded(
    refusal: Refusal,
    *,
    organization: str,
    cycle_start: date,
    help_url: str,
    length_param: str | None,
    fitting_tokens: int | None,
) -> ApiError:
    """
    Explain a quota refusal: which limit, spent, held, when it resets, where to look.

    With `fitting_tokens` in `length_param` the request would have been admitted.
    `x-should-retry: false` keeps OpenAI's SDKs from trying again.
    """
    resets_at = None
    if refusal.binding is not Binding.CREDIT:
        resets_at = start_of_day(next_cycle(cycle_start)).isoformat()
    details = {
        "limit_usd": float(dollars_from_nanos(refusal.limit_nanos)),
        "spent_usd": float(dollars_from_nanos(refusal.spent_nanos)),
        "held_usd": float(dollars_from_nanos(refusal.held_nanos)),
        "resets_at": resets_at,
        "help_url": help_url,
    }
    return ApiError(
        429,
        quota_message(refusal, organization, resets_at, length_param, fitting_tokens),
        type="insufficient_quota",
        code=REFUSAL_CODES[refusal.binding],
        details=details,
        headers=FINAL,
        quota=refusal,
    )


def quota_message(
    refusal: Refusal,
    organization: str,
    resets_at: str | None,
    length_param: str | None,
    fitting_tokens: int | None,
) -> str:
    name = QUOTA_NAMES[refusal.binding].format(
        organization=organization, scope=refusal.scope_name
    )
    parts = [
        "You exceeded your current quota, please check your plan and billing details.",
        f"{name} is ${exact_usd(refusal.limit_nanos)}:",
        f"${exact_usd(refusal.spent_nanos)} is spent,",
        f"${exact_usd(refusal.held_nanos)} is held by requests under way,",
        f"and this request may cost up to ${exact_usd(refusal.bound_nanos or 0)}.",
    ]
    if refusal.can_never_fit:
        remedy = f"set a smaller {length_param} or " if length_param else ""
        parts.append(f"Alone it exceeds the whole limit: {remedy}shorten the input.")
    if fitting_tokens:
        parts.append(
            f"To fit what is left, set {length_param} to at most {fitting_tokens}."
        )
    if resets_at:
        parts.append(f"The limit resets at {resets_at}.")
    return " ".join(parts)
