"""Named points where a test has this process killed, frozen, failed or held; none acts unless it is armed.

`batch.copied=kill@3; relay.sent=raise; heartbeat.before=hang@2+; worker.round=block:15` arms four points:
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

POINTS: Mapping[str, str] = {
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
    "settle.before": "the outcome of an attempt is known and not written",
    "settle.recorded": "the outcome is written, nothing is committed",
    "settle.committed": "the outcome is committed",
    "heartbeat.before": "a heartbeat is due",
    "rescue.before": "the worker is about to look for jobs whose owner is gone",
    "relay.before_send": "events were taken from the outbox",
    "relay.sent": "Kafka has answered for the events, and they are not marked",
    "relay.marked": "the events are marked as published",
    "listener.round": "the listening connection stands, or was looked at",
    "worker.round": "the worker begins a round",
    "retention.begun": "the retention waits for its first round",
    "shutdown.begun": "the service was told to stop",
}
"""Every point there is, and how things stand when it is reached."""


class WrongFaults(ValueError):
    """The text does not arm anything: it names what is wrong."""


class Kind(StrEnum):
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
class Fault:
    """One armed point; `reached` counts."""

    kind: Kind
    seconds: float = 0.0
    first: int = 1
    again: bool = False
    reached: int = 0

    def due(self) -> bool:
        """Count one more time the point is reached; whether the fault happens now."""
        self.reached += 1
        return self.reached == self.first or (self.again and self.reached > self.first)


_armed: dict[str, Fault] = {}
_text = ""

ONE = re.compile(
    r"(?P<point>[a-z_.]+)\s*=\s*(?P<kind>[a-z]+)(:(?P<seconds>[0-9]+(\.[0-9]+)?))?(@(?P<first>[1-9][0-9]*)(?P<again>\+)?)?"
)


def parse(text: str) -> dict[str, Fault]:
    """Faults by point; raises WrongFaults."""
    faults: dict[str, Fault] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        point, fault = _one(part)
        if point in faults:
            raise WrongFaults(f"{point} is armed twice: give each point one fault")
        faults[point] = fault
    return faults


def _one(part: str) -> tuple[str, Fault]:
    found = ONE.fullmatch(part)
    if found is None:
        raise WrongFaults(f"{part!r} is not understood: write it like batch.copied=kill@3")
    if found["point"] not in POINTS:
        raise WrongFaults(f"there is no point {found['point']}; there are {', '.join(POINTS)}")
    if found["kind"] not in set(Kind):
        raise WrongFaults(f"there is no fault {found['kind']}; there are {', '.join(Kind)}")
    kind = Kind(found["kind"])
    if (kind is Kind.BLOCK) != (found["seconds"] is not None):
        raise WrongFaults(f"{part!r}: block, and nothing else, takes seconds, as in block:15")
    fault = Fault(kind, float(found["seconds"] or 0), int(found["first"] or 1), found["again"] is not None)
    return found["point"], fault


def arm(text: str) -> None:
    """Arm the points of this process in place of those armed before; raises WrongFaults."""
    global _text  # the points of a process are one set, like its signal handlers
    faults = parse(text)
    _armed.clear()
    _armed.update(faults)
    _text = text


def armed() -> str:
    """What was armed, for the orders of a child."""
    return _text


async def reach(point: str) -> None:
    """Do what the point is armed with, most often nothing."""
    if (fault := _armed.get(point)) is not None and fault.due():
        await _happen(point, fault)


def reach_now(point: str) -> None:
    """The same for code without an event loop; what hangs cannot be cancelled."""
    if (fault := _armed.get(point)) is not None and fault.due():
        _happen_now(point, fault)


async def _happen(point: str, fault: Fault) -> None:
    if fault.kind is Kind.HANG:
        await asyncio.Event().wait()
    _happen_now(point, fault)


def _happen_now(point: str, fault: Fault) -> None:
    match fault.kind:
        case Kind.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case Kind.ABORT:
            os.abort()
        case Kind.STOP:
            # To this very thread: sent to the process, another one might take it, and this one go on a bit.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        case Kind.RAISE:
            raise RuntimeError(f"the fault armed at {point}")
        case Kind.HANG:
            threading.Event().wait()
        case Kind.BLOCK:
            time.sleep(fault.seconds)
        case _:
            assert_never(fault.kind)
