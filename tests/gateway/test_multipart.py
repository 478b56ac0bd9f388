"""Forms are parsed as they come, and written anew: nothing can be read in two ways."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ApiError
from gateway.multipart import HEADER_MAX_BYTES, PARTS_MAX, FormReader, boundary_of
from gateway.uploads import Form
from tests.gateway.forms import BOUNDARY, CONTENT_TYPE, field, file, form, part, wav


async def stored(raw: bytes, *, piece: int = 10_000) -> Form:
    taken = Form(BOUNDARY, io.BytesIO(), lambda name: name == "model")
    reader = FormReader(BOUNDARY, taken)
    for start in range(0, len(raw), piece):
        reader.feed(raw[start : start + piece])
        await taken.write()
    reader.finish()
    await taken.write(is_last=True)
    return taken


async def sent(taken: Form) -> bytes:
    return b"".join([part async for part in taken.parts()])


async def refused(raw: bytes) -> ApiError:
    with pytest.raises(ApiError) as refusal:
        await stored(raw)
    assert refusal.value.status == 400
    return refusal.value


@pytest.mark.parametrize("piece", [1, 7, 64, 100_000])
async def test_a_form_arrives_as_it_was_sent_however_it_comes_in(piece: int) -> None:
    content = b"sound\r\n--some\r\n--some-boundar\x00\xff" * 100
    raw = form(field("model", "whisper-1"), file("file", content), field("x", "é"))

    taken = await stored(raw, piece=piece)

    assert await sent(taken) == raw
    assert len(taken) == len(raw)
    assert taken.fields() == [("model", "whisper-1")]
    assert taken.files()[0].length == len(content)
    assert taken.text_length == len(raw) - len(content)


@given(content=st.binary(max_size=300), piece=st.integers(1, 50))
async def test_any_content_passes(content: bytes, piece: int) -> None:
    raw = form(file("file", content), field("model", "m"))

    taken = await stored(raw, piece=piece)

    assert await sent(taken) == raw
    assert taken.read(0, 2, 5) == content[2:7]


async def test_what_goes_on_beyond_the_end_is_left_out() -> None:
    raw = form(field("model", "a"))

    assert await sent(await stored(raw + field("model", "b"))) == raw


async def test_a_field_may_be_given_another_value_and_a_missing_one_be_added() -> None:
    taken = await stored(form(field("model", "long name"), file("file", wav(0.1))))

    taken.set_field("model", "m")
    taken.set_field("format", "json")

    expected = form(
        field("model", "m"), file("file", wav(0.1)), field("format", "json")
    )
    assert await sent(taken) == expected
    assert len(taken) == len(expected)


async def test_headers_are_written_anew_so_that_nobody_reads_them_otherwise() -> None:
    odd = 'form-data; filename="a\\\\b.wav"; name="file"; name*=utf-8\'\'model'

    taken = await stored(form(part(odd, b"x", "Content-Type: audio/wav", "X-Odd: 1")))

    assert await sent(taken) == form(
        part(
            'form-data; name="file"; filename="a_b.wav"',
            b"x",
            "Content-Type: audio/wav",
        )
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no form",
        field("model", "a"),
        form(field("model", "a")).replace(b"boundary", b"another"),
        form(part("form-data", b"x")),
        form(part('attachment; name="a"', b"x")),
        form(part('form-data; name="mo\\"del"', b"x")),
        form(part('form-data; name="_charset_"', b"utf-16")),
        form(part('form-data; name="a"', b"eA==", "Content-Transfer-Encoding: base64")),
        form(
            part(
                'form-data; name="a"', b"x", 'Content-Disposition: form-data; name="b"'
            )
        ),
    ],
)
async def test_what_is_no_form_or_ambiguous_is_refused(raw: bytes) -> None:
    error = await refused(raw)

    assert "multipart" in error.message


async def test_a_form_is_limited_in_everything() -> None:
    await refused(form(*[field("a", "b")] * (PARTS_MAX + 1)))
    await refused(
        form(part('form-data; name="a"', b"", f"X: {'x' * HEADER_MAX_BYTES}"))
    )
    await refused(
        form(part('form-data; name="a"', b"", *[f"X-{n}: 1" for n in range(9)]))
    )
    await refused(form(field("model", "m" * 5_000)))


@pytest.mark.parametrize("boundary", ["", "a" * 71, "a b", "ü", 'a"b'])
def test_a_boundary_that_cannot_be_is_refused(boundary: str) -> None:
    with pytest.raises(ApiError):
        boundary_of(f'multipart/form-data; boundary="{boundary}"')


def test_what_is_no_form_has_no_boundary() -> None:
    assert boundary_of("application/json") is None
    assert boundary_of("") is None
    assert boundary_of(CONTENT_TYPE) == BOUNDARY


async def test_two_forms_that_say_the_same_have_one_digest() -> None:
    one = await stored(form(field("model", "m"), file("file", b"sound")))
    same = await stored(form(field("model", "m"), file("file", b"sound")), piece=3)
    other = await stored(form(field("model", "m"), file("file", b"sounds")))

    assert one.digest() == same.digest() != other.digest()
