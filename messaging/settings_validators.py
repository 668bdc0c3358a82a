"""Which values the KAFKA_* variables may have."""

import re
import ssl
from collections.abc import Callable, Mapping

from messaging.connection import split_servers

SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
BROKER_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Za-z:.%]+\]|[^\s:/@\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
"""`host:port`, `[::1]:9092`; without a port Kafka's default port is used."""
MAX_PORT = 65_535


def validate_servers(text: str) -> str:
    """Return the text unchanged; raises ValueError for an address that is not `host:port`."""
    servers = split_servers(text)
    if not servers:
        raise ValueError("names no broker; write host:port, several separated by commas")
    for server in servers:
        if not _is_broker_address(server):
            raise ValueError(f"«{server}» is not host:port; several are separated by commas")
    return text


def validate_protocol(text: str) -> str:
    """Return the protocol in capitals; raises ValueError for an unknown one."""
    return _validate_choice(SECURITY_PROTOCOLS, text)


def validate_mechanism(text: str) -> str:
    """Return the mechanism in capitals; raises ValueError for an unknown one."""
    return _validate_choice(SASL_MECHANISMS, text)


def validate_ca_file(path: str) -> str:
    """Return the path unchanged; raises ValueError unless it is a readable PEM file of certificates."""
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({type(error).__name__}); name a readable file of PEM certificates"
        ) from None
    return path


VALIDATORS: Mapping[str, Callable[[str], str]] = {
    "KAFKA_BOOTSTRAP_SERVERS": validate_servers,
    "KAFKA_SECURITY_PROTOCOL": validate_protocol,
    "KAFKA_SASL_MECHANISM": validate_mechanism,
    "KAFKA_SSL_CAFILE": validate_ca_file,
}
"""By variable: returns the normalised value. The text of a ValueError continues the variable's name."""


def _is_broker_address(text: str) -> bool:
    match = BROKER_ADDRESS.fullmatch(text)
    return bool(
        match and _is_resolvable_name(match["host"]) and 0 < int(match["port"] or MAX_PORT) <= MAX_PORT
    )


def _is_resolvable_name(host: str) -> bool:
    """Whether the name can be encoded for a lookup; an unknown name is an outage, a malformed one is not."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _validate_choice(choices: tuple[str, ...], text: str) -> str:
    if text.upper() not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return text.upper()
