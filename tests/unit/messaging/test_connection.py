import json
from pathlib import Path

import pytest

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable

SECURE = KafkaConnection(
    "a:1, b:2,c:3", "SASL_PLAINTEXT", "SCRAM-SHA-512", sasl_username="anna", sasl_password="hidden"
)


def test_it_crosses_a_pipe_as_json() -> None:
    assert KafkaConnection.from_frame(json.loads(json.dumps(SECURE.as_frame()))) == SECURE


def test_its_text_does_not_show_the_password() -> None:
    assert "hidden" not in repr(SECURE)


def test_brokers_stand_in_another_order_now_and_then() -> None:
    orders = {tuple(SECURE.options()["bootstrap_servers"]) for _ in range(100)}
    assert len(orders) > 1
    assert {frozenset(order) for order in orders} == {frozenset({"a:1", "b:2", "c:3"})}


def test_plain_text_needs_no_credentials() -> None:
    assert KafkaConnection("a:1").options() == {
        "bootstrap_servers": ["a:1"],
        "security_protocol": "PLAINTEXT",
    }


def test_credentials_reach_the_client() -> None:
    options = SECURE.options()
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("anna", "hidden")
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"


def test_missing_credentials_are_named() -> None:
    with pytest.raises(KafkaUnavailable, match="KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"):
        KafkaConnection("a:1", "SASL_SSL").options()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unreadable_ca_file_is_named(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    with pytest.raises(KafkaUnavailable, match="KAFKA_SSL_CAFILE"):
        KafkaConnection("a:1", "SSL", ssl_cafile=str(file)).options()


def test_the_sentence_names_brokers_causes_and_what_to_check() -> None:
    sentence = str(KafkaUnavailable.at("a:1", ["refused.", "refused.", ""]))
    assert sentence.startswith("Kafka at a:1 is not reachable: refused. Check ")
    assert "KAFKA_BOOTSTRAP_SERVERS" in sentence
