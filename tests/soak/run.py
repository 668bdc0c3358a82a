"""Carries a plan out: requests, faults of replicas and of servers side by side; then quiet; then judges."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.soak import judging
from tests.soak.asking import Asking
from tests.soak.plan import Fault, Plan
from tests.soak.pool import Source, make_pool
from tests.soak.processes import Processes
from tests.soak.servers import Servers
from tests.soak.story import Story
from tests.soak.world import SoakWorld, soak_world
from tests.support.faults import group
from tests.support.faults.oracle import quiet
from tests.support.wait import until

QUIET_SECONDS = 900
"""A job that failed five times in a row waits five minutes and a little, and others may be before it."""


def soak(plan: Plan, folder: Path, story: Story, share: float = 1.0) -> None:
    """Carry the plan out in a folder, with a share of the usual rows; what was found is in the story."""
    sources = folder / "sources"
    sources.mkdir(parents=True)
    story.say("making the sources")
    pool = make_pool(sources, plan.seed, share)
    story.say("starting Kafka, Postgres and the replicas")
    with soak_world(folder / "world") as world:
        for source in pool.values():
            world.lay_out(source)
        world.start()
        _Soak(world, pool, plan, story).run()


class _Soak:
    def __init__(self, world: SoakWorld, pool: Mapping[str, Source], plan: Plan, story: Story) -> None:
        self._world = world
        self._pool = pool
        self._plan = plan
        self._story = story
        self._over = threading.Event()
        self._processes = Processes(world, story, self._over.wait)
        self._servers = Servers(world, story, self._over.wait)

    def run(self) -> None:
        self._story.begin()
        asking = Asking(self._world, self._pool, self._story)
        with ThreadPoolExecutor(3) as lanes, self._ending():
            running = {
                "requests": lanes.submit(self._in_time, asking.actions(self._plan), to_the_end=True),
                "replicas": lanes.submit(
                    self._in_time, self._each(self._plan.processes, self._processes.do), to_the_end=False
                ),
                "servers": lanes.submit(
                    self._in_time, self._each(self._plan.servers, self._servers.do), to_the_end=False
                ),
            }
            wait(running.values())
        for name, lane in running.items():
            if error := lane.exception():
                self._story.finding(f"{name} broke off: {type(error).__name__}: {error}")
        self._rest()
        judging.judge(self._world, self._pool, self._plan, self._story)

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Whoever interrupts the soak need not wait for the rest of it."""
        try:
            yield
        except BaseException:
            self._over.set()
            raise

    @staticmethod
    def _each(faults: Iterable[Fault], do: Callable[[Fault], None]) -> list[tuple[float, Callable[[], None]]]:
        return [(fault.at, partial(do, fault)) for fault in faults]

    def _in_time(self, actions: Iterable[tuple[float, Callable[[], None]]], *, to_the_end: bool) -> None:
        """Each action at its time, or as soon as the one before is over."""
        for at, act in actions:
            self._over.wait(max(0.0, at - self._story.now))
            if self._over.is_set() or (not to_the_end and self._story.now > self._plan.seconds):
                break
            act()

    def _rest(self) -> None:
        """Nothing breaks any more: all that was asked must come to its end."""
        self._story.say("no more faults: waiting for every job to end")
        for proxy in (self._world.postgres, *(self._world.cluster.proxies if self._world.cluster else ())):
            proxy.heal()
        self._world.google.mend()
        self._processes.look()
        try:
            behind = self._world.bootstrap_servers
            until(lambda: group.behind(behind) == 0, QUIET_SECONDS, "every message to be taken")
            quiet(self._world, QUIET_SECONDS)
        except AssertionError as error:
            self._story.finding(f"{error}: {self._open_jobs()}")
        self._story.say("quiet")
        self._processes.look()

    def _open_jobs(self) -> list[tuple[object, ...]]:
        with suppress(OSError):
            return self._world.rows.ask(judging.OPEN_JOBS)
        return []
