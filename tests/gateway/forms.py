"""Forms as bytes, for what the SDK does not send."""

from __future__ import annotations

BOUNDARY = "some-boundary"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def field(name: str, value: str) -> bytes:
    return part(f'form-data; name="{name}"', value.encode())


def file(name: str, content: bytes, filename: str = "a.wav") -> bytes:
    return part(f'form-data; name="{name}"; filename="{filename}"', content)


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    lines = [f"--{BOUNDARY}", f"Content-Disposition: {disposition}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def wav(seconds: float, *, sample_rate: int = 16_000) -> bytes:
    """Return silence as uncompressed sound: 16 bits, one channel."""
    samples = bytes(2 * int(seconds * sample_rate))
    layout = b"".join(
        number.to_bytes(size, "little")
        for number, size in ((1, 2), (1, 2), (sample_rate, 4), (2 * sample_rate, 4))
    )
    head = b"WAVEfmt \x10\0\0\0" + layout + b"\x02\0\x10\0"
    data = b"data" + len(samples).to_bytes(4, "little") + samples
    return b"RIFF" + len(head + data).to_bytes(4, "little") + head + data
