"""What befalls Postgres, Kafka, Google and the network to them. Each is whole again afterwards."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from devstack.sheets.server import Fault as GoogleFault
from tests.soak.plan import Fault
from tests.soak.story import Story
from tests.soak.world import SoakWorld
from tests.support.faults.postgres import writes
from tests.support.faults.proxy import Proxy

Wait = Callable[[float], object]
Break = Callable[[random.Random], AbstractContextManager[None]]

END_BACKENDS = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name like 'chat-migration%' and pid % 3 = any ($1::int[])
"""
MOST_MILLISECONDS = 120
QUOTA_SECONDS = 2
LOSS_SECONDS = 10


class Servers:
    """Does one fault after the other; `wait` waits for some seconds."""

    def __init__(self, world: SoakWorld, story: Story, wait: Wait) -> None:
        self._world = world
        self._story = story
        self._wait = wait
        postgres, kafka = world.postgres, world.cluster.proxies[0] if world.cluster else world.postgres
        swallowed = {"Postgres": postgres, "Kafka": kafka}
        self._kinds: Mapping[str, Break] = {
            "the answer to a COMMIT lost": self._lose_answer,
            "backends ended": self._end_backends,
            "Postgres restarted at once": self._stop_postgres,
            "Postgres stopped for long": self._stop_postgres,
            "the broker stopped and started": lambda chance: self._broker(chance, kill=False),
            "kill -9 of the broker": lambda chance: self._broker(chance, kill=True),
            "Postgres silent": lambda _: _broken(postgres, postgres.silence),
            "Postgres slow": lambda chance: _slow(postgres, chance),
            "Kafka slow": lambda chance: _slow(kafka, chance),
            **{f"connections to {name} reset": _resets(one) for name, one in swallowed.items()},
            **{f"{name} cut off": _cuts(one) for name, one in swallowed.items()},
            **{f"{name} swallowed": _swallows(one) for name, one in swallowed.items()},
            **{f"{name} swallowed for long": _swallows(one) for name, one in swallowed.items()},
            "Google: 429": lambda _: self._google(GoogleFault.too_many(QUOTA_SECONDS)),
            "Google: 503": lambda _: self._google(GoogleFault.unavailable()),
            "Google: cut off in the middle": lambda _: self._google(GoogleFault.cut_off()),
            "Google: no answer": lambda _: self._google(GoogleFault.hang()),
        }

    def do(self, fault: Fault) -> None:
        """Do it for its time."""
        self._story.fault(fault.kind, fault.seconds)
        with self._kinds[fault.kind](random.Random(fault.chance)):
            self._wait(fault.seconds)

    @contextmanager
    def _lose_answer(self, chance: random.Random) -> Iterator[None]:
        loss = self._world.postgres.lose_answer(chance.randint(1, 12), writes)
        yield
        loss.happened.wait(LOSS_SECONDS)
        self._world.postgres.loss = None
        if loss.commit is None:
            self._story.undone("the answer to a COMMIT lost")  # so many did not come

    @contextmanager
    def _end_backends(self, chance: random.Random) -> Iterator[None]:
        self._world.rows.ask(END_BACKENDS, chance.choice([[0], [1, 2], [0, 1, 2]]))
        yield

    @contextmanager
    def _stop_postgres(self, _: random.Random) -> Iterator[None]:
        self._world.stop_at_once()
        try:
            yield
        finally:
            self._world.server.start()

    @contextmanager
    def _broker(self, _: random.Random, *, kill: bool) -> Iterator[None]:
        assert self._world.cluster is not None
        [broker] = self._world.cluster.brokers
        broker.kill() if kill else broker.stop()
        try:
            yield
        finally:
            broker.start()

    @contextmanager
    def _google(self, fault: GoogleFault) -> Iterator[None]:
        self._world.google.fail(fault, times=None)
        try:
            yield
        finally:
            self._world.google.mend()


@contextmanager
def _broken(proxy: Proxy, how: Callable[[], None]) -> Iterator[None]:
    how()
    try:
        yield
    finally:
        proxy.heal()


def _slow(proxy: Proxy, chance: random.Random) -> AbstractContextManager[None]:
    return _broken(proxy, lambda: proxy.delay(chance.uniform(10, MOST_MILLISECONDS)))


def _resets(proxy: Proxy) -> Break:
    return lambda _: _broken(proxy, proxy.reset)


def _cuts(proxy: Proxy) -> Break:
    return lambda _: _broken(proxy, proxy.cut)


def _swallows(proxy: Proxy) -> Break:
    return lambda _: _broken(proxy, proxy.swallow)
