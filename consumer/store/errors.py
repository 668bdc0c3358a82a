"""What asyncpg raises, mapped once to what has to be done about it.

DatabaseUnavailableError   our Postgres is away, restarting, full, or silent: wait and try again
  ProgramLimitError        a limit of the server as a whole, such as wraparound; a row may be behind it, too
Conflict              another transaction was faster: repeat the batch
DataRejectedError          Postgres does not take a value: find its row, reject it
QueryError       a defect; PermissionDeniedError; or a wrong setting: AuthenticationError, InvalidDSNError
"""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from asyncpg.protocol import Protocol

OUTAGE_CLASSES = ("08", "53", "57P", "58")
OUTAGE_SQLSTATES = frozenset({"57014", "25P03", "25P04", "25006"})
"""Cancelled by statement_timeout, ended by an idle or transaction timeout, a server that became read only."""
AUTHENTICATION_CLASSES = ("28", "3D")
"""Wrong user or password, no such database."""
INSUFFICIENT_PRIVILEGE = "42501"
CONFLICT_SQLSTATES = frozenset({"40001", "40P01", "55P03", "23505"})
"""Serialization failure, deadlock, lock timeout, and a key somebody else was faster with."""
DATA_ERROR_CLASSES = ("22", "23", "44", "P0001")
"""Data exceptions, constraints, views with check, triggers."""
PROGRAM_LIMIT_CLASS = "54"
"""Program limits: a key too long for an index, and a server near wraparound that takes no writes at all."""


class DatabaseUnavailableError(Exception):
    """Postgres cannot be used right now."""


class ProgramLimitError(DatabaseUnavailableError):
    """A limit of the server was met, and its answer names no table or index."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"Postgres has met a limit of its own (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


class TransactionConflictError(Exception):
    """Another transaction got there first; the same again will do."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"conflict with another transaction (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


class DataRejectedError(Exception):
    """Postgres does not take a value. Its own text stays behind: it quotes the value."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"a value was refused (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


OUTAGE_ERRORS = (DatabaseUnavailableError, TransactionConflictError)
"""Errors after which the same operation is worth another attempt."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the errors of this page in place of the driver's."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _translate(error) from None
    except (OSError, TimeoutError) as error:
        raise DatabaseUnavailableError(f"no answer from Postgres ({type(error).__name__})") from None
    except asyncpg.ClientConfigurationError:
        raise InvalidDSNError from None  # its own text may quote the password
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # The second: a server's goodbye was read, and the end of the connection is not noticed yet.
        raise DatabaseUnavailableError(
            f"the connection to Postgres is gone ({type(error).__name__})"
        ) from None
    except AttributeError as error:
        if not _is_terminated_connection(error):
            raise
        raise DatabaseUnavailableError("the connection to Postgres was ended") from None


@contextmanager
def auth_failure_as_outage() -> Iterator[None]:
    """Postgres let us in when we started: where it does not now, that passes, and no job is to blame."""
    try:
        yield
    except AuthenticationError as error:
        raise DatabaseUnavailableError(str(error)) from None


def _is_terminated_connection(error: AttributeError) -> bool:
    """A connection ended from outside between two steps of one call: the library lets go of its protocol."""
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
    """Whether the fields of an error name a table or index: it is about a row then.

    Its text is translated by the server, and says nothing that can be relied on.
    """
    return bool(error.table_name or error.constraint_name)


class QueryError(Exception):
    """A statement of ours is wrong, or a right is missing: a defect or a setting, not a passing fault."""

    def __init__(self, sqlstate: str, kind: str) -> None:
        super().__init__(f"a statement failed: {kind} (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


class AuthenticationError(QueryError):
    """Postgres does not let the service in."""

    def __init__(self, sqlstate: str, kind: str) -> None:
        super().__init__(sqlstate, kind)
        sentence = f"Postgres does not let the service in: {kind} (SQLSTATE {sqlstate}); "
        self.args = (sentence + "check user, password and database in DATABASE_URL",)


class PermissionDeniedError(QueryError):
    """The service is let in, and may not do what it has to."""

    def __init__(self, server_message: str) -> None:
        super().__init__(INSUFFICIENT_PRIVILEGE, "InsufficientPrivilegeError")
        # Nobody else's words: a trigger may say anything under this state.
        known = server_message.startswith(("permission denied", "must be"))
        sentence = f"a right is missing in Postgres{': ' + server_message if known else ''} (SQLSTATE {INSUFFICIENT_PRIVILEGE}); "
        self.args = (sentence + "have it granted to the user in DATABASE_URL",)


class InvalidDSNError(QueryError):
    """The address of the database cannot be understood."""

    def __init__(self) -> None:
        super().__init__("08001", "ClientConfigurationError")
        example = "postgresql://user:password@host:5432/database?sslmode=require"
        self.args = (f"DATABASE_URL is not understood: check its options, as in {example}",)
