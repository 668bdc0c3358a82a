"""A world whose Postgres and three brokers are its own, each behind a proxy, to be taken away."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.postgres import Postgres
from devstack.stack import Stack
from tests.acceptance.faults.conftest import FaultWorld
from tests.support.faults.cluster import Cluster, proxied_cluster
from tests.support.faults.proxy import Proxy
from tests.support.own_postgres import Wrap, own_postgres


class LeaningWorld(FaultWorld):
    """Outages of `tests.support.faults.outages` happen to it."""

    cluster: Cluster

    def __init__(self, postgres: Postgres, folder: Path, cluster: Cluster) -> None:
        servers = {"KAFKA_BOOTSTRAP_SERVERS": cluster.direct, "DATABASE_URL": postgres.url}
        super().__init__(Stack("embedded", servers), folder, cluster)
        self.server = postgres.server

    @property
    def proxies(self) -> list[Proxy]:
        """Before each broker, and before Postgres."""
        return [*self.cluster.proxies, self.postgres]


@contextmanager
def leaning_world(folder: Path, brokers: int = 3, within: Wrap = list) -> Iterator[LeaningWorld]:
    """One with servers of its own; `within` is for the command of Postgres."""
    with own_postgres(within) as postgres, proxied_cluster(brokers) as cluster:
        world = LeaningWorld(postgres, folder, cluster)
        try:
            yield world
        finally:
            world.close()
