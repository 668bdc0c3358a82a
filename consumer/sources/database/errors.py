"""What goes wrong with somebody else's Postgres, mapped once to a code and a sentence.

The sentence names the connection; the driver's own text stays behind, since it may quote values or secrets.
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
    "55P03": "the table stayed locked by somebody else",
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
"""An answer too long, no memory, no room for sorting."""
TLS_REJECTED_TEXT = "rejected SSL upgrade"
UNSUPPORTED_AUTH_TEXT = "unsupported authentication method"
TLS_CONNECTION_LOST = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


@contextmanager
def translate_errors(
    connection: str, *, can_shrink_page: bool = False, is_resume: bool = False
) -> Iterator[None]:
    """Raise errors of `consumer.errors` about the connection `connection` in place of the driver's.

    Where `fewer` rows can be asked for, what is too much for one answer is a MemoryError. A host that was
    `read_before` is known, though the name server may not be there just now.
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
            raise MemoryError("so many rows at once are too much") from None
        if is_resume and isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise _unavailable(connection, "its host's name cannot be looked up") from None
        raise to_migration_error(error, connection) from None


def _is_result_too_large(error: BaseException) -> bool:
    """For the server, or for us: the driver then gives the connection up, and says why only there."""
    return getattr(error, "sqlstate", None) in RESULT_TOO_LARGE_SQLSTATES or isinstance(
        error.__cause__, MemoryError
    )


def to_migration_error(error: BaseException, name: str) -> MigrationError:
    """The error to raise instead."""
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
            return _access_denied(name, "it asks for a way to log in that this service does not have")
        case TimeoutError():
            return _unavailable(name, "it does not answer")
        case _:
            return _unavailable(name, f"the connection failed or was lost ({type(error).__name__})")


def _from_sqlstate(sqlstate: str, name: str) -> MigrationError:
    passing = TRANSIENT_SQLSTATES.get(sqlstate) or next(
        (why for start, why in TRANSIENT_SQLSTATE_CLASSES.items() if sqlstate.startswith(start)), None
    )
    if passing:
        return _unavailable(name, f"{passing} (SQLSTATE {sqlstate})")
    if sqlstate.startswith("28"):
        return _access_denied(name, "user, password, or an entry in its pg_hba.conf is wrong or missing")
    if sqlstate == "42501":
        return _access_denied(name, "its user has not the right to read the table")
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
            f"The texts of a few rows from the connection «{name}» are more than PostgreSQL hands out "
            "at once (1 GB). Ask for a view that cuts them, or have MIGRATION_BATCH_ROWS lowered.",
        )
    return PermanentError(
        ErrorCode.SOURCE_UNREADABLE,
        f"The database of the connection «{name}» refuses to hand out the rows (SQLSTATE {sqlstate or 'none'}). "
        "Have its log looked at.",
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
        f"The database of the connection «{name}» does not let this service in: {reason}. "
        "Have the right given, or the address in MIGRATION_CONNECTIONS mended.",
    )


def _tls_failed(name: str, reason: str) -> PermanentError:
    return PermanentError(
        ErrorCode.TLS_REFUSED,
        f"There is no encrypted connection to the database of «{name}»: {reason}. "
        "Have the server's TLS mended, or sslmode and sslrootcert in MIGRATION_CONNECTIONS.",
    )


def _unavailable(name: str, reason: str) -> TransientError:
    return TransientError(
        ErrorCode.SOURCE_UNAVAILABLE,
        f"The database of the connection «{name}» cannot be read right now: {reason}. "
        "It is tried again; if it stays away, have it looked at.",
    )
