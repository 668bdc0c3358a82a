"""Kafka and Postgres as containers, by testcontainers; needs a Docker engine."""

import contextlib
import gc
import warnings
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from devstack.errors import StackError, StackUnavailableError
from devstack.jars import KAFKA_VERSION
from devstack.stack import Stack

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

KAFKA_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
POSTGRES_IMAGE = "postgres:18"
START_TIMEOUT_SECONDS = 120

KAFKA_SETTINGS = {
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
    "KAFKA_HEAP_OPTS": "-Xmx512m",
}
POSTGRES_SETTINGS = "-c max_connections=200 -c shared_buffers=512MB -c max_wal_size=4GB"


def start() -> Stack:
    """Start both containers. Raises StackUnavailableError without a Docker engine or an image, StackError."""
    require_engine_and_images()
    kafka, postgres = _kafka_container(), _postgres_container()
    started: list[DockerContainer] = []

    def close() -> None:
        while started:
            started.pop().stop()

    try:
        for container in (postgres, kafka):
            started.append(container)
            container.start()
    except Exception as error:  # testcontainers raises errors of requests, of docker and its own
        close()
        raise StackError(f"The containers did not start: {error}") from error
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.get_bootstrap_server(),
        "DATABASE_URL": postgres.get_connection_url(driver=None),
    }
    return Stack("docker", env, close)


def require_engine_and_images() -> None:
    """Raise StackUnavailableError, which names what is missing, unless both containers can be started."""
    with contextlib.closing(_docker_client()) as client:
        for image in (KAFKA_IMAGE, POSTGRES_IMAGE):
            if not _has_image(client, image):
                raise StackUnavailableError(f"The image {image} is not on this machine and cannot be pulled.")
        _disable_ryuk_if_missing(client)


def _docker_client() -> Any:
    try:
        import docker  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise StackUnavailableError(f"The stack 'docker' needs the Python package {error.name}.") from error
    with warnings.catch_warnings():
        # Without an engine the library leaves a socket open: collect it here, not during a later test.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return docker.from_env()
        except docker.errors.DockerException as error:
            reason = str(error)
        gc.collect()
    raise StackUnavailableError(
        f"No Docker engine responds ({reason}): start one, or use --stack embedded, which needs none."
    )


def _disable_ryuk_if_missing(client: Any) -> None:
    """Ryuk removes the containers of a killed process; without its image only `stop` removes them."""
    from testcontainers.core.config import testcontainers_config

    if not testcontainers_config.ryuk_disabled and not _has_image(client, testcontainers_config.ryuk_image):
        testcontainers_config.ryuk_disabled = True


def _has_image(client: Any, image: str) -> bool:
    import docker

    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        try:
            client.images.pull(image)
        except docker.errors.APIError:
            return False
    return True


def _kafka_container() -> Any:
    from testcontainers.community.kafka import KafkaContainer

    class ApacheKafka(KafkaContainer):
        """The base class runs start scripts of Confluent's image; this one runs those of Apache's."""

        MIN_KRAFT_TAG = "0"

        def tc_start(self) -> None:
            """Write the script that starts the broker, now that its mapped port is known."""
            address = f"{self.get_container_host_ip()}:{self.get_exposed_port(self.port)}"
            script = dedent(
                f"""\
                #!/bin/bash
                export KAFKA_ADVERTISED_LISTENERS={self.listener_name}://{address},BROKER://localhost:9092
                exec /etc/kafka/docker/run
                """
            )
            self.create_file(script.encode(), self.TC_START_SCRIPT)

        def start(self, timeout: int = START_TIMEOUT_SECONDS) -> "ApacheKafka":
            super().start(timeout)
            return self

    container = ApacheKafka(KAFKA_IMAGE).with_kraft()
    for name, value in KAFKA_SETTINGS.items():
        container.with_env(name, value)
    return container


def _postgres_container() -> Any:
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(POSTGRES_IMAGE, username="postgres", dbname="postgres", driver=None)
    return container.with_command(f"postgres {POSTGRES_SETTINGS}")
