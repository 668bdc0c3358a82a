"""A harness with its own Postgres and three brokers, each behind a proxy that can cut it off."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.postgres import Postgres
from devstack.stack import Stack
from tests.support.dedicated_postgres import WrapCommand, start_dedicated_postgres
from tests.support.faults.cluster import Cluster, proxied_cluster
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.tcp_proxy import TcpProxy


class OutageHarness(FaultHarness):
    """Outages of `tests.support.faults.outages` happen to it."""

    cluster: Cluster

    def __init__(self, postgres: Postgres, folder: Path, cluster: Cluster) -> None:
        servers = {"KAFKA_BOOTSTRAP_SERVERS": cluster.direct_bootstrap_servers, "DATABASE_URL": postgres.url}
        super().__init__(Stack("embedded", servers), folder, cluster)
        self.postgres_server = postgres.server

    @property
    def proxies(self) -> list[TcpProxy]:
        """Before each broker, and before Postgres."""
        return [*self.cluster.proxies, self.postgres_proxy]


@contextmanager
def start_outage_harness(
    folder: Path, broker_count: int = 3, wrap_command: WrapCommand = list
) -> Iterator[OutageHarness]:
    """One with servers of its own; `wrap_command` is for the command of Postgres."""
    with start_dedicated_postgres(wrap_command) as postgres, proxied_cluster(broker_count) as cluster:
        harness = OutageHarness(postgres, folder, cluster)
        try:
            yield harness
        finally:
            harness.close()
