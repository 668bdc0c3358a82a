"""Messages between the service and its fork server, over a Unix socket.

Down go requests of a fixed size; a FORK carries the child's standard input, output and error as descriptors.
Up come replies: one JSON array per line.
"""

import json
import struct
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self

_REQUEST = struct.Struct("!BQQQ")
REQUEST_BYTES = _REQUEST.size
PIPES_OF_A_CHILD = 3
"""Descriptors that come with a FORK."""


class RequestType(IntEnum):
    """What the service can request."""

    FORK = 1
    KILL = 2


@dataclass(frozen=True, slots=True)
class Request:
    """A child, by a number that the service chose, is to be forked with these limits, or killed."""

    type: RequestType
    child_id: int
    memory_bytes: int = 0
    cpu_seconds: int = 0

    def encode(self) -> bytes:
        """REQUEST_BYTES bytes."""
        return _REQUEST.pack(self.type, self.child_id, self.memory_bytes, self.cpu_seconds)

    @classmethod
    def decode(cls, message: bytes) -> Self:
        """The request in REQUEST_BYTES bytes; raises ValueError and struct.error."""
        type_, *numbers = _REQUEST.unpack(message)
        return cls(RequestType(type_), *numbers)


class ReplyType(StrEnum):
    """What a fork server reports."""

    READY = "ready"
    STARTED = "started"
    REFUSED = "refused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Reply:
    """A report about a child; READY is about the server itself.

    `number` is the pid of a child that STARTED, and the exit code of one that ENDED (negative: a signal).
    `reason` says why a fork was REFUSED.
    """

    type: ReplyType
    child_id: int = 0
    number: int = 0
    reason: str = ""

    def encode(self) -> bytes:
        """One line."""
        return json.dumps([self.type, self.child_id, self.number, self.reason]).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Self:
        """The reply in one line; raises ValueError."""
        type_, child_id, number, reason = json.loads(line)
        return cls(ReplyType(type_), child_id, number, reason)
