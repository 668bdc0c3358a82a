"""Tests that share a Kafka do not share requests."""

from collections.abc import Callable

from devstack.stack import Stack
from tests.support.harness import Harness
from tests.support.kafka_client import KafkaClient


def test_requests_of_earlier_tests_are_skipped(stack: Stack, make_harness: Callable[[], Harness]) -> None:
    make_harness().start_replica().stop()  # makes the topics
    earlier = KafkaClient(stack.bootstrap_servers).start_excel("no such file.xlsx")
    harness = make_harness()
    harness.start_replica()
    harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("no such file.xlsx"))
    assert harness.db.job(earlier) == {}
    assert harness.db.fetchval("select count(*) from migration.jobs") == 1
