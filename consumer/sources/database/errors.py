"""Maps errors of the source's Postgres to codes and messages.

Messages name the connection and never include the driver's text, which may quote values or secrets.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from consumer.errors import MigrationError, PermanentError, TransientError
from consumer.sources.database.dsn import InvalidSourceDsnError
from schemas.codes import ErrorCode

EXAMPLE_DSN = "postgresql://user:password@host:5432/database?sslmode=require"

TRANSIENT_SQLSTATES = {
    "57014": "a query took longer than statement_timeout allows, or was cancelled there",
    "55P03": "the table is locked by another session",
    "25P03": "it ended a session that had been idle",
    "25P04": "it ended a transaction that took too long",
    "40001": "another transaction, or its own recovery, got in the way",
    "40P01": "another transaction got in the way",
    "72000": "the snapshot became too old",
}
TRANSIENT_SQLSTATE_CLASSES = {
    "08": "the connection was lost",
    "53": "it has no connection or no memory to spare",
    "57P": "it is starting or shutting down",
}
RESULT_TOO_LARGE_SQLSTATES = frozenset({"54000", "53200", "53400"})
"""program_limit_exceeded, out_of_memory, configuration_limit_exceeded."""
TLS_REJECTED_TEXT = "rejected SSL upgrade"
UNSUPPORTED_AUTH_TEXT = "unsupported authentication method"
TLS_CONNECTION_LOST = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


@contextmanager
def translate_errors(
    connection: str, *, can_shrink_page: bool = False, is_resume: bool = False
) -> Iterator[None]:
    """Replace errors of the driver by MigrationErrors that name the connection.

    With `can_shrink_page`, a result that is too large becomes a MemoryError, after which the job is tried
    again with smaller pages. With `is_resume` the host was resolved before, so a DNS failure is transient.
    """
    try:
        yield
    except (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        InvalidSourceDsnError,
        UnicodeError,
        OSError,
    ) as error:
        if can_shrink_page and _is_result_too_large(error):
            raise MemoryError("a page of rows is too large") from None
        if is_resume and isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise _unavailable(connection, "its host's name cannot be looked up") from None
        raise to_migration_error(error, connection) from None


def _is_result_too_large(error: BaseException) -> bool:
    """Too large for the server, or for us: asyncpg drops the connection then, caused by MemoryError."""
    return getattr(error, "sqlstate", None) in RESULT_TOO_LARGE_SQLSTATES or isinstance(
        error.__cause__, MemoryError
    )


def to_migration_error(error: BaseException, name: str) -> MigrationError:
    """The MigrationError for an exception of the driver or of the network."""
    match error:
        case InvalidSourceDsnError():
            return _invalid_dsn(name, str(error))
        case asyncpg.PostgresError():
            return _from_sqlstate(error.sqlstate or "", name)
        case socket.gaierror():
            return PermanentError(
                ErrorCode.HOST_UNKNOWN,
                f"The host of the connection «{name}» is unknown. Check its name, and that it resolves here.",
            )
        case ssl.SSLError() if not isinstance(error, TLS_CONNECTION_LOST):
            return _tls_failed(name, "the certificate, or the kind of encryption, does not hold")
        case ConnectionError() if TLS_REJECTED_TEXT in str(error):
            return _tls_failed(name, "the server does not encrypt")
        case UnicodeError():
            return PermanentError(
                ErrorCode.SOURCE_UNREADABLE,
                f"The database of the connection «{name}» sends text that is not UTF-8. "
                "Have it say in which encoding its text is.",
            )
        case asyncpg.ClientConfigurationError():
            return _invalid_dsn(name, "its options do not fit together")
        case asyncpg.InterfaceError() if UNSUPPORTED_AUTH_TEXT in str(error):
            return _access_denied(name, "it requires an authentication method that this service lacks")
        case TimeoutError():
            return _unavailable(name, "it does not answer")
        case _:
            return _unavailable(name, f"the connection failed or was lost ({type(error).__name__})")


def _from_sqlstate(sqlstate: str, name: str) -> MigrationError:
    transient = TRANSIENT_SQLSTATES.get(sqlstate) or next(
        (reason for prefix, reason in TRANSIENT_SQLSTATE_CLASSES.items() if sqlstate.startswith(prefix)),
        None,
    )
    if transient:
        return _unavailable(name, f"{transient} (SQLSTATE {sqlstate})")
    if sqlstate.startswith("28"):
        return _access_denied(name, "user, password, or an entry in its pg_hba.conf is wrong or missing")
    if sqlstate == "42501":
        return _access_denied(name, "its user has no permission to read the table")
    if sqlstate == "3D000":
        return PermanentError(
            ErrorCode.DATABASE_NOT_FOUND,
            f"The server of the connection «{name}» has no database of that name. Check the address.",
        )
    if sqlstate in {"42P01", "3F000"}:
        return PermanentError(
            ErrorCode.TABLE_NOT_FOUND,
            f"A table was removed from the database of the connection «{name}» while it was read. "
            "Ask for another one, or put it back.",
        )
    if sqlstate == "54000":
        return PermanentError(
            ErrorCode.SOURCE_UNREADABLE,
            f"The texts of a few rows from the connection «{name}» are larger than one result of PostgreSQL "
            "may be (1 GB). Ask for a view that cuts them, or have MIGRATION_BATCH_ROWS lowered.",
        )
    return PermanentError(
        ErrorCode.SOURCE_UNREADABLE,
        f"The database of the connection «{name}» refuses to return the rows "
        f"(SQLSTATE {sqlstate or 'none'}). Have its log checked.",
    )


def _invalid_dsn(name: str, reason: str) -> PermanentError:
    return PermanentError(
        ErrorCode.WRONG_CONNECTION,
        f"The address of the connection «{name}» is not understood: {reason}. Have it written in "
        f"MIGRATION_CONNECTIONS as {EXAMPLE_DSN}, special characters percent-encoded.",
    )


def _access_denied(name: str, reason: str) -> PermanentError:
    return PermanentError(
        ErrorCode.ACCESS_DENIED,
        f"The database of the connection «{name}» denies access to this service: {reason}. "
        "Have the permission granted, or the address in MIGRATION_CONNECTIONS corrected.",
    )


def _tls_failed(name: str, reason: str) -> PermanentError:
    return PermanentError(
        ErrorCode.TLS_REFUSED,
        f"There is no encrypted connection to the database of «{name}»: {reason}. "
        "Have the server's TLS repaired, or sslmode and sslrootcert in MIGRATION_CONNECTIONS corrected.",
    )


def _unavailable(name: str, reason: str) -> TransientError:
    return TransientError(
        ErrorCode.SOURCE_UNAVAILABLE,
        f"The database of the connection «{name}» cannot be read right now: {reason}. "
        "The service tries again; if this continues, have the database checked.",
    )
