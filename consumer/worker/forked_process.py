"""A child of the fork server, with the interface of `asyncio.subprocess.Process`."""

import asyncio
from collections.abc import Callable

from consumer.fork_protocol import Reply, ReplyType
from consumer.worker.child_pipes import ChildPipes


class ForkServerLostError(Exception):
    """The fork server has ended, and its children with it: what they did counts as stopped by a drain."""

    def __init__(self) -> None:
        super().__init__("the fork server has ended, and its children with it")


class ForkedProcess:
    """One child: its pipes, and what the server reports about it.

    `request_kill` has the server kill it, which knows whether it has reaped it: then another process may have
    its pid.
    """

    def __init__(self, pipes: ChildPipes, request_kill: Callable[[], None]) -> None:
        self.stdin, self.stdout, self.stderr = pipes.stdin, pipes.stdout, pipes.stderr
        self.kill = request_kill
        loop = asyncio.get_running_loop()
        self._started: asyncio.Future[Reply | None] = loop.create_future()
        self._ended: asyncio.Future[Reply | None] = loop.create_future()

    @property
    def pid(self) -> int:
        """Process id, for logs; 0 if none was reported."""
        reply = self._started.result() if self._started.done() else None
        return reply.number if reply is not None else 0

    @property
    def returncode(self) -> int | None:
        """Its exit code (negative: the number of a signal), None until its end was reported."""
        reply = self._ended.result() if self._ended.done() else None
        return reply.number if reply is not None else None

    async def wait_started(self) -> Reply:
        """The first report, STARTED or REFUSED; raises ForkServerLostError."""
        return _require(await asyncio.shield(self._started))

    async def wait(self) -> int:
        """Wait for its end; returns its exit code. Raises ForkServerLostError."""
        return _require(await asyncio.shield(self._ended)).number

    def on_reply(self, reply: Reply | None) -> None:
        """Take a report about it; None: the server has ended."""
        if not self._started.done():
            self._started.set_result(reply)
        if (reply is None or reply.type is not ReplyType.STARTED) and not self._ended.done():
            self._ended.set_result(reply)


def _require(reply: Reply | None) -> Reply:
    if reply is None:
        raise ForkServerLostError
    return reply
