"""The pipe between the service and an extracting child: length-prefixed frames of a header and a body.

A frame is kind (1 byte), length of the header, length of the body (4 bytes each, big endian),
the header (a JSON object), the body (raw bytes, in START and batches alone).
"""

import json
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Any

PREFIX = struct.Struct("!BII")
MAX_PART_BYTES = 1 << 30
"""A length beyond this is not a frame: something else was written to the pipe."""
MAX_FRAME_BYTES = 64 << 20
"""Of a frame from a child, header and body: no memory is taken for a longer one. A common batch has 3 MB."""


class Kind(IntEnum):
    """What a frame says. Headers are described in `consumer.extract`."""

    # down, to the child
    START = 1
    GRANT = 2
    # up, from the child
    OPENED = 16
    TOTAL = 17
    BATCH = 18
    WAITING = 19
    FAILED = 20
    END = 21
    DRAW = 22


class BrokenFrame(Exception):
    """The pipe carries something that is no frame, or ended in the middle of one."""


class FrameTooLarge(BrokenFrame):
    """A child announces a frame of more than MAX_FRAME_BYTES."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a frame of {size} bytes is announced, and {MAX_FRAME_BYTES} are allowed")


def encode(kind: Kind, header: dict[str, Any], body: bytes = b"") -> bytes:
    """One frame as bytes."""
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return PREFIX.pack(kind, len(head), len(body)) + head + body


def lengths(prefix: bytes) -> tuple[Kind, int, int]:
    """Kind, header length and body length from a frame's first nine bytes."""
    kind, head, body = PREFIX.unpack(prefix)
    if kind not in Kind.__members__.values() or head > MAX_PART_BYTES or body > MAX_PART_BYTES:
        raise BrokenFrame("the pipe carries something that is no frame")
    return Kind(kind), head, body


def lengths_from_child(prefix: bytes) -> tuple[Kind, int, int]:
    """`lengths` of a frame that a child sends. Raises BrokenFrame, and FrameTooLarge where it is one."""
    kind, head, body = lengths(prefix)
    if head + body > MAX_FRAME_BYTES:
        raise FrameTooLarge(head + body)
    return kind, head, body


def read(read_exactly: Callable[[int], bytes]) -> tuple[Kind, dict[str, Any], bytes] | None:
    """The next frame of a blocking stream, or None at its clean end."""
    prefix = read_exactly(PREFIX.size)
    if not prefix:
        return None
    if len(prefix) < PREFIX.size:
        raise BrokenFrame("the pipe ended in the middle of a frame")
    kind, head, body = lengths(prefix)
    header, content = read_exactly(head), read_exactly(body)
    if len(header) < head or len(content) < body:
        raise BrokenFrame("the pipe ended in the middle of a frame")
    return kind, json.loads(header), content
