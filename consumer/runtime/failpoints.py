"""Named points where a test has this process killed, frozen, failed or held; none acts unless it is armed.

`batch.copied=kill@3; relay.sent=raise; heartbeat.before=hang@2+; worker.poll=block:15` arms four points:
a kind of fault, and from the how-manieth time the point is reached (once, or with `+` every time from there).
A child of the service is armed by its orders, and counts for itself.
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

FAILPOINTS: Mapping[str, str] = {
    "intake.before_record": "a message was read, its row is not written",
    "intake.recorded": "the row is committed, the offset is not",
    "intake.offset_committed": "the offset is committed",
    "claim.committed": "a job is ours in Postgres, and its task has not begun",
    "child.started": "a child has its orders",
    "child.chunk": "in the child: a chunk of the source was read",
    "batch.copying": "in the middle of a COPY: a piece was sent, others or the end of it were not",
    "batch.copied": "the stage tables are full, the job's row is not locked",
    "batch.fenced": "the token was ours, and nobody can change it",
    "batch.merged": "the target tables are written, the checkpoint is not",
    "batch.recorded": "all of a batch is written, nothing is committed",
    "batch.committed": "a batch is committed, and the child does not know",
    "outcome.before_write": "the outcome of an attempt is known and not written",
    "outcome.written": "the outcome is written, nothing is committed",
    "outcome.committed": "the outcome is committed",
    "heartbeat.before": "a heartbeat is due",
    "rescue.before": "the worker is about to look for jobs whose owner is gone",
    "relay.before_send": "events were taken from the outbox",
    "relay.sent": "Kafka has answered for the events, and they are not marked",
    "relay.marked": "the events are marked as published",
    "listener.poll": "the listening connection stands, or was looked at",
    "worker.poll": "the worker begins a round",
    "retention.started": "the retention waits for its first round",
    "shutdown.started": "the service was told to stop",
}
"""Every point there is, and how things stand when it is reached."""


class InvalidFailpointError(ValueError):
    """The text does not arm anything: it names what is wrong."""


class FailpointAction(StrEnum):
    """What happens at a point."""

    KILL = "kill"
    """SIGKILL to itself."""
    ABORT = "abort"
    """SIGABRT to itself, as libraries do where memory is refused."""
    STOP = "stop"
    """SIGSTOP to itself, until somebody sends SIGCONT."""
    RAISE = "raise"
    """An error nobody foresaw."""
    HANG = "hang"
    """Never goes on; a task can be cancelled there."""
    BLOCK = "block"
    """The thread, and an event loop in it, does nothing for some seconds."""


@dataclass(slots=True)
class ArmedFailpoint:
    """One armed point; `hits` counts."""

    action: FailpointAction
    seconds: float = 0.0
    after: int = 1
    repeat: bool = False
    hits: int = 0

    def register_hit(self) -> bool:
        """Count one more time the point is reached; whether the fault happens now."""
        self.hits += 1
        return self.hits == self.after or (self.repeat and self.hits > self.after)


_armed: dict[str, ArmedFailpoint] = {}
_armed_spec = ""

SPEC_PATTERN = re.compile(
    r"(?P<point>[a-z_.]+)\s*=\s*(?P<action>[a-z]+)(:(?P<seconds>[0-9]+(\.[0-9]+)?))?(@(?P<after>[1-9][0-9]*)(?P<repeat>\+)?)?"
)


def parse(text: str) -> dict[str, ArmedFailpoint]:
    """Faults by point; raises InvalidFailpointError."""
    faults: dict[str, ArmedFailpoint] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        point, fault = _parse_one(part)
        if point in faults:
            raise InvalidFailpointError(f"{point} is armed twice: give each point one fault")
        faults[point] = fault
    return faults


def _parse_one(part: str) -> tuple[str, ArmedFailpoint]:
    found = SPEC_PATTERN.fullmatch(part)
    if found is None:
        raise InvalidFailpointError(f"{part!r} is not understood: write it like batch.copied=kill@3")
    if found["point"] not in FAILPOINTS:
        raise InvalidFailpointError(f"there is no point {found['point']}; there are {', '.join(FAILPOINTS)}")
    if found["action"] not in set(FailpointAction):
        raise InvalidFailpointError(
            f"there is no fault {found['kind']}; there are {', '.join(FailpointAction)}"
        )
    kind = FailpointAction(found["action"])
    if (kind is FailpointAction.BLOCK) != (found["seconds"] is not None):
        raise InvalidFailpointError(f"{part!r}: block, and nothing else, takes seconds, as in block:15")
    fault = ArmedFailpoint(
        kind, float(found["seconds"] or 0), int(found["after"] or 1), found["repeat"] is not None
    )
    return found["point"], fault


def arm(text: str) -> None:
    """Arm the points of this process in place of those armed before; raises InvalidFailpointError."""
    global _text  # the points of a process are one set, like its signal handlers
    faults = parse(text)
    _armed.clear()
    _armed.update(faults)
    _armed_spec = text


def armed_spec() -> str:
    """What was armed, for the orders of a child."""
    return _armed_spec


async def failpoint(point: str) -> None:
    """Do what the point is armed with, most often nothing."""
    if (fault := _armed.get(point)) is not None and fault.register_hit():
        await _trigger(point, fault)


def failpoint_sync(point: str) -> None:
    """The same for code without an event loop; what hangs cannot be cancelled."""
    if (fault := _armed.get(point)) is not None and fault.register_hit():
        _trigger_sync(point, fault)


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
            # To this very thread: sent to the process, another one might take it, and this one go on a bit.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        case FailpointAction.RAISE:
            raise RuntimeError(f"the fault armed at {point}")
        case FailpointAction.HANG:
            threading.Event().wait()
        case FailpointAction.BLOCK:
            time.sleep(armed.seconds)
        case _:
            assert_never(armed.kind)
