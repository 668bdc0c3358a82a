"""The extractor's end of the pipe: sends frames within its credits, receives credits and tokens."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Self

from consumer.errors import SourceTooLargeError
from consumer.ipc import (
    MAX_FRAME_BYTES,
    PIPE_BUFFER_BYTES,
    Frame,
    FrameType,
    ProtocolError,
    encode_frame,
    read_frame,
)

FRAME_TOO_LARGE_MESSAGE = (
    f"Rows that are stored together take {{megabytes}} MB, and {MAX_FRAME_BYTES >> 20} MB are allowed. "
    "Look for cells far longer than the others, and shorten them."
)


class Channel:
    """Frames from and to the service.

    This process exits at once when the service closes either end, whatever library the reading is in.
    """

    def __init__(self, input_fd: int, output_fd: int) -> None:
        self._input_fd = input_fd
        self._output_fd = output_fd
        self._credits = threading.Semaphore(0)
        self._tokens = threading.Semaphore(0)

    @classmethod
    def from_stdio(cls) -> Self:
        """Move the pipe off standard input and output, so that output of libraries cannot mix with frames."""
        down, up = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        _enlarge_buffer(up)
        return cls(down, up)

    def read_start(self) -> Frame | None:
        """The START frame, None if the service closed the pipe before it; raises ProtocolError."""
        frame = read_frame(self._read)
        if frame is not None and frame.type is not FrameType.START:
            raise ProtocolError("the first frame is not START")
        return frame

    def read_corrected_rows(self) -> Iterator[bytes]:
        """The rejected rows that a correction is compared with, a line each; raises ProtocolError."""
        while True:
            frame = read_frame(self._read)
            if frame is None or frame.type is not FrameType.CORRECTED_ROWS:
                raise ProtocolError("rejected rows of the corrected job are missing")
            yield from frame.body.splitlines()
            if frame.header["last"]:
                return

    def listen(self, initial_credits: int) -> None:
        """Start the thread that receives credits and tokens."""
        self._add_credits(initial_credits)
        threading.Thread(target=self._read_credits, name="credits", daemon=True).start()

    def send(self, frame_type: FrameType, header: dict[str, Any], body: bytes = b"") -> None:
        """Send a frame; blocks while the pipe is full.

        Raises SourceTooLargeError for more than MAX_FRAME_BYTES, of which nothing is written.
        """
        frame = encode_frame(frame_type, header, body)
        if len(frame) > MAX_FRAME_BYTES:
            raise SourceTooLargeError(FRAME_TOO_LARGE_MESSAGE.format(megabytes=-(-len(frame) // 2**20)))
        remaining = memoryview(frame)
        try:
            while remaining:
                remaining = remaining[os.write(self._output_fd, remaining) :]
        except BrokenPipeError:
            os._exit(0)

    def send_batch(self, header: dict[str, Any], body: bytes) -> None:
        """Send a batch; blocks until there is a credit for it."""
        self._credits.acquire()
        self.send(FrameType.BATCH, header, body)

    def acquire_token(self) -> None:
        """Request a token of the rate limit; blocks until it is granted."""
        self.send(FrameType.ACQUIRE_TOKEN, {})
        self._tokens.acquire()

    def _read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end. Unbuffered: a thread may be blocked here at exit."""
        content = bytearray()
        while len(content) < size and (part := os.read(self._input_fd, size - len(content))):
            content += part
        return bytes(content)

    def _add_credits(self, batches: int) -> None:
        for _ in range(batches):
            self._credits.release()

    def _read_credits(self) -> None:
        with suppress(ProtocolError, OSError, ValueError):
            while frame := read_frame(self._read):
                if frame.type is FrameType.CREDIT:
                    self._add_credits(frame.header.get("batches", 0))
                    for _ in range(frame.header.get("tokens", 0)):
                        self._tokens.release()
        os._exit(0)


def _enlarge_buffer(fd: int) -> None:
    """Enlarge the buffer of the pipe where the system allows it (Linux)."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BUFFER_BYTES)
