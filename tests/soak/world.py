"""The world of a soak: servers of its own behind proxies, replicas that come and go, a stand-in Google."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.server import Server
from devstack.sheets.__main__ import write_key
from devstack.sheets.server import SheetsServer, Worksheet
from devstack.stack import Stack
from tests.acceptance.faults.conftest import FaultWorld
from tests.soak.plan import REPLICAS
from tests.soak.poison import write_files
from tests.soak.pool import Source, as_sheet_rows, as_table_row, into_inbox
from tests.support.faults.cluster import Cluster, proxied_cluster
from tests.support.own_postgres import own_postgres
from tests.support.rows import Rows
from tests.support.service import Service

SETTINGS = {
    "MIGRATION_BATCH_ROWS": "100",
    "MIGRATION_LEASE_SECONDS": "6",
    "MIGRATION_HEARTBEAT_SECONDS": "1.5",
    "MIGRATION_MAX_RUNNING_JOBS": "3",
    "MIGRATION_MAX_ATTEMPTS": "50",  # so many faults in a row are no fault of the job
    "MIGRATION_GOOGLE_READS_PER_MINUTE": "6000",
}
SOURCES = "sources"
"""The database with the tables that jobs read."""
MAKE_TABLE = """create table "{0}" (
    id bigint primary key, inn text, name text, url text, admin_phone text, source text)"""
FILL_TABLE = """insert into "{0}" (id, inn, name, url, admin_phone)
select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])"""


class SoakWorld(FaultWorld):
    """A fault world whose Postgres may be stopped, with all three kinds of source."""

    def __init__(
        self, stack: Stack, server: Server, cluster: Cluster, google: SheetsServer, folder: Path
    ) -> None:
        super().__init__(stack, folder, cluster)
        self.server = server
        self.google = google
        self.account = google.new_account("robot")
        self.key = write_key(folder / "google.json", self.account)
        self.source_dsn = stack.create_database(SOURCES)
        self.secrets.append(self.account["private_key"].splitlines()[5])
        self.slots: list[Service] = []

    def environment(self, **more: str) -> dict[str, str]:
        """What a replica is told."""
        sources = {
            "MIGRATION_CONNECTIONS": json.dumps({"panel": self.postgres.through(self.source_dsn)}),
            "MIGRATION_GOOGLE_CREDENTIALS": json.dumps({"default": str(self.key)}),
            "MIGRATION_GOOGLE_API_URL": self.google.url,
        }
        return super().environment(**(SETTINGS | sources | more))

    def start(self) -> None:
        """Start the replicas, and wait until they are ready."""
        self.slots = [self.launch() for _ in range(REPLICAS)]
        for replica in self.slots:
            replica.until_ready()

    def launch(self, faults: str = "", **more: str) -> Service:
        """Start a replica. Whoever is dead in the group is waited for by Kafka itself."""
        number = len(self.replicas) + 1
        environment = self.environment(MIGRATION_FAULTS=faults, **more)
        service = Service(environment, self.folder / f"service-{number}.log", name=f"replica {number}")
        self.replicas.append(service)
        return service.launch()

    def again(self, slot: int, faults: str = "") -> Service:
        """Start a replica in the place of one that is gone."""
        self.slots[slot] = self.launch(faults)
        return self.slots[slot]

    def lay_out(self, source: Source) -> None:
        """Have a source where jobs find it."""
        self.phones |= source.phones
        match source.kind:
            case "excel":
                into_inbox(source, self.inbox)
            case "database":
                self._fill_table(source)
            case _:
                sheet = Worksheet("Чаты", as_sheet_rows(source))
                self.google.add(
                    spreadsheet_id(source), source.name, [sheet], shared_with=[self.account["client_email"]]
                )

    def _fill_table(self, source: Source) -> None:
        rows = [as_table_row(position, cells) for position, cells in source.rows]
        sources = Rows(self.source_dsn)
        sources.ask(MAKE_TABLE.format(source.name))
        sources.ask(FILL_TABLE.format(source.name), *([*column] for column in zip(*rows, strict=True)))

    def stop_at_once(self) -> None:
        """End Postgres the way it calls immediate: nothing is tidied up."""
        self.server._signal(signal.SIGQUIT)
        self.server.stop()

    def close(self) -> None:
        """End everything; the servers go with all that is in them."""
        for replica in self.replicas:
            replica.kill()
        self.postgres.close()


def spreadsheet_id(source: Source) -> str:
    """The id of a spreadsheet."""
    return f"1SoakSpreadsheet{source.name.title()}"


@contextmanager
def soak_world(folder: Path) -> Iterator[SoakWorld]:
    """A world with servers of its own, and the bad files in its inbox."""
    folder.mkdir(exist_ok=True)
    with proxied_cluster() as cluster, own_postgres() as postgres, SheetsServer() as google:
        env = {"KAFKA_BOOTSTRAP_SERVERS": cluster.direct, "DATABASE_URL": postgres.url}
        world = SoakWorld(Stack("embedded", env), postgres.server, cluster, google, folder)
        write_files(world.inbox)
        try:
            yield world
        finally:
            world.close()
