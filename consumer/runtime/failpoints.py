"""Named points at which a test kills, freezes, fails or delays this process. Unarmed they do nothing.

`batch.copied=kill@3; relay.sent=raise; heartbeat.before=hang@2+; worker.poll=block:15` arms four points: an
action, and from which hit on it happens (at that hit only, or with `+` at every later one too).
An extractor is armed by its START frame and counts its own hits.

The environment arms points only with both variables: MIGRATION_FAILPOINTS, and ENABLING_VALUE in
MIGRATION_FAILPOINTS_ENABLED. One stray variable in production does nothing.
"""

import asyncio
import os
import re
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

ENABLING_VALUE = "yes-break-this-process"
"""What MIGRATION_FAILPOINTS_ENABLED must hold for MIGRATION_FAILPOINTS to have an effect."""

FAILPOINTS: Mapping[str, str] = {
    "intake.before_record": "a message was read, its row is not written",
    "intake.recorded": "the row is committed, the offset is not",
    "intake.offset_committed": "the offset is committed",
    "claim.committed": "this replica has claimed a job, its task has not started",
    "child.started": "an extractor has its START frame",
    "child.chunk": "in the extractor: a chunk of the source was read",
    "batch.copying": "in the middle of a COPY: one piece was sent, the rest was not",
    "batch.copied": "the temp tables are filled, the job's row is not locked",
    "batch.fenced": "the fencing token was valid, and the job's row is locked",
    "batch.merged": "the target tables are written, the checkpoint is not",
    "batch.recorded": "all of a batch is written, nothing is committed",
    "batch.committed": "a batch is committed, the extractor has no credit for it yet",
    "batch.rejects_kept": "a batch exceeded the limit of its job, and its rejected rows are committed",
    "check.passed": "the check of a job that stores all rows or none is committed, and no row is loaded",
    "outcome.before_write": "the outcome of an attempt is known, not written",
    "outcome.written": "the outcome is written, not committed",
    "outcome.committed": "the outcome is committed",
    "heartbeat.before": "a lease is about to be renewed",
    "rescue.before": "the worker is about to look for jobs with expired leases",
    "relay.before_send": "events were read from the outbox",
    "relay.sent": "Kafka has acknowledged the events, they are not marked",
    "relay.marked": "the events are marked as published",
    "listener.poll": "the listening connection was opened or checked",
    "worker.poll": "the worker starts a round",
    "retention.started": "retention waits for its first round",
    "shutdown.started": "a signal to stop was received",
}
"""Every failpoint, and the state in which the process reaches it."""


class InvalidFailpointError(ValueError):
    """A specification that cannot be parsed; the message quotes the wrong part."""


class FailpointAction(StrEnum):
    """What happens at an armed point."""

    KILL = "kill"
    """SIGKILL to this process."""
    ABORT = "abort"
    """SIGABRT to this process, as libraries do when an allocation fails."""
    STOP = "stop"
    """SIGSTOP to this process, until SIGCONT arrives."""
    RAISE = "raise"
    """RuntimeError, which no caller expects."""
    HANG = "hang"
    """Never returns; a task can be cancelled there."""
    BLOCK = "block"
    """Blocks the thread, and with it the event loop, for the given seconds."""


@dataclass(slots=True)
class ArmedFailpoint:
    """The action of one point, and how often the point was reached."""

    action: FailpointAction
    seconds: float = 0.0
    after: int = 1
    repeat: bool = False
    hits: int = 0

    def register_hit(self) -> bool:
        """Count one hit; True if the action is due."""
        self.hits += 1
        return self.hits == self.after or (self.repeat and self.hits > self.after)


_armed: dict[str, ArmedFailpoint] = {}
_armed_spec = ""

SPEC_PATTERN = re.compile(
    r"(?P<point>[a-z_.]+)\s*=\s*(?P<action>[a-z]+)(:(?P<seconds>[0-9]+(\.[0-9]+)?))?"
    r"(@(?P<after>[1-9][0-9]*)(?P<repeat>\+)?)?"
)


def environment(spec: str) -> dict[str, str]:
    """The variables that arm `spec` in a process of the service; none for an empty one."""
    if not spec:
        return {}
    return {"MIGRATION_FAILPOINTS": spec, "MIGRATION_FAILPOINTS_ENABLED": ENABLING_VALUE}


def parse(spec: str) -> dict[str, ArmedFailpoint]:
    """Armed failpoints by point; raises InvalidFailpointError."""
    armed: dict[str, ArmedFailpoint] = {}
    for part in filter(None, map(str.strip, spec.split(";"))):
        point, failpoint = _parse_one(part)
        if point in armed:
            raise InvalidFailpointError(f"{point} is armed twice: give each point one action")
        armed[point] = failpoint
    return armed


def _parse_one(part: str) -> tuple[str, ArmedFailpoint]:
    match = SPEC_PATTERN.fullmatch(part)
    if match is None:
        raise InvalidFailpointError(f"cannot parse {part!r}: write it like batch.copied=kill@3")
    if match["point"] not in FAILPOINTS:
        raise InvalidFailpointError(f"there is no point {match['point']}; there are {', '.join(FAILPOINTS)}")
    if match["action"] not in set(FailpointAction):
        raise InvalidFailpointError(
            f"there is no action {match['action']}; there are {', '.join(FailpointAction)}"
        )
    action = FailpointAction(match["action"])
    if (action is FailpointAction.BLOCK) != (match["seconds"] is not None):
        raise InvalidFailpointError(f"{part!r}: block, and no other action, takes seconds, as in block:15")
    failpoint = ArmedFailpoint(
        action, float(match["seconds"] or 0), int(match["after"] or 1), match["repeat"] is not None
    )
    return match["point"], failpoint


def arm(spec: str) -> None:
    """Arm these points, in place of those armed before; raises InvalidFailpointError."""
    global _armed_spec  # a process has one set of failpoints, like its signal handlers
    armed = parse(spec)
    _armed.clear()
    _armed.update(armed)
    _armed_spec = spec


def armed_spec() -> str:
    """What is armed, for the START frame of an extractor."""
    return _armed_spec


async def failpoint(point: str) -> None:
    """Perform the action of the point if it is armed and due."""
    if (armed := _armed.get(point)) is not None and armed.register_hit():
        await _trigger(point, armed)


def failpoint_sync(point: str) -> None:
    """`failpoint` for code without an event loop; HANG cannot be cancelled there."""
    if (armed := _armed.get(point)) is not None and armed.register_hit():
        _trigger_sync(point, armed)


async def _trigger(point: str, armed: ArmedFailpoint) -> None:
    if armed.action is FailpointAction.HANG:
        await asyncio.Event().wait()
    _trigger_sync(point, armed)


def _trigger_sync(point: str, armed: ArmedFailpoint) -> None:
    match armed.action:
        case FailpointAction.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case FailpointAction.ABORT:
            os.abort()
        case FailpointAction.STOP:
            # To this thread: a signal to the process may reach another thread, and this one would run on.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        case FailpointAction.RAISE:
            raise RuntimeError(f"the failpoint {point} raised")
        case FailpointAction.HANG:
            threading.Event().wait()
        case FailpointAction.BLOCK:
            time.sleep(armed.seconds)
        case _:
            assert_never(armed.action)
