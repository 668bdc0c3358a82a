"""Each SQLSTATE becomes a message that says what to do, without text of triggers."""

import asyncpg
import pytest

from consumer.store.errors import (
    AuthenticationError,
    DatabaseUnavailableError,
    DataRejectedError,
    PermissionDeniedError,
    ProgramLimitError,
    QueryError,
    TransactionConflictError,
    translate_errors,
)


def _translate(error: asyncpg.PostgresError) -> QueryError:
    with pytest.raises(QueryError) as caught, translate_errors():
        raise error
    return caught.value


def test_missing_privilege_names_object_and_grantee() -> None:
    error = _translate(asyncpg.InsufficientPrivilegeError("permission denied for table jobs"))
    assert isinstance(error, PermissionDeniedError)
    assert str(error) == (
        "a right is missing in Postgres: permission denied for table jobs (SQLSTATE 42501); "
        "have it granted to the user in DATABASE_URL"
    )


def test_message_of_a_trigger_is_not_quoted() -> None:
    error = _translate(asyncpg.InsufficientPrivilegeError("+79991234567 may not do that"))
    assert str(error).startswith("a right is missing in Postgres (SQLSTATE 42501); have it granted")


@pytest.mark.parametrize("kind", [asyncpg.InvalidPasswordError, asyncpg.InvalidCatalogNameError])
def test_login_failure_names_the_settings_to_check(kind: type[asyncpg.PostgresError]) -> None:
    error = _translate(kind("sesame"))
    assert isinstance(error, AuthenticationError)
    assert str(error).endswith("check user, password and database in DATABASE_URL")
    assert "sesame" not in str(error)


WRAPAROUND = "database is not accepting commands that assign new transaction IDs"


@pytest.mark.parametrize(
    ("state", "fields", "kind"),
    [
        ("22P02", {}, DataRejectedError),
        ("23514", {}, DataRejectedError),
        ("23505", {"constraint_name": "things_pkey"}, TransactionConflictError),
        ("44000", {}, DataRejectedError),
        ("P0001", {}, DataRejectedError),
        ("54000", {"table_name": "things"}, DataRejectedError),
        ("54000", {"constraint_name": "things_pkey"}, DataRejectedError),
        ("54000", {}, ProgramLimitError),
        ("54000", {"schema_name": "public"}, ProgramLimitError),
        ("54001", {}, ProgramLimitError),
        ("53100", {}, DatabaseUnavailableError),
    ],
)
def test_row_is_rejected_only_if_error_names_relation(
    state: str, fields: dict[str, str], kind: type[Exception]
) -> None:
    """By its fields: the message may be in any language and name anything."""
    error = asyncpg.PostgresError(f'{WRAPAROUND}, index "things_pkey"')
    for name, value in ({"sqlstate": state} | fields).items():
        setattr(error, name, value)
    with pytest.raises(Exception) as caught, translate_errors():  # noqa: PT011 – the type is what is looked at
        raise error
    assert type(caught.value) is kind
