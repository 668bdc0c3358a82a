"""What befalls replicas: killed, frozen, drained, robbed of children. Each is whole again afterwards."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Mapping

from devstack.service import ServiceProcess
from tests.soak.harness import SoakHarness
from tests.soak.log import SoakLog
from tests.soak.plan import PlannedFault
from tests.support.wait import wait_until

DRAIN_SECONDS = 25.0
SLACK_SECONDS = 3.0
"""For the end of a process on a busy machine."""
AT_ONCE_SECONDS = 3.0
AT_WORK_SHARE = 0.8
START_SECONDS = 15.0
POLL_SECONDS = 0.25
SETTLE_SECONDS = 1.5
FAILPOINTS = (
    *("batch.copying", "batch.copied", "batch.fenced", "batch.merged", "batch.recorded", "batch.committed"),
    *("outcome.before_write", "outcome.written", "outcome.committed", "claim.committed", "child.started"),
    *("intake.before_record", "intake.recorded", "intake.offset_committed", "heartbeat.before"),
    *("relay.before_send", "relay.sent", "relay.marked"),
)
Wait = Callable[[float], object]


class ProcessFaults:
    """Does one fault after the other; `wait` waits for some seconds."""

    def __init__(self, harness: SoakHarness, log: SoakLog, wait: Wait) -> None:
        self._harness = harness
        self._log = log
        self._wait = wait
        self._injectors: Mapping[str, Callable[[PlannedFault, int, random.Random], None]] = {
            "kill -9 of a replica": self._kill,
            "a replica killed at a named point": self._kill_at_failpoint,
            "a replica frozen beyond its lease": self._freeze,
            "SIGTERM and start": self._drain,
            "SIGTERM twice": self._drain_twice,
            "kill -9 of the children": self._kill_children,
            "kill -9 of the fork server": self._kill_fork_server,
            "both replicas killed": self._kill_both,
        }

    def inject(self, fault: PlannedFault) -> None:
        """Inject the fault, and check that no process ended for another reason."""
        chance = random.Random(fault.seed)
        slot = chance.randrange(len(self._harness.slots))
        if chance.random() < AT_WORK_SHARE:
            self._wait_until_working(self._harness.slots[slot])
        self.check_replicas()
        self._log.fault_started(fault.kind, fault.seconds)
        self._injectors[fault.kind](fault, slot, chance)

    def _wait_until_working(self, replica: ServiceProcess) -> None:
        """Most faults meet a replica at work; it may be kept from working by a server that is away."""
        until = time.monotonic() + START_SECONDS
        while replica.running and not replica.log_events("service.started") and time.monotonic() < until:
            if self._wait(POLL_SECONDS):
                break
        self._wait(SETTLE_SECONDS)

    def check_replicas(self) -> None:
        """Every replica lives, unless it was a fault that ended it; one that does not is started again."""
        for slot, replica in enumerate(self._harness.slots):
            if not replica.running:
                self._log.add_finding(
                    f"{replica.name} ended by itself with {replica.wait()}: {replica.log_tail()[-800:]}"
                )
                self._harness.restart_replica(slot)

    def _kill(self, fault: PlannedFault, slot: int, _: random.Random) -> None:
        self._harness.slots[slot].kill()
        self._wait(fault.seconds)
        self._harness.restart_replica(slot)

    def _kill_both(self, fault: PlannedFault, *_: object) -> None:
        for replica in self._harness.slots:
            replica.kill()
        self._wait(fault.seconds)
        for slot in range(len(self._harness.slots)):
            self._harness.restart_replica(slot)

    def _kill_at_failpoint(self, fault: PlannedFault, slot: int, rng: random.Random) -> None:
        """The one there is drained first; the armed one may not come to its point."""
        self._drain_and_check(self._harness.slots[slot])
        armed = self._harness.restart_replica(slot, f"{rng.choice(FAILPOINTS)}=kill@{rng.randint(1, 4)}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            armed.wait(fault.seconds)
        if armed.running:
            armed.kill()
        elif armed.wait() != -signal.SIGKILL:
            self._log.add_finding(f"{armed.name} ended with {armed.wait()}: {armed.log_tail()[-800:]}")
        self._harness.restart_replica(slot)

    def _freeze(self, fault: PlannedFault, slot: int, _: random.Random) -> None:
        replica = self._harness.slots[slot]
        replica.signal(signal.SIGSTOP)
        self._wait(fault.seconds)
        replica.signal(signal.SIGCONT)

    def _drain(self, fault: PlannedFault, slot: int, _: random.Random) -> None:
        self._drain_and_check(self._harness.slots[slot])
        self._wait(fault.seconds)
        self._harness.restart_replica(slot)

    def _drain_and_check(self, replica: ServiceProcess) -> None:
        """It ends with 0 in its time, whatever is broken beside; before it takes signals, of the signal."""
        began = time.monotonic()
        takes_signals = bool(replica.log_events("http.listening"))
        replica.signal(signal.SIGTERM)
        try:
            code = replica.wait(DRAIN_SECONDS + SLACK_SECONDS)
        except subprocess.TimeoutExpired:
            self._log.add_finding(
                f"{replica.name} lived longer than {DRAIN_SECONDS:.0f} s: {replica.log_tail()[-800:]}"
            )
            replica.kill()
            return
        seconds = time.monotonic() - began
        self._log.write(f"{replica.name} ended with {code} after {seconds:.1f} s")
        if code != 0 and (takes_signals or code != -signal.SIGTERM):
            self._log.add_finding(
                f"{replica.name} was drained and ended with {code}: {replica.log_tail()[-800:]}"
            )

    def _drain_twice(self, fault: PlannedFault, slot: int, _: random.Random) -> None:
        replica = self._harness.slots[slot]
        replica.signal(signal.SIGTERM)
        self._wait(fault.seconds)
        if replica.running:
            replica.signal(signal.SIGTERM)
        wait_until(
            lambda: not replica.running, AT_ONCE_SECONDS, f"{replica.name} to end at the second SIGTERM"
        )
        self._harness.restart_replica(slot)

    def _kill_children(self, _: PlannedFault, slot: int, __: random.Random) -> None:
        for child in self._harness.slots[slot].child_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def _kill_fork_server(self, _: PlannedFault, slot: int, __: random.Random) -> None:
        """The replica goes on, with another one."""
        if server := self._harness.slots[slot].fork_server_pid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)
