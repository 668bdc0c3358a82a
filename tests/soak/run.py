"""Carries a plan out: requests, faults of replicas and of servers side by side; then quiet; then judges."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.soak import verdict
from tests.soak.harness import SoakHarness, start_soak_harness
from tests.soak.log import SoakLog
from tests.soak.plan import Plan, PlannedFault
from tests.soak.process_faults import ProcessFaults
from tests.soak.publisher import RequestPublisher
from tests.soak.server_faults import ServerFaults
from tests.soak.sources import SoakSource, make_sources
from tests.support.faults import consumer_group
from tests.support.faults.oracle import wait_until_quiet
from tests.support.wait import wait_until

QUIET_TIMEOUT_SECONDS = 900
"""A job that failed five times in a row waits five minutes and a little, and others may be before it."""


def run_soak(plan: Plan, folder: Path, log: SoakLog, row_share: float = 1.0) -> None:
    """Carry the plan out in a folder, with a share of the usual rows; what was found is in the story."""
    sources = folder / "sources"
    sources.mkdir(parents=True)
    log.write("making the sources")
    pool = make_sources(sources, plan.seed, row_share)
    log.write("starting Kafka, Postgres and the replicas")
    with start_soak_harness(folder / "harness") as harness:
        for source in pool.values():
            harness.add_source(source)
        harness.start()
        _SoakRun(harness, pool, plan, log).run()


class _SoakRun:
    def __init__(
        self, harness: SoakHarness, sources: Mapping[str, SoakSource], plan: Plan, log: SoakLog
    ) -> None:
        self._harness = harness
        self._sources = sources
        self._plan = plan
        self._log = log
        self._stop = threading.Event()
        self._process_faults = ProcessFaults(harness, log, self._stop.wait)
        self._server_faults = ServerFaults(harness, log, self._stop.wait)

    def run(self) -> None:
        self._log.start()
        publisher = RequestPublisher(self._harness, self._sources, self._log)
        with ThreadPoolExecutor(3) as lanes, self._stop_on_error():
            running = {
                "requests": lanes.submit(
                    self._run_on_schedule, publisher.actions(self._plan), past_deadline=True
                ),
                "replicas": lanes.submit(
                    self._run_on_schedule,
                    self._schedule(self._plan.process_faults, self._process_faults.inject),
                    past_deadline=False,
                ),
                "servers": lanes.submit(
                    self._run_on_schedule,
                    self._schedule(self._plan.server_faults, self._server_faults.inject),
                    past_deadline=False,
                ),
            }
            wait(running.values())
        for name, lane in running.items():
            if error := lane.exception():
                self._log.add_finding(f"{name} broke off: {type(error).__name__}: {error}")
        self._settle()
        verdict.record_findings(self._harness, self._sources, self._plan, self._log)

    @contextmanager
    def _stop_on_error(self) -> Iterator[None]:
        """Whoever interrupts the soak need not wait for the rest of it."""
        try:
            yield
        except BaseException:
            self._stop.set()
            raise

    @staticmethod
    def _schedule(
        faults: Iterable[PlannedFault], do: Callable[[PlannedFault], None]
    ) -> list[tuple[float, Callable[[], None]]]:
        return [(fault.at, partial(do, fault)) for fault in faults]

    def _run_on_schedule(
        self, actions: Iterable[tuple[float, Callable[[], None]]], *, past_deadline: bool
    ) -> None:
        """Each action at its time, or as soon as the one before is over."""
        for at, act in actions:
            self._stop.wait(max(0.0, at - self._log.elapsed))
            if self._stop.is_set() or (not past_deadline and self._log.elapsed > self._plan.seconds):
                break
            act()

    def _settle(self) -> None:
        """Nothing breaks any more: all that was asked must come to its end."""
        self._log.write("no more faults: waiting for every job to end")
        for proxy in (
            self._harness.postgres_proxy,
            *(self._harness.cluster.proxies if self._harness.cluster else ()),
        ):
            proxy.heal()
        self._harness.google.clear_faults()
        self._process_faults.check_replicas()
        try:
            behind = self._harness.bootstrap_servers
            wait_until(
                lambda: consumer_group.lag(behind) == 0, QUIET_TIMEOUT_SECONDS, "every message to be taken"
            )
            wait_until_quiet(self._harness, QUIET_TIMEOUT_SECONDS)
        except AssertionError as error:
            self._log.add_finding(f"{error}: {self._open_jobs()}")
        self._log.write("quiet")
        self._process_faults.check_replicas()

    def _open_jobs(self) -> list[tuple[object, ...]]:
        with suppress(OSError):
            return self._harness.db.fetch(verdict.OPEN_JOBS)
        return []
