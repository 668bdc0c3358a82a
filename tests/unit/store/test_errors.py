"""Each state of Postgres becomes a sentence that says what to do, without the words of strangers."""

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


def test_a_missing_right_names_what_it_is_for_and_whom_to_grant_it() -> None:
    told = _translate(asyncpg.InsufficientPrivilegeError("permission denied for table jobs"))
    assert isinstance(told, PermissionDeniedError)
    assert str(told) == (
        "a right is missing in Postgres: permission denied for table jobs (SQLSTATE 42501); "
        "have it granted to the user in DATABASE_URL"
    )


def test_what_a_trigger_says_of_a_right_stays_behind() -> None:
    told = _translate(asyncpg.InsufficientPrivilegeError("+79991234567 may not do that"))
    assert str(told).startswith("a right is missing in Postgres (SQLSTATE 42501); have it granted")


@pytest.mark.parametrize("kind", [asyncpg.InvalidPasswordError, asyncpg.InvalidCatalogNameError])
def test_who_is_not_let_in_is_told_to_look_at_the_address(kind: type[asyncpg.PostgresError]) -> None:
    told = _translate(kind("sesame"))
    assert isinstance(told, AuthenticationError)
    assert str(told).endswith("check user, password and database in DATABASE_URL")
    assert "sesame" not in str(told)


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
def test_row_is_at_fault_only_where_the_error_says_so(
    state: str, fields: dict[str, str], kind: type[Exception]
) -> None:
    """By its fields: the text may be in any language, and may name an index that is none."""
    error = asyncpg.PostgresError(f'{WRAPAROUND}, index "things_pkey"')
    for name, value in ({"sqlstate": state} | fields).items():
        setattr(error, name, value)
    with pytest.raises(Exception) as caught, translate_errors():  # noqa: PT011 – the type is what is looked at
        raise error
    assert type(caught.value) is kind
