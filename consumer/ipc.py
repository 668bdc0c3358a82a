"""The pipe between the service and an extractor: length-prefixed frames of a header and a body.

A frame is its type (1 byte), the length of the header and of the body (4 bytes each, big endian), the header
(a JSON object) and the body (raw bytes; empty except in START, CORRECTED_ROWS and BATCH).
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

PREFIX = struct.Struct("!BII")
MAX_LENGTH_BYTES = 1 << 30
"""A longer header or body means that something other than frames was written to the pipe."""
MAX_FRAME_BYTES = 64 << 20
"""Header and body of a frame from an extractor; a longer one is not read. A usual batch has 3 MB."""
PIPE_BUFFER_BYTES = 1 << 20
"""Buffer on either side: half a batch, so that writing and reading need not alternate."""


class FrameType(IntEnum):
    """Frame types; their headers are described in `consumer.extract`.

    The writer of workbooks gets START, ROWS and END: `consumer.rejected_file.writer_protocol`.
    """

    # down, to a child
    START = 1
    CREDIT = 2
    CORRECTED_ROWS = 3
    ROWS = 3
    # up, from the extractor
    OPENED = 16
    TOTAL = 17
    BATCH = 18
    WAITING = 19
    FAILED = 20
    END = 21
    ACQUIRE_TOKEN = 22


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame."""

    type: FrameType
    header: dict[str, Any]
    body: bytes


class ProtocolError(Exception):
    """The pipe carries something that is not a frame, or ended in the middle of one."""


class FrameTooLargeError(ProtocolError):
    """An extractor announced a frame of more than MAX_FRAME_BYTES."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a frame of {size} bytes is announced, and {MAX_FRAME_BYTES} are allowed")


def encode_frame(frame_type: FrameType, header: dict[str, Any], body: bytes = b"") -> bytes:
    """One frame as bytes."""
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return PREFIX.pack(frame_type, len(head), len(body)) + head + body


def decode_prefix(prefix: bytes) -> tuple[FrameType, int, int]:
    """Type, header length and body length from the first PREFIX.size bytes; raises ProtocolError."""
    type_, head, body = PREFIX.unpack(prefix)
    if type_ not in FrameType.__members__.values() or head > MAX_LENGTH_BYTES or body > MAX_LENGTH_BYTES:
        raise ProtocolError("the pipe carries something that is no frame")
    return FrameType(type_), head, body


def decode_child_prefix(prefix: bytes) -> tuple[FrameType, int, int]:
    """`decode_prefix` for a frame of an extractor; also raises FrameTooLargeError."""
    type_, head, body = decode_prefix(prefix)
    if head + body > MAX_FRAME_BYTES:
        raise FrameTooLargeError(head + body)
    return type_, head, body


def read_frame(read_exactly: Callable[[int], bytes]) -> Frame | None:
    """The next frame of a blocking stream, None at its end; raises ProtocolError.

    `read_exactly(n)` returns n bytes, fewer only at the end of the stream.
    """
    prefix = read_exactly(PREFIX.size)
    if not prefix:
        return None
    if len(prefix) < PREFIX.size:
        raise ProtocolError("the pipe ended in the middle of a frame")
    type_, head, body = decode_prefix(prefix)
    header, content = read_exactly(head), read_exactly(body)
    if len(header) < head or len(content) < body:
        raise ProtocolError("the pipe ended in the middle of a frame")
    return Frame(type_, json.loads(header), content)
