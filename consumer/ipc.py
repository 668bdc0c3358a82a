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
MAX_LENGTH_BYTES = 1 << 30
"""A length beyond this is not a frame: something else was written to the pipe."""
MAX_FRAME_BYTES = 64 << 20
"""Of a frame from a child, header and body: no memory is taken for a longer one. A common batch has 3 MB."""


class FrameType(IntEnum):
    """What a frame says. Headers are described in `consumer.extract`."""

    # down, to the child
    START = 1
    CREDIT = 2
    # up, from the child
    OPENED = 16
    TOTAL = 17
    BATCH = 18
    WAITING = 19
    FAILED = 20
    END = 21
    ACQUIRE_TOKEN = 22


class ProtocolError(Exception):
    """The pipe carries something that is no frame, or ended in the middle of one."""


class FrameTooLargeError(ProtocolError):
    """A child announces a frame of more than MAX_FRAME_BYTES."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a frame of {size} bytes is announced, and {MAX_FRAME_BYTES} are allowed")


def encode_frame(frame_type: FrameType, header: dict[str, Any], body: bytes = b"") -> bytes:
    """One frame as bytes."""
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return PREFIX.pack(frame_type, len(head), len(body)) + head + body


def decode_prefix(prefix: bytes) -> tuple[FrameType, int, int]:
    """Kind, header length and body length from a frame's first nine bytes."""
    kind, head, body = PREFIX.unpack(prefix)
    if kind not in FrameType.__members__.values() or head > MAX_LENGTH_BYTES or body > MAX_LENGTH_BYTES:
        raise ProtocolError("the pipe carries something that is no frame")
    return FrameType(kind), head, body


def decode_child_prefix(prefix: bytes) -> tuple[FrameType, int, int]:
    """`decode_prefix` of a frame that a child sends. Raises ProtocolError, and FrameTooLargeError where it is one."""
    kind, head, body = decode_prefix(prefix)
    if head + body > MAX_FRAME_BYTES:
        raise FrameTooLargeError(head + body)
    return kind, head, body


def read_frame(read_exactly: Callable[[int], bytes]) -> tuple[FrameType, dict[str, Any], bytes] | None:
    """The next frame of a blocking stream, or None at its clean end."""
    prefix = read_exactly(PREFIX.size)
    if not prefix:
        return None
    if len(prefix) < PREFIX.size:
        raise ProtocolError("the pipe ended in the middle of a frame")
    kind, head, body = decode_prefix(prefix)
    header, content = read_exactly(head), read_exactly(body)
    if len(header) < head or len(content) < body:
        raise ProtocolError("the pipe ended in the middle of a frame")
    return kind, json.loads(header), content
