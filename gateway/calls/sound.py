"""
How long a recording is at most, told by its first bytes and its length. Pure.

Only where that is a true bound: of WAV, whose rate is stated and constant, and of MP3,
which has a slowest rate. Other containers may be silent about any length.
"""

from __future__ import annotations

from collections.abc import Callable

# Reads `length` bytes from an offset on.
Read = Callable[[int, int], bytes]

PCM, EXTENSIBLE = 1, 0xFFFE
# ISO/IEC 11172-3 and 13818-3: no layer III stream has fewer than 8,000 bits a second.
MP3_BYTES_PER_S_MIN = 1_000
LAYER_III, RESERVED_VERSION = 1, 1
FREE_RATE, BAD_RATE, RESERVED_SAMPLING = 0, 15, 3


def seconds_max(read: Read, length: int) -> int | None:
    """Return the most whole seconds that a recording can last, or None."""
    head = read(0, 64)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        bytes_per_s = wav_bytes_per_s(head)
    else:
        bytes_per_s = mp3_bytes_per_s(read, head)
    return None if bytes_per_s is None else -(-length // bytes_per_s)


def wav_bytes_per_s(head: bytes) -> int | None:
    """
    Return the rate of uncompressed sound whose format comes first, as is usual.

    It is computed from the samples: the rate in the header may say anything.
    """
    if head[12:16] != b"fmt " or len(head) < 40:
        return None
    encoding = number(head[20:22])
    if encoding == EXTENSIBLE:
        encoding = number(head[44:46])
    channels, sample_rate = number(head[22:24]), number(head[24:28])
    bytes_per_sample = number(head[34:36]) // 8
    rate = channels * sample_rate * bytes_per_sample
    return rate if encoding == PCM and rate else None


def mp3_bytes_per_s(read: Read, head: bytes) -> int | None:
    """Return the slowest rate that there is, if this is an MP3."""
    if head[:3] == b"ID3":
        # The tag's length has seven bits to a byte, and leaves out its own head.
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        head = read(10 + size, 4)
    return MP3_BYTES_PER_S_MIN if is_mp3_frame(head[:4]) else None


def is_mp3_frame(head: bytes) -> bool:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate, sampling = head[2] >> 4, head[2] >> 2 & 3
    return (
        version != RESERVED_VERSION
        and layer == LAYER_III
        and rate not in (FREE_RATE, BAD_RATE)
        and sampling != RESERVED_SAMPLING
    )


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")
