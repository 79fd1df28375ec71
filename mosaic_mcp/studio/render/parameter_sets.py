"""The parameter sets of H.264: what pictures are decoded by, known by small numbers.

A file in MP4 tells them once, in its head (avcC, ISO/IEC 14496-15), and some players look nowhere
else. Where two encoders made one stream, both sets have to be there, under different numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

START = b"\0\0\0\1"
SEQUENCE, PICTURE = 7, 8
"""Types of NAL units (ITU-T H.264, table 7-1)."""
MOST_IDS = 32


def parameter_sets(extradata: bytes) -> list[bytes]:
    """The sets, as units without start codes, of an avcC or of a stream with start codes."""
    found = _told(extradata) if extradata[:1] == b"\1" else _marked(extradata)
    return [unit for unit in found if unit and unit[0] & 31 in (SEQUENCE, PICTURE)]


def with_start_codes(units: list[bytes]) -> bytes:
    """The units as they stand in a stream."""
    return b"".join(START + unit for unit in units)


def free_id(units: list[bytes]) -> int | None:
    """A number that none of the sets has; None when all are taken."""
    taken = {_id(unit) for unit in units}
    return next((number for number in range(MOST_IDS) if number not in taken), None)


def starts(data: bytes) -> Iterator[int]:
    """Where the start codes (0 0 1) of a stream are."""
    at = data.find(b"\0\0\1")
    while 0 <= at < len(data) - 3:
        yield at
        at = data.find(b"\0\0\1", at + 3)


def _told(avcc: bytes) -> Iterator[bytes]:
    """Of an avcC: a count of sequence sets, each with its length, then the same of picture sets."""
    at = 5
    for mask in (31, 255):
        count, at = avcc[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(avcc[at : at + 2], "big")
            yield avcc[at + 2 : at + 2 + size]
            at += 2 + size


def _marked(data: bytes) -> Iterator[bytes]:
    places = list(starts(data))
    for at, end in zip(places, [*places[1:], len(data)], strict=True):
        yield data[at + 3 : end].rstrip(b"\0")


def _id(unit: bytes) -> int:
    """The number of a set: an Exp-Golomb code, behind profile and level in a sequence set."""
    head = unit[4:12] if unit[0] & 31 == SEQUENCE else unit[1:9]
    bits = "".join(f"{byte:08b}" for byte in head)
    zeros = bits.index("1")
    return int(bits[zeros : 2 * zeros + 1], 2) - 1
