"""The harness of a soak: its own servers behind proxies, replicas that start and end, a fake Google API."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumer.runtime.failpoints import environment as failpoint_environment
from devstack.fake_sheets.server import FakeSheetsServer, FakeWorksheet
from devstack.fake_sheets.service_accounts import write_key_file
from devstack.server import Server
from devstack.service import ServiceProcess
from devstack.stack import Stack
from tests.soak.plan import REPLICAS
from tests.soak.poison import write_files
from tests.soak.sources import SoakSource, copy_to_inbox, to_sheet_rows, to_table_row
from tests.support.database_inspector import DatabaseInspector
from tests.support.dedicated_postgres import start_dedicated_postgres
from tests.support.faults.cluster import Cluster, proxied_cluster
from tests.support.faults.fault_harness import FaultHarness

SETTINGS = {
    "MIGRATION_BATCH_ROWS": "100",
    "MIGRATION_LEASE_SECONDS": "6",
    "MIGRATION_HEARTBEAT_SECONDS": "1.5",
    "MIGRATION_MAX_RUNNING_JOBS": "3",
    "MIGRATION_MAX_ATTEMPTS": "50",  # so many faults in a row are no fault of the job
    "MIGRATION_GOOGLE_READS_PER_MINUTE": "6000",
}
SOURCE_DATABASE = "sources"
"""The database with the tables that jobs read."""
MAKE_TABLE = """create table "{0}" (
    id bigint primary key, inn text, name text, url text, admin_phone text, source text)"""
FILL_TABLE = """insert into "{0}" (id, inn, name, url, admin_phone)
select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])"""


class SoakHarness(FaultHarness):
    """A fault harness whose Postgres may be stopped, with all three kinds of source."""

    def __init__(
        self, stack: Stack, server: Server, cluster: Cluster, google: FakeSheetsServer, folder: Path
    ) -> None:
        super().__init__(stack, folder, cluster)
        self.postgres_server = server
        self.google = google
        self.account = google.new_account("robot")
        self.key_file = write_key_file(folder / "google.json", self.account)
        self.source_dsn = stack.create_database(SOURCE_DATABASE)
        self.secrets.append(self.account["private_key"].splitlines()[5])
        self.slots: list[ServiceProcess] = []

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a replica."""
        sources = {
            "MIGRATION_CONNECTIONS": json.dumps({"panel": self.postgres_proxy.proxied_dsn(self.source_dsn)}),
            "MIGRATION_GOOGLE_CREDENTIALS": json.dumps({"default": str(self.key_file)}),
            "MIGRATION_GOOGLE_API_URL": self.google.url,
        }
        return super().environment(**(SETTINGS | sources | more))

    def start(self) -> None:
        """Start the replicas, and wait until they are ready."""
        self.slots = [self.launch() for _ in range(REPLICAS)]
        for replica in self.slots:
            replica.wait_until_ready()

    def launch(self, failpoints: str = "", **more: str) -> ServiceProcess:
        """Start a replica. Whoever is dead in the group is waited for by Kafka itself."""
        number = len(self.replicas) + 1
        environment = self.environment(**failpoint_environment(failpoints), **more)
        service = ServiceProcess(environment, self.folder / f"service-{number}.log", name=f"replica {number}")
        self.replicas.append(service)
        return service.launch()

    def restart_replica(self, slot: int, failpoints: str = "") -> ServiceProcess:
        """Start a replica in the place of one that is gone."""
        self.slots[slot] = self.launch(failpoints)
        return self.slots[slot]

    def add_source(self, source: SoakSource) -> None:
        """Have a source where jobs find it."""
        self.phones |= source.phones
        match source.kind:
            case "excel":
                copy_to_inbox(source, self.inbox)
            case "database":
                self._fill_table(source)
            case _:
                sheet = FakeWorksheet("Чаты", to_sheet_rows(source))
                self.google.add_spreadsheet(
                    spreadsheet_id(source), source.name, [sheet], shared_with=[self.account["client_email"]]
                )

    def _fill_table(self, source: SoakSource) -> None:
        rows = [to_table_row(position, cells) for position, cells in source.rows]
        sources = DatabaseInspector(self.source_dsn)
        sources.fetch(MAKE_TABLE.format(source.name))
        sources.fetch(FILL_TABLE.format(source.name), *([*column] for column in zip(*rows, strict=True)))

    def stop_postgres_immediately(self) -> None:
        """End Postgres the way it calls immediate: nothing is tidied up."""
        self.postgres_server._signal(signal.SIGQUIT)
        self.postgres_server.stop()

    def close(self) -> None:
        """End everything; the servers go with all that is in them."""
        for replica in self.replicas:
            replica.kill()
        self.postgres_proxy.close()
        self.db.close()


def spreadsheet_id(source: SoakSource) -> str:
    """The id of a spreadsheet."""
    return f"1SoakSpreadsheet{source.name.title()}"


@contextmanager
def start_soak_harness(folder: Path) -> Iterator[SoakHarness]:
    """A harness with servers of its own, and the bad files in its inbox."""
    folder.mkdir(exist_ok=True)
    with proxied_cluster() as cluster, start_dedicated_postgres() as postgres, FakeSheetsServer() as google:
        env = {"KAFKA_BOOTSTRAP_SERVERS": cluster.direct_bootstrap_servers, "DATABASE_URL": postgres.url}
        harness = SoakHarness(Stack("embedded", env), postgres.server, cluster, google, folder)
        write_files(harness.inbox)
        try:
            yield harness
        finally:
            harness.close()
