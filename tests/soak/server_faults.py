"""What befalls Postgres, Kafka, Google and the network to them. Each is whole again afterwards."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from devstack.fake_sheets.server import SheetsFault
from tests.soak.harness import SoakHarness
from tests.soak.log import SoakLog
from tests.soak.plan import PlannedFault
from tests.support.faults.postgres_proxy import is_write
from tests.support.faults.tcp_proxy import TcpProxy

Wait = Callable[[float], object]
Injector = Callable[[random.Random], AbstractContextManager[None]]

END_BACKENDS = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name like 'chat-migration%' and pid % 3 = any ($1::int[])
"""
MAX_DELAY_MILLISECONDS = 120
QUOTA_WINDOW_SECONDS = 2
DROP_TIMEOUT_SECONDS = 10


class ServerFaults:
    """Does one fault after the other; `wait` waits for some seconds."""

    def __init__(self, harness: SoakHarness, log: SoakLog, wait: Wait) -> None:
        self._harness = harness
        self._log = log
        self._wait = wait
        postgres, kafka = (
            harness.postgres_proxy,
            harness.cluster.proxies[0] if harness.cluster else harness.postgres_proxy,
        )
        proxies = {"Postgres": postgres, "Kafka": kafka}
        self._injectors: Mapping[str, Injector] = {
            "the answer to a COMMIT lost": self._drop_commit_reply,
            "backends ended": self._end_backends,
            "Postgres restarted at once": self._stop_postgres,
            "Postgres stopped for long": self._stop_postgres,
            "the broker stopped and started": lambda chance: self._broker_down(chance, kill=False),
            "kill -9 of the broker": lambda chance: self._broker_down(chance, kill=True),
            "Postgres stalled": lambda _: _during(postgres, postgres.stall),
            "Postgres slow": lambda chance: _slow(postgres, chance),
            "Kafka slow": lambda chance: _slow(kafka, chance),
            **{f"connections to {name} reset": _reset(proxy) for name, proxy in proxies.items()},
            **{f"{name} cut off": _cut(proxy) for name, proxy in proxies.items()},
            **{f"{name} blackholed": _blackhole(proxy) for name, proxy in proxies.items()},
            **{f"{name} blackholed for long": _blackhole(proxy) for name, proxy in proxies.items()},
            "Google: 429": lambda _: self._google_fault(SheetsFault.quota_exceeded(QUOTA_WINDOW_SECONDS)),
            "Google: 503": lambda _: self._google_fault(SheetsFault.unavailable()),
            "Google: cut off in the middle": lambda _: self._google_fault(SheetsFault.cut_off()),
            "Google: no answer": lambda _: self._google_fault(SheetsFault.hang()),
        }

    def inject(self, fault: PlannedFault) -> None:
        """Do it for its time."""
        self._log.fault_started(fault.kind, fault.seconds)
        with self._injectors[fault.kind](random.Random(fault.seed)):
            self._wait(fault.seconds)

    @contextmanager
    def _drop_commit_reply(self, rng: random.Random) -> Iterator[None]:
        loss = self._harness.postgres_proxy.drop_commit_reply(rng.randint(1, 12), is_write)
        yield
        loss.happened.wait(DROP_TIMEOUT_SECONDS)
        self._harness.postgres_proxy.dropped_reply = None
        if loss.commit is None:
            self._log.fault_skipped("the answer to a COMMIT lost")  # so many did not come

    @contextmanager
    def _end_backends(self, rng: random.Random) -> Iterator[None]:
        self._harness.db.fetch(END_BACKENDS, rng.choice([[0], [1, 2], [0, 1, 2]]))
        yield

    @contextmanager
    def _stop_postgres(self, _: random.Random) -> Iterator[None]:
        self._harness.stop_postgres_immediately()
        try:
            yield
        finally:
            self._harness.postgres_server.start()

    @contextmanager
    def _broker_down(self, _: random.Random, *, kill: bool) -> Iterator[None]:
        assert self._harness.cluster is not None
        [broker] = self._harness.cluster.brokers
        broker.kill() if kill else broker.stop()
        try:
            yield
        finally:
            broker.start()

    @contextmanager
    def _google_fault(self, fault: SheetsFault) -> Iterator[None]:
        self._harness.google.inject_fault(fault, times=None)
        try:
            yield
        finally:
            self._harness.google.clear_faults()


@contextmanager
def _during(proxy: TcpProxy, how: Callable[[], None]) -> Iterator[None]:
    how()
    try:
        yield
    finally:
        proxy.heal()


def _slow(proxy: TcpProxy, rng: random.Random) -> AbstractContextManager[None]:
    return _during(proxy, lambda: proxy.delay(rng.uniform(10, MAX_DELAY_MILLISECONDS)))


def _reset(proxy: TcpProxy) -> Injector:
    return lambda _: _during(proxy, proxy.reset)


def _cut(proxy: TcpProxy) -> Injector:
    return lambda _: _during(proxy, proxy.cut)


def _blackhole(proxy: TcpProxy) -> Injector:
    return lambda _: _during(proxy, proxy.blackhole)
