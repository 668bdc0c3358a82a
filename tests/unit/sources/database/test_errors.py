import socket
import ssl
from collections.abc import Iterator

import asyncpg
import pytest

from consumer.errors import MigrationError, PermanentError, TransientError
from consumer.sources.database.dsn import InvalidSourceDsnError
from consumer.sources.database.errors import to_migration_error, translate_errors


def make_postgres_error(state: str) -> asyncpg.PostgresError:
    """The exception that the driver makes for a SQLSTATE."""
    fields = {"C": state, "M": "a value: +79990001122", "S": "ERROR", "V": "ERROR"}
    error = asyncpg.PostgresError.new(fields)
    assert isinstance(error, asyncpg.PostgresError)
    return error


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("28000", "access_denied"),
        ("28P01", "access_denied"),
        ("42501", "access_denied"),
        ("3D000", "database_not_found"),
        ("42P01", "table_not_found"),
        ("3F000", "table_not_found"),
        ("22P02", "source_unreadable"),
        ("22012", "source_unreadable"),
        ("42703", "source_unreadable"),
        ("0A000", "source_unreadable"),
        ("XX001", "source_unreadable"),
        ("P0001", "source_unreadable"),
        ("ZZ999", "source_unreadable"),
    ],
)
def test_permanent_errors(state: str, code: str) -> None:
    error = to_migration_error(make_postgres_error(state), "old")
    assert isinstance(error, PermanentError)
    assert error.code == code


@pytest.mark.parametrize(
    "state",
    [
        *("08000", "08003", "08006", "08P01", "53000", "53100", "53200", "53300", "53400"),
        *("57P01", "57P02", "57P03", "57P04", "57P05", "57014", "55P03", "25P03", "25P04"),
        *("40001", "40P01", "72000"),
    ],
)
def test_transient_errors(state: str) -> None:
    error = to_migration_error(make_postgres_error(state), "old")
    assert isinstance(error, TransientError)
    assert error.code == "source_unavailable"
    assert state in error.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "host_unknown"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), "host_unknown"),
        (ssl.SSLCertVerificationError("self-signed"), "tls_refused"),
        (ssl.SSLError("wrong version number"), "tls_refused"),
        (ConnectionError('PostgreSQL server at "h:1" rejected SSL upgrade'), "tls_refused"),
        (InvalidSourceDsnError("it names no host"), "wrong_connection"),
        (asyncpg.ClientConfigurationError("sslmode"), "wrong_connection"),
        (
            asyncpg.InterfaceError("unsupported authentication method requested by the server: 7"),
            "access_denied",
        ),
        (UnicodeDecodeError("utf-8", b"\xcf", 0, 1, "invalid"), "source_unreadable"),
        (ssl.SSLEOFError("EOF"), "source_unavailable"),
        (ssl.SSLZeroReturnError("closed"), "source_unavailable"),
        (ConnectionRefusedError(), "source_unavailable"),
        (ConnectionResetError(), "source_unavailable"),
        (ConnectionError("server sent an error response during SSL exchange"), "source_unavailable"),
        (OSError("Multiple exceptions"), "source_unavailable"),
        (FileNotFoundError("/run/socket"), "source_unavailable"),
        (TimeoutError(), "source_unavailable"),
        (asyncpg.InterfaceError("connection is closed"), "source_unavailable"),
        (asyncpg.InternalClientError("unexpected"), "source_unavailable"),
        (asyncpg.ConnectionDoesNotExistError("closed in the middle"), "source_unavailable"),
    ],
)
def test_errors_without_sqlstate_have_a_code(error: Exception, code: str) -> None:
    found = to_migration_error(error, "old")
    assert found.code == code
    assert isinstance(found, TransientError) == (code == "source_unavailable")


def driver_errors() -> Iterator[type[Exception]]:
    """Every class of error that the driver knows."""
    for value in vars(asyncpg.exceptions).values():
        if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning):
            yield value


@pytest.mark.parametrize("kind", list(driver_errors()), ids=lambda kind: kind.__name__)
def test_every_driver_error_is_translated(kind: type[Exception]) -> None:
    error: Exception = kind("postgresql://u:sesame@h/d +79990001122")
    with pytest.raises(MigrationError) as caught, translate_errors("old"):
        raise error
    assert "«old»" in caught.value.message
    assert "sesame" not in caught.value.message
    assert "7999" not in caught.value.message
    assert caught.value.__suppress_context__


def test_migration_error_is_unchanged() -> None:
    error = PermanentError("wrong_key", "an error")
    with pytest.raises(PermanentError) as caught, translate_errors("old"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("state", ["54000", "53200", "53400"])
def test_too_large_result_is_memory_error(state: str) -> None:
    with pytest.raises(MemoryError), translate_errors("old", can_shrink_page=True):
        raise make_postgres_error(state)
    with pytest.raises(MigrationError), translate_errors("old"):
        raise make_postgres_error(state)


def test_own_memory_error_is_not_an_outage() -> None:
    with pytest.raises(MemoryError), translate_errors("old", can_shrink_page=True):
        raise asyncpg.ConnectionDoesNotExistError("gone") from MemoryError()


def test_statement_too_complex_is_not_a_memory_error() -> None:
    with pytest.raises(PermanentError), translate_errors("old", can_shrink_page=True):
        raise make_postgres_error("54001")
