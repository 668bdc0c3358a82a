"""Errors of Postgres by what to do about them; `translate_errors` maps those of asyncpg.

DatabaseUnavailableError    Postgres is unreachable, restarting, full, or unresponsive: retry later
  ProgramLimitError         a limit of the whole server, such as wraparound, or of one row
TransactionConflictError    another transaction was faster: retry
DataRejectedError           Postgres rejects a value: find and reject its row
QueryError                  a defect
  AuthenticationError       wrong user, password or database
  PermissionDeniedError     a missing privilege
  InvalidDSNError           an invalid DATABASE_URL
"""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from asyncpg.protocol import Protocol

OUTAGE_CLASSES = ("08", "53", "57P", "58")
OUTAGE_SQLSTATES = frozenset({"57014", "25P03", "25P04", "25006"})
"""Statement timeout, idle and transaction timeouts, and a server that became read-only."""
AUTHENTICATION_CLASSES = ("28", "3D")
"""Wrong user or password, unknown database."""
INSUFFICIENT_PRIVILEGE = "42501"
CONFLICT_SQLSTATES = frozenset({"40001", "40P01", "55P03", "23505"})
"""Serialization failure, deadlock, lock timeout, and a key that another transaction inserted first."""
DATA_ERROR_CLASSES = ("22", "23", "44", "P0001")
"""Data exceptions, constraints, views with a check option, triggers."""
PROGRAM_LIMIT_CLASS = "54"
"""Program limits: a key too long for an index, and a server near wraparound that rejects all writes."""


class DatabaseUnavailableError(Exception):
    """Postgres cannot be used right now."""


class ProgramLimitError(DatabaseUnavailableError):
    """A limit of the server was reached; its error names no table or index."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"Postgres has met a limit of its own (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


class TransactionConflictError(Exception):
    """Another transaction was faster; retrying is enough."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"conflict with another transaction (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


class DataRejectedError(Exception):
    """Postgres rejects a value. Its own message is dropped, since it quotes the value."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"Postgres rejected a value (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


OUTAGE_ERRORS = (DatabaseUnavailableError, TransactionConflictError)
"""Errors after which the same operation is worth another attempt."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the errors of this module instead of those of asyncpg."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _translate(error) from None
    except (OSError, TimeoutError) as error:
        raise DatabaseUnavailableError(f"no answer from Postgres ({type(error).__name__})") from None
    except asyncpg.ClientConfigurationError:
        raise InvalidDSNError from None  # its own text may quote the password
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # InternalClientError: the server has closed the connection, but asyncpg has not noticed it yet.
        raise DatabaseUnavailableError(
            f"the connection to Postgres is gone ({type(error).__name__})"
        ) from None
    except AttributeError as error:
        if not _is_terminated_connection(error):
            raise
        raise DatabaseUnavailableError("the connection to Postgres was ended") from None


@contextmanager
def auth_failure_as_outage() -> Iterator[None]:
    """Login worked at startup, so a later authentication failure is treated as an outage."""
    try:
        yield
    except AuthenticationError as error:
        raise DatabaseUnavailableError(str(error)) from None


def _is_terminated_connection(error: AttributeError) -> bool:
    """Whether a connection was terminated between two steps of one call: asyncpg drops its protocol then."""
    return error.obj is None and error.name is not None and hasattr(Protocol, error.name)


def _translate(error: asyncpg.PostgresError) -> Exception:
    state = error.sqlstate or ""
    if state in CONFLICT_SQLSTATES:
        return TransactionConflictError(state)
    if (
        state.startswith(OUTAGE_CLASSES)
        or state in OUTAGE_SQLSTATES
        or isinstance(error, asyncpg.PostgresConnectionError)
    ):
        return DatabaseUnavailableError(f"Postgres is not available (SQLSTATE {state or 'none'})")
    if state.startswith(DATA_ERROR_CLASSES) or (
        state.startswith(PROGRAM_LIMIT_CLASS) and _names_relation(error)
    ):
        return DataRejectedError(state)
    if state.startswith(PROGRAM_LIMIT_CLASS):
        return ProgramLimitError(state)
    if state.startswith(AUTHENTICATION_CLASSES):
        return AuthenticationError(state, type(error).__name__)
    if state == INSUFFICIENT_PRIVILEGE:
        return PermissionDeniedError(str(error))
    return QueryError(state, type(error).__name__)


def _names_relation(error: asyncpg.PostgresError) -> bool:
    """Whether an error names a table or constraint, and therefore is about a row.

    Its message is of no use: the server translates it.
    """
    return bool(error.table_name or error.constraint_name)


class QueryError(Exception):
    """A statement failed because of a defect or a setting; retrying does not help."""

    def __init__(self, sqlstate: str, kind: str) -> None:
        super().__init__(f"a statement failed: {kind} (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


class AuthenticationError(QueryError):
    """Postgres rejects the login of the service."""

    def __init__(self, sqlstate: str, kind: str) -> None:
        super().__init__(sqlstate, kind)
        message = f"Postgres rejects the login of the service: {kind} (SQLSTATE {sqlstate}); "
        self.args = (message + "check user, password and database in DATABASE_URL",)


class PermissionDeniedError(QueryError):
    """The user of the service lacks a privilege."""

    def __init__(self, server_message: str) -> None:
        super().__init__(INSUFFICIENT_PRIVILEGE, "InsufficientPrivilegeError")
        # Only messages of the server itself: a trigger may raise any text under this SQLSTATE.
        from_server = server_message.startswith(("permission denied", "must be"))
        detail = f": {server_message}" if from_server else ""
        message = f"a right is missing in Postgres{detail} (SQLSTATE {INSUFFICIENT_PRIVILEGE}); "
        self.args = (message + "have it granted to the user in DATABASE_URL",)


class InvalidDSNError(QueryError):
    """DATABASE_URL is invalid."""

    def __init__(self) -> None:
        super().__init__("08001", "ClientConfigurationError")
        example = "postgresql://user:password@host:5432/database?sslmode=require"
        self.args = (f"DATABASE_URL is not understood: check its options, as in {example}",)
