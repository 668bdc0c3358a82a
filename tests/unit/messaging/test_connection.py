import json
from pathlib import Path

import certifi
import pytest

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError
from messaging.settings_validators import VALIDATORS, validate_servers

SECURE = KafkaConnection(
    "a:1, b:2,c:3", "SASL_PLAINTEXT", "SCRAM-SHA-512", sasl_username="anna", sasl_password="hidden"
)


def test_connection_survives_json() -> None:
    assert KafkaConnection.from_dict(json.loads(json.dumps(SECURE.to_dict()))) == SECURE


def test_repr_hides_the_password() -> None:
    assert "hidden" not in repr(SECURE)


def test_brokers_are_shuffled() -> None:
    orders = {tuple(SECURE.options()["bootstrap_servers"]) for _ in range(100)}
    assert len(orders) > 1
    assert {frozenset(order) for order in orders} == {frozenset({"a:1", "b:2", "c:3"})}


def test_plaintext_needs_no_credentials() -> None:
    assert KafkaConnection("a:1").options() == {
        "bootstrap_servers": ["a:1"],
        "security_protocol": "PLAINTEXT",
    }


def test_credentials_reach_the_client() -> None:
    options = SECURE.options()
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("anna", "hidden")
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"


def test_missing_credentials_are_named() -> None:
    with pytest.raises(KafkaUnavailableError, match="KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"):
        KafkaConnection("a:1", "SASL_SSL").options()


@pytest.mark.parametrize(
    ("connection", "problem"),
    [
        (KafkaConnection("a:1"), None),
        (SECURE, None),
        (KafkaConnection("a:1", "SASL_SSL", sasl_username="anna"), "set KAFKA_SASL_PASSWORD too"),
        (KafkaConnection("a:1", "SSL", "PLAIN"), "so KAFKA_SASL_MECHANISM would not be used"),
        (
            KafkaConnection("a:1", sasl_username="anna", sasl_password="x"),
            "KAFKA_SASL_USERNAME, KAFKA_SASL_PASS",
        ),
    ],
)
def test_login_that_contradicts_its_protocol_is_reported(
    connection: KafkaConnection, problem: str | None
) -> None:
    assert (problem or "None") in str(connection.sasl_error())
    assert "anna" not in str(connection.sasl_error())


@pytest.mark.parametrize(
    "servers", ["a:9092", "a", "a:1, b.example.org:65535,", "127.0.0.1:1", "[::1]:9092", "[::1]", "a_b:1"]
)
def test_valid_broker_addresses_are_accepted(servers: str) -> None:
    assert validate_servers(servers) == servers


@pytest.mark.parametrize(
    "servers",
    [
        *("", ",", "host:abc", "127.0.0.1:", ":9092", "a:0", "a:65536", "::1", "a:1,b:", "a b:1", "a..b:1"),
        *("kafka://a:1", "anna:x@a:1", "a:1;b:2", f"{'a' * 64}:1"),
    ],
)
def test_invalid_broker_addresses_are_rejected(servers: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        validate_servers(servers)


@pytest.mark.parametrize(
    ("name", "text", "taken"),
    [
        ("KAFKA_SECURITY_PROTOCOL", "ssl", "SSL"),
        ("KAFKA_SASL_MECHANISM", "Scram-Sha-256", "SCRAM-SHA-256"),
        ("KAFKA_SSL_CAFILE", certifi.where(), certifi.where()),
    ],
)
def test_values_are_normalised(name: str, text: str, taken: str) -> None:
    assert VALIDATORS[name](text) == taken


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unreadable_ca_file_is_named(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    with pytest.raises(KafkaUnavailableError, match="KAFKA_SSL_CAFILE"):
        KafkaConnection("a:1", "SSL", ssl_cafile=str(file)).options()


def test_error_names_brokers_causes_and_advice() -> None:
    sentence = str(KafkaUnavailableError.for_servers("a:1", ["refused.", "refused.", ""]))
    assert sentence.startswith("Kafka at a:1 is not reachable: refused. Check ")
    assert "KAFKA_BOOTSTRAP_SERVERS" in sentence
