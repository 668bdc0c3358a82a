"""The child's end of the pipe: frames go up as far as credits reach; its end is ours."""

import os
import sys
import threading
from contextlib import suppress
from typing import Any, Self

from consumer.errors import SourceTooLargeError
from consumer.ipc import MAX_FRAME_BYTES, FrameType, ProtocolError, encode_frame, read_frame

PIPE_BUFFER_BYTES = 1 << 20
"""Room in the pipe for half a batch, so that writing and reading need not take turns."""
FRAME_TOO_LARGE_MESSAGE = (
    f"Rows that are stored together take {{megabytes}} MB, and {MAX_FRAME_BYTES >> 20} MB are allowed. "
    "Look for cells far longer than the others, and shorten them."
)


class Channel:
    """Frames from and to the service."""

    def __init__(self, input_fd: int, output_fd: int) -> None:
        self._input_fd = input_fd
        self._output_fd = output_fd
        self._credits = threading.Semaphore(0)
        self._tokens = threading.Semaphore(0)

    @classmethod
    def from_stdio(cls) -> Self:
        """Move the pipe off standard input and output: what a library prints must not mix with frames."""
        down, up = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        _enlarge_buffer(up)
        return cls(down, up)

    def read_start(self) -> tuple[dict[str, Any], bytes] | None:
        """Header and body of the START frame; None when the service went away before it."""
        frame = read_frame(self._read)
        if frame is None:
            return None
        kind, header, body = frame
        if kind is not FrameType.START:
            raise ProtocolError("the first frame is not START")
        return header, body

    def listen(self, initial_credits: int) -> None:
        """Take grants from now on, beginning with those of the START frame."""
        self._add_credits(initial_credits)
        threading.Thread(target=self._read_credits, name="credits", daemon=True).start()

    def send(self, frame_type: FrameType, header: dict[str, Any], body: bytes = b"") -> None:
        """Send a frame; waits while the pipe is full. Without a reader this process ends.

        Raises SourceTooLargeError where the service would not take it; the pipe is whole then.
        """
        frame = encode_frame(frame_type, header, body)
        if len(frame) > MAX_FRAME_BYTES:
            raise SourceTooLargeError(FRAME_TOO_LARGE_MESSAGE.format(megabytes=-(-len(frame) // 2**20)))
        left = memoryview(frame)
        try:
            while left:
                left = left[os.write(self._output_fd, left) :]
        except BrokenPipeError:
            os._exit(0)

    def send_batch(self, header: dict[str, Any], body: bytes) -> None:
        """Send a batch as soon as one is granted."""
        self._credits.acquire()
        self.send(FrameType.BATCH, header, body)

    def acquire_token(self) -> None:
        """Ask for a token of the quota, and wait for it."""
        self.send(FrameType.ACQUIRE_TOKEN, {})
        self._tokens.acquire()

    def _read(self, size: int) -> bytes:
        """Exactly so many bytes, fewer only at the end; unbuffered, as a thread may wait here for ever."""
        content = bytearray()
        while len(content) < size and (part := os.read(self._input_fd, size - len(content))):
            content += part
        return bytes(content)

    def _add_credits(self, batches: int) -> None:
        for _ in range(batches):
            self._credits.release()

    def _read_credits(self) -> None:
        """Runs beside the reading; leaves at once with the service, whatever library the reading is in."""
        with suppress(ProtocolError, OSError, ValueError):
            while frame := read_frame(self._read):
                kind, header, _ = frame
                if kind is FrameType.CREDIT:
                    self._add_credits(header.get("batches", 0))
                    for _ in range(header.get("tokens", 0)):
                        self._tokens.release()
        os._exit(0)


def _enlarge_buffer(fd: int) -> None:
    """A larger pipe is a favour of Linux, not a need."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BUFFER_BYTES)
