"""
`Idempotency-Key`: the first answer is given again for a day, and charged once.

A request claims its key before it is held, says so before it is sent, and keeps its
answer once it is settled. Whoever asks the same meanwhile waits for that answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

from django.conf import settings

from billing.gateway_models import KeptAnswerState
from gateway import errors
from gateway.auth import Caller
from gateway.calls import Call
from gateway.kept_answers import AnswersUnreachable, Found, KeptAnswers, Place
from gateway.messages import JSON_TYPE, Request
from gateway.service import Gateway
from gateway.transcripts import Transcript

HEADER = b"idempotency-key"
LENGTH_MAX = 255
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5


@dataclass(slots=True)
class Claim:
    """The right to be the one request of an idempotency key."""

    answers: KeptAnswers
    place: Place
    event_id: uuid.UUID
    # From here on the provider may charge for it.
    is_sent: bool = False
    is_ended: bool = False

    async def begin(self) -> None:
        """
        Note, before it is sent, that it is.

        :raises ApiError: if the claim was taken over, or nobody can know.
        """
        try:
            is_ours = await self.answers.begin(self.event_id)
        except AnswersUnreachable:
            raise errors.budget_unavailable() from None
        if not is_ours:
            self.is_ended = True
            raise errors.idempotency_in_progress()
        self.is_sent = True

    async def keep(self, answer: Transcript) -> None:
        """Keep the answer for whoever asks again."""
        self.is_ended = True
        await self.answers.keep(self.place, self.event_id, answer)

    async def end_with(self, error: errors.ApiError) -> None:
        """Keep an error that was charged for; else let the next one try."""
        if self.is_ended:
            return
        if not self.is_sent:
            await self.end()
            return
        answer = Transcript()
        answer.begin(error.status, [JSON_TYPE])
        answer.add(error.body())
        await self.keep(answer)

    async def leave(self) -> None:
        """
        Free the key if nothing was sent.

        What was sent and has no whole answer to keep (sound that broke off) is
        charged all the same: it is never asked for again under this key.
        """
        if self.is_sent:
            self.give_up()
        else:
            await self.end()

    async def end(self) -> None:
        """Free the key: what was answered was charged nothing."""
        if not self.is_ended:
            self.is_ended = True
            await self.answers.free(self.event_id)

    def give_up(self) -> None:
        """Stop in the middle: if it was sent it is charged, with no answer to keep."""
        if self.is_ended:
            return
        self.is_ended = True
        if self.is_sent:
            self.answers.give_up_soon(self.event_id, KeptAnswerState.LOST)
        else:
            self.answers.free_soon(self.event_id)


@contextlib.asynccontextmanager
async def once(
    gateway: Gateway, request: Request, caller: Caller, call: Call
) -> AsyncIterator[tuple[bool, Claim | None]]:
    """
    Yield whether to serve a request, and its claim; an answer of before is given here.

    :raises ApiError: if the key was used for something else, or its answer is lost.
    """
    if HEADER not in request.headers:
        yield True, None
        return
    place = Place(caller.organization.pk, caller.api_key_id, key_digest(request))
    found = await claim_or_find(gateway, request, place, fingerprint(request, call))
    if isinstance(found, Found):
        await answer_again(request, found)
        yield False, None
        return
    try:
        yield True, found
    except errors.ApiError as error:
        await found.end_with(error)
        raise
    except BaseException:
        found.give_up()
        raise
    await found.leave()


async def claim_or_find(
    gateway: Gateway, request: Request, place: Place, asked: str
) -> Claim | Found:
    """Claim a place, or return the answer that is kept there, once there is one."""
    answers = gateway.kept_answers
    loop = asyncio.get_running_loop()
    deadline = loop.time() + gateway.idempotency_wait_s
    pause = FIRST_PAUSE_S
    found: Found | None = None
    try:
        while loop.time() < deadline:
            # A look costs less than a claim that is refused.
            is_free = found is None or found.is_abandoned
            if is_free and await answers.claim(place, request.event_id, asked):
                return Claim(answers, place, request.event_id)
            found = await answers.look(place)
            if found is not None and await is_final(found, asked, answers):
                return found
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_S)
    except AnswersUnreachable:
        # It may have been claimed all the same.
        answers.free_soon(request.event_id)
        raise errors.budget_unavailable() from None
    raise errors.idempotency_in_progress()


async def is_final(found: Found, asked: str, answers: KeptAnswers) -> bool:
    """
    Say whether an answer is there; False while it may still come.

    :raises ApiError: if there is none for this request.
    """
    if found.fingerprint != asked:
        raise errors.idempotency_key_reused()
    if found.state == KeptAnswerState.UNDER_WAY and not found.is_served:
        await answers.give_up(found.event_id, KeptAnswerState.LOST)
        raise errors.idempotency_answer_lost(found.event_id)
    if found.state == KeptAnswerState.LOST:
        raise errors.idempotency_answer_lost(found.event_id)
    if found.state == KeptAnswerState.TOO_LONG:
        raise errors.idempotency_answer_too_long(found.event_id)
    return found.answer is not None


async def answer_again(request: Request, found: Found) -> None:
    """Give the first answer again, under the id of the first request."""
    assert found.answer is not None
    request.event_id = found.event_id
    answer = found.answer
    headers = [*answer.headers, (b"x-tokenhouse-replayed", b"true")]
    await request.answer(answer.status, answer.body, headers)


def key_digest(request: Request) -> str:
    """
    Return the digest of the request's idempotency key.

    :raises ApiError: if it is no text of 1 to 255 printable characters.
    """
    key = request.headers[HEADER]
    is_printable = all(0x20 <= byte <= 0x7E for byte in key)
    if not key.strip() or len(key) > LENGTH_MAX or not is_printable:
        text = f"Idempotency-Key must be 1 to {LENGTH_MAX} printable ASCII characters."
        raise errors.malformed(text)
    return hashlib.sha256(key).hexdigest()


def fingerprint(request: Request, call: Call) -> str:
    """
    Return what makes two requests the same: method, path and body as they came.

    What we ask for besides may be another thing tomorrow.
    """
    digest = hmac.new(settings.KEY_PEPPER.encode(), digestmod=hashlib.sha256)
    digest.update(f"{request.method} {call.path}\n".encode())
    digest.update(request.body_digest)
    return digest.hexdigest()
