"""Images and sound: what is the same for their endpoints, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from billing.pricing import Rates
from gateway import errors
from gateway.calls import images, speech, transcriptions
from gateway.calls.sound import seconds_max
from gateway.payloads import StoredForm
from usage.models import Endpoint


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a request besides its fields, and what it made us ask for."""

    # Bytes that can be text to a model.
    text_length: int = 0
    files: int = 0
    # Of a recording, where its length can be told; of a text to be read aloud.
    seconds: int | None = None
    characters: int = 0
    # What sound the client wants, if it is inside the events that we asked for.
    wrapped_sound: str | None = None
    # What the client wants to be made of the transcript that we asked for.
    transcript_format: str | None = None


Prepare = Callable[[dict[str, Any], StoredForm | None], Facts]


@dataclass(frozen=True, slots=True)
class Medium:
    """How the requests of one endpoint are read and bounded."""

    check: Callable[[dict[str, Any]], None]
    # Asks for an answer that tells its usage; says what is known of the request.
    prepare: Prepare
    # Raises `NotBounded`, `Unpriced`.
    bound_nanos: Callable[[dict[str, Any], Rates, Facts], int]
    bounding: frozenset[str]
    # Fields of forms that are numbers, may be files, may have parts of their own.
    counts: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    nested: frozenset[str] = frozenset()
    takes_json: bool = True

    def keeps(self, name: str) -> bool:
        """Say whether a field of a form is read here, or could be taken for one."""
        return base_of(name) in self.bounding


def prepare_image(body: dict[str, Any], form: StoredForm | None) -> Facts:
    return Facts(files=len(form.files()) if form else 0)


def bound_image(body: dict[str, Any], rates: Rates, facts: Facts) -> int:
    return images.bound_nanos(
        body, rates, text_length=facts.text_length, files=facts.files
    )


def prepare_speech(body: dict[str, Any], form: StoredForm | None) -> Facts:
    return Facts(
        characters=speech.characters_of(body),
        wrapped_sound=speech.ask_for_usage(body),
    )


def bound_speech(body: dict[str, Any], rates: Rates, facts: Facts) -> int:
    return speech.bound_nanos(body, rates, text_length=facts.text_length)


def prepare_transcription(*, is_translation: bool) -> Prepare:
    def prepare(body: dict[str, Any], form: StoredForm | None) -> Facts:
        assert form is not None, "recordings come in forms"
        files = form.files()
        transcriptions.check_file(len(files))
        wanted = body.get("response_format") or "json"
        asked = transcriptions.format_to_ask_for(body, is_translation=is_translation)
        if asked is not None:
            form.set_field("response_format", asked)
        return Facts(
            files=1,
            seconds=seconds_max(partial(form.read, 0), files[0].length),
            transcript_format=None if asked is None else wanted,
        )

    return prepare


def bound_transcription(body: dict[str, Any], rates: Rates, facts: Facts) -> int:
    return transcriptions.bound_nanos(
        body, rates, text_length=facts.text_length, seconds=facts.seconds
    )


def of_images(*, files: frozenset[str]) -> Medium:
    return Medium(
        check=images.check,
        prepare=prepare_image,
        bound_nanos=bound_image,
        bounding=images.BOUNDING,
        counts=images.COUNTS,
        files=files,
        nested=frozenset({"svg"}),
    )


def of_recordings(*, is_translation: bool) -> Medium:
    return Medium(
        check=transcriptions.check,
        prepare=prepare_transcription(is_translation=is_translation),
        bound_nanos=bound_transcription,
        bounding=transcriptions.BOUNDING,
        files=transcriptions.FILES,
        nested=transcriptions.NESTED,
        takes_json=False,
    )


MEDIA = {
    Endpoint.IMAGES_GENERATIONS: of_images(files=frozenset()),
    Endpoint.IMAGES_EDITS: of_images(files=images.FILES),
    Endpoint.AUDIO_SPEECH: Medium(
        check=speech.check,
        prepare=prepare_speech,
        bound_nanos=bound_speech,
        bounding=speech.BOUNDING,
    ),
    Endpoint.AUDIO_TRANSCRIPTIONS: of_recordings(is_translation=False),
    Endpoint.AUDIO_TRANSLATIONS: of_recordings(is_translation=True),
}


def fields_of(form: StoredForm, medium: Medium) -> dict[str, Any]:
    """
    Return those fields of a form that the bound and the price depend on.

    :raises ApiError: for what a provider might read otherwise than we do.
    """
    body: dict[str, Any] = {}
    for name, value in form.fields():
        base = base_of(name)
        if name != base and not (base in medium.nested and name.startswith(base)):
            raise errors.malformed(f"Write '{base}' instead of '{name}'", name)
        if name in body:
            raise errors.malformed(f"'{name}' is given twice", name)
        body[name] = body[base] = typed(base, value, medium)
    for file in form.files():
        base = base_of(file.name)
        if base in medium.bounding and base not in medium.files:
            raise errors.malformed(f"'{base}' must not be a file", base)
    for name in medium.files & body.keys():
        raise errors.malformed(f"'{name}' must be a file", name)
    return body


def typed(name: str, value: str, medium: Medium) -> Any:
    """Return a field as it would be in JSON; what is wrong is left for the checks."""
    if name == "stream":
        return {"true": True, "false": False}.get(value, value)
    is_count = name in medium.counts and value.isascii() and value.isdigit()
    return int(value) if is_count and len(value) < 10 else value


def base_of(name: str) -> str:
    """Return what some decoders take a name for: `n` of `N`, of ` n`, of `n[]`."""
    return name.partition("[")[0].strip().casefold()
