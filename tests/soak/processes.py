"""What befalls replicas: killed, frozen, drained, robbed of children. Each is whole again afterwards."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Mapping

from tests.soak.plan import Fault
from tests.soak.story import Story
from tests.soak.world import SoakWorld
from tests.support.service import Service
from tests.support.wait import until

DRAIN_SECONDS = 25.0
SLACK_SECONDS = 3.0
"""For the end of a process on a busy machine."""
AT_ONCE_SECONDS = 3.0
MOSTLY = 0.8
START_SECONDS = 15.0
LOOK_SECONDS = 0.25
AT_WORK_SECONDS = 1.5
POINTS = (
    *("batch.copying", "batch.copied", "batch.fenced", "batch.merged", "batch.recorded", "batch.committed"),
    *("settle.before", "settle.recorded", "settle.committed", "claim.committed", "child.started"),
    *("intake.before_record", "intake.recorded", "intake.offset_committed", "heartbeat.before"),
    *("relay.before_send", "relay.sent", "relay.marked"),
)
Wait = Callable[[float], object]


class Processes:
    """Does one fault after the other; `wait` waits for some seconds."""

    def __init__(self, world: SoakWorld, story: Story, wait: Wait) -> None:
        self._world = world
        self._story = story
        self._wait = wait
        self._kinds: Mapping[str, Callable[[Fault, int, random.Random], None]] = {
            "kill -9 of a replica": self._kill,
            "a replica killed at a named point": self._kill_at_a_point,
            "a replica frozen beyond its lease": self._freeze,
            "SIGTERM and start": self._drain,
            "SIGTERM twice": self._drain_twice,
            "kill -9 of the children": self._kill_children,
            "both replicas killed": self._kill_both,
        }

    def do(self, fault: Fault) -> None:
        """Do it, and see that nobody died of anything else."""
        chance = random.Random(fault.chance)
        slot = chance.randrange(len(self._world.slots))
        if chance.random() < MOSTLY:
            self._until_works(self._world.slots[slot])
        self.look()
        self._story.fault(fault.kind, fault.seconds)
        self._kinds[fault.kind](fault, slot, chance)

    def _until_works(self, replica: Service) -> None:
        """Most faults meet a replica at work; it may be kept from working by a server that is away."""
        until = time.monotonic() + START_SECONDS
        while replica.running and not replica.logged("service.started") and time.monotonic() < until:
            if self._wait(LOOK_SECONDS):
                break
        self._wait(AT_WORK_SECONDS)

    def look(self) -> None:
        """Every replica lives, unless it was a fault that ended it; one that does not is started again."""
        for slot, replica in enumerate(self._world.slots):
            if not replica.running:
                self._story.finding(
                    f"{replica.name} ended by itself with {replica.wait()}: {replica.tail()[-800:]}"
                )
                self._world.again(slot)

    def _kill(self, fault: Fault, slot: int, _: random.Random) -> None:
        self._world.slots[slot].kill()
        self._wait(fault.seconds)
        self._world.again(slot)

    def _kill_both(self, fault: Fault, *_: object) -> None:
        for replica in self._world.slots:
            replica.kill()
        self._wait(fault.seconds)
        for slot in range(len(self._world.slots)):
            self._world.again(slot)

    def _kill_at_a_point(self, fault: Fault, slot: int, chance: random.Random) -> None:
        """The one there is drained first; the armed one may not come to its point."""
        self._drained(self._world.slots[slot])
        armed = self._world.again(slot, f"{chance.choice(POINTS)}=kill@{chance.randint(1, 4)}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            armed.wait(fault.seconds)
        if armed.running:
            armed.kill()
        elif armed.wait() != -signal.SIGKILL:
            self._story.finding(f"{armed.name} ended with {armed.wait()}: {armed.tail()[-800:]}")
        self._world.again(slot)

    def _freeze(self, fault: Fault, slot: int, _: random.Random) -> None:
        replica = self._world.slots[slot]
        replica.signal(signal.SIGSTOP)
        self._wait(fault.seconds)
        replica.signal(signal.SIGCONT)

    def _drain(self, fault: Fault, slot: int, _: random.Random) -> None:
        self._drained(self._world.slots[slot])
        self._wait(fault.seconds)
        self._world.again(slot)

    def _drained(self, replica: Service) -> None:
        """It ends with 0 in its time, whatever is broken beside; before it takes signals, of the signal."""
        began = time.monotonic()
        takes_signals = bool(replica.logged("http.listening"))
        replica.signal(signal.SIGTERM)
        try:
            code = replica.wait(DRAIN_SECONDS + SLACK_SECONDS)
        except subprocess.TimeoutExpired:
            self._story.finding(
                f"{replica.name} lived longer than {DRAIN_SECONDS:.0f} s: {replica.tail()[-800:]}"
            )
            replica.kill()
            return
        seconds = time.monotonic() - began
        self._story.say(f"{replica.name} ended with {code} after {seconds:.1f} s")
        if code != 0 and (takes_signals or code != -signal.SIGTERM):
            self._story.finding(f"{replica.name} was drained and ended with {code}: {replica.tail()[-800:]}")

    def _drain_twice(self, fault: Fault, slot: int, _: random.Random) -> None:
        replica = self._world.slots[slot]
        replica.signal(signal.SIGTERM)
        self._wait(fault.seconds)
        if replica.running:
            replica.signal(signal.SIGTERM)
        until(lambda: not replica.running, AT_ONCE_SECONDS, f"{replica.name} to end at the second SIGTERM")
        self._world.again(slot)

    def _kill_children(self, _: Fault, slot: int, __: random.Random) -> None:
        for child in self._world.slots[slot].children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
