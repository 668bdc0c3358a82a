"""The child's end of the pipe: frames go up as far as credits reach; its end is ours."""

import os
import sys
import threading
from contextlib import suppress
from typing import Any, Self

from consumer.errors import SourceTooLarge
from consumer.frames import MAX_FRAME_BYTES, BrokenFrame, Kind, encode, read

PIPE_BYTES = 1 << 20
"""Room in the pipe for half a batch, so that writing and reading need not take turns."""
TOO_LARGE = (
    f"Rows that are stored together take {{megabytes}} MB, and {MAX_FRAME_BYTES >> 20} MB are allowed. "
    "Look for cells far longer than the others, and shorten them."
)


class Pipe:
    """Frames from and to the service."""

    def __init__(self, down: int, up: int) -> None:
        self._down = down
        self._up = up
        self._credits = threading.Semaphore(0)
        self._tokens = threading.Semaphore(0)

    @classmethod
    def take_over(cls) -> Self:
        """Move the pipe off standard input and output: what a library prints must not mix with frames."""
        down, up = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        _enlarge(up)
        return cls(down, up)

    def start(self) -> tuple[dict[str, Any], bytes] | None:
        """Header and body of the START frame; None when the service went away before it."""
        frame = read(self._read)
        if frame is None:
            return None
        kind, header, body = frame
        if kind is not Kind.START:
            raise BrokenFrame("the first frame is not START")
        return header, body

    def listen(self, grants: int) -> None:
        """Take grants from now on, beginning with those of the START frame."""
        self._grant(grants)
        threading.Thread(target=self._listen, name="grants", daemon=True).start()

    def send(self, kind: Kind, header: dict[str, Any], body: bytes = b"") -> None:
        """Send a frame; waits while the pipe is full. Without a reader this process ends.

        Raises SourceTooLarge where the service would not take it; the pipe is whole then.
        """
        frame = encode(kind, header, body)
        if len(frame) > MAX_FRAME_BYTES:
            raise SourceTooLarge(TOO_LARGE.format(megabytes=-(-len(frame) // 2**20)))
        left = memoryview(frame)
        try:
            while left:
                left = left[os.write(self._up, left) :]
        except BrokenPipeError:
            os._exit(0)

    def send_batch(self, header: dict[str, Any], body: bytes) -> None:
        """Send a batch as soon as one is granted."""
        self._credits.acquire()
        self.send(Kind.BATCH, header, body)

    def draw(self) -> None:
        """Ask for a token of the quota, and wait for it."""
        self.send(Kind.DRAW, {})
        self._tokens.acquire()

    def _read(self, size: int) -> bytes:
        """Exactly so many bytes, fewer only at the end; unbuffered, as a thread may wait here for ever."""
        content = bytearray()
        while len(content) < size and (part := os.read(self._down, size - len(content))):
            content += part
        return bytes(content)

    def _grant(self, batches: int) -> None:
        for _ in range(batches):
            self._credits.release()

    def _listen(self) -> None:
        """Runs beside the reading; leaves at once with the service, whatever library the reading is in."""
        with suppress(BrokenFrame, OSError, ValueError):
            while frame := read(self._read):
                kind, header, _ = frame
                if kind is Kind.GRANT:
                    self._grant(header.get("batches", 0))
                    for _ in range(header.get("tokens", 0)):
                        self._tokens.release()
        os._exit(0)


def _enlarge(pipe: int) -> None:
    """A larger pipe is a favour of Linux, not a need."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
