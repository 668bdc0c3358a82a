"""A terminal of eighty columns with the command in it; closing it is what closing a window does."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from tests.integration.producer_cli.fake_service import TIMEOUT_SECONDS, CliRunner, cli_command
from tests.support.sighup import restore_sighup

ROWS, COLUMNS = 24, 80
ESCAPE_SEQUENCES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def _attach_terminal() -> None:
    restore_sighup()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class PseudoTerminal:
    """What is written to it is kept; a person would see the last of it."""

    def __init__(self, master: int, process: asyncio.subprocess.Process) -> None:
        self._master = master
        self._process = process
        self._raw = b""
        self._output_arrived = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    @classmethod
    @asynccontextmanager
    async def started(cls, cli: CliRunner, *arguments: str) -> AsyncIterator[Self]:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        process = await asyncio.create_subprocess_exec(
            *cli_command(arguments),
            cwd=cli.folder,
            env=cli.environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_attach_terminal,
        )
        os.close(slave)
        terminal = cls(master, process)
        try:
            yield terminal
        finally:
            terminal.close()
            if process.returncode is None:
                process.kill()
                await process.wait()

    @property
    def text(self) -> str:
        """All that was written, without what moves the cursor and paints."""
        return ESCAPE_SEQUENCES.sub("", self._raw.decode(errors="replace"))

    @property
    def cursor_is_shown(self) -> bool:
        """Whether the last word about the cursor was to show it."""
        return self._raw.rfind(b"\x1b[?25h") > self._raw.rfind(b"\x1b[?25l")

    async def wait_for(self, *parts: str) -> None:
        """Wait until all of these were written."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not all(part in self.text for part in parts):
                self._output_arrived.clear()
                await self._output_arrived.wait()

    def press_ctrl_c(self) -> None:
        os.write(self._master, b"\x03")

    def close(self) -> None:
        """Close the window: the session gets SIGHUP."""
        if self._master >= 0:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            self._master = -1

    async def wait(self) -> int:
        """The exit code; negative for a signal."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self._process.wait()

    def _read(self) -> None:
        try:
            self._raw += os.read(self._master, 65_536)
        except OSError:
            # The other end is closed.
            asyncio.get_running_loop().remove_reader(self._master)
        self._output_arrived.set()
