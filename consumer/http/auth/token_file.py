"""The tokens file: read at start and after each change. While it is invalid, no token is accepted."""

import errno
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from consumer.http.auth.tokens import InvalidTokensError, TokenSet, parse_tokens

log: structlog.stdlib.BoundLogger = structlog.get_logger("tokens")

MAX_BYTES = 1 << 20
"""About 8,000 tokens. Reading blocks the event loop, so the size is bounded."""
MTIME_GRANULARITY_SECONDS = 2.0
"""A file changed within this time may change again under the same time stamp (granularity: up to 1 s on ext3
and NFS, 2 s on FAT), so it is read again at the next request."""

Signature = tuple[int, int, int, int]
"""Device, inode, size, time of the last change. Retargeting a symbolic link changes the inode."""


class TokensUnreadableError(Exception):
    """The file cannot be read or is invalid; the text names it."""


class TokenFile:
    """The tokens of one file. `clock` returns wall-clock seconds, like file time stamps."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._signature: Signature | None = None
        self._content: bytes | None = None
        self._tokens: TokenSet | None = None
        self._problem: str | None = None

    @classmethod
    def open(cls, path: Path) -> "TokenFile":
        """Read the file for the first time; raises TokensUnreadableError."""
        opened = cls(path)
        opened.current()
        return opened

    def current(self) -> TokenSet:
        """The tokens in the file now; one `stat` if it has not changed. Raises TokensUnreadableError."""
        try:
            self._refresh()
        except OSError as error:
            self._signature = self._content = None
            self._mark_invalid(f"{self._path} cannot be read ({error.strerror or type(error).__name__})")
        if self._tokens is None:
            raise TokensUnreadableError(f"MIGRATION_HTTP_TOKENS_FILE: {self._problem}")
        return self._tokens

    def _refresh(self) -> None:
        status = self._path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would block the event loop
            raise OSError(errno.EINVAL, "not a regular file")
        if self._signature is None or _signature(status) != self._signature:
            self._read()

    def _read(self) -> None:
        """Signature and content come from one open file: a file replaced meanwhile is read next time."""
        with self._path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(MAX_BYTES + 1)
        settled = self._clock() - status.st_mtime > MTIME_GRANULARITY_SECONDS
        self._signature = _signature(status) if settled else None
        if content != self._content:
            self._content = content
            self._parse(content)

    def _parse(self, content: bytes) -> None:
        try:
            self._tokens, self._problem = parse_tokens(_decode(content)), None
        except InvalidTokensError as error:
            self._mark_invalid(f"{self._path} {error}")
            return
        log.info("tokens.loaded", path=str(self._path), names=[token.name for token in self._tokens.known])

    def _mark_invalid(self, problem: str) -> None:
        """Drop the known tokens: a typing error in the file must not keep a revoked token valid."""
        self._tokens = None
        if problem != self._problem:
            self._problem = problem
            log.error("tokens.unreadable", reason=problem)


def _signature(status: os.stat_result) -> Signature:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _decode(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise InvalidTokensError(f"is larger than {MAX_BYTES:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidTokensError("is not UTF-8") from None
