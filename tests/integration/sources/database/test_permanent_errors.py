"""Permanent errors: one code each, and messages without values of the DSN or of rows."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from consumer.errors import MigrationError, PermanentError, TransientError
from tests.integration.sources.database import fake_postgres
from tests.integration.sources.database.certificates import write_certificate
from tests.integration.sources.database.source_database import (
    CONNECTION_NAME,
    dsn_with,
    dsn_with_options,
    execute,
    insert_chats,
    make_source_config,
    open_source,
    read_chunks,
)

ODD_VIEW = "create view odd as select {} as id, inn, name, url, admin_phone, source from chats"
BROKEN_VIEW = (
    "create view broken as select id, inn, name, url, (1 / id)::text as admin_phone, source from chats"
)
SECRETS = ("sesame", "guest", "127.0.0.1", "postgres:", "u:p")


def read_error(dsn: str, table: str | None = None) -> MigrationError:
    """The error of reading a table."""
    with pytest.raises(MigrationError) as caught:
        read_chunks(make_source_config(dsn), table)
    error = caught.value
    assert isinstance(error, PermanentError)
    assert not any(secret in error.message for secret in SECRETS), error.message
    assert error.__cause__ is None
    return error


def test_wrong_password(dsn: str) -> None:
    error = read_error(dsn_with(dsn, password="sesame"))
    assert error.code == "access_denied"
    assert f"«{CONNECTION_NAME}»" in error.message


def test_unknown_user(dsn: str) -> None:
    assert read_error(dsn_with(dsn, user="unknown-user")).code == "access_denied"


def test_missing_pg_hba_entry() -> None:
    with fake_postgres.serve(fake_postgres.reject_logins("28000")) as port:
        assert read_error(f"postgresql://u:p@127.0.0.1:{port}/d").code == "access_denied"


def test_missing_permission_on_table(dsn: str, unprivileged_dsn: str) -> None:
    insert_chats(dsn, [1])
    error = read_error(unprivileged_dsn)
    assert error.code == "access_denied"
    assert "no permission to read the table" in error.message


def test_missing_permission_on_column(dsn: str, unprivileged_dsn: str) -> None:
    insert_chats(dsn, [1])
    user = f"guest_{os.getpid()}"
    execute(dsn, f"grant select (id, source, inn, name, url) on chats to {user}")
    assert read_error(unprivileged_dsn).code == "access_denied"
    execute(dsn, f"grant select (admin_phone) on chats to {user}")
    assert len(read_chunks(make_source_config(unprivileged_dsn))) == 1


def test_missing_permission_on_schema(dsn: str, unprivileged_dsn: str) -> None:
    execute(dsn, "create schema hidden", "create table hidden.chats (like chats)")
    assert read_error(unprivileged_dsn, "hidden.chats").code == "access_denied"


def test_missing_database(dsn: str) -> None:
    assert read_error(dsn + "_not_there").code == "database_not_found"


def test_unknown_host() -> None:
    assert read_error("postgresql://u:p@no-such-host.invalid/d").code == "host_unknown"


def test_failing_name_server_is_queried_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = []

    def fail(host: str, *_: object, **__: object) -> Iterator[object]:
        hosts.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert read_error("postgresql://u:p@passing.invalid/d").code == "host_unknown"
    assert hosts == ["passing.invalid"] * 3


def test_failing_name_server_is_transient_once_rows_were_read(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Iterator[object]:
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(TransientError, match="cannot be looked up") as caught:
        read_chunks(make_source_config("postgresql://u:p@passing.invalid/d", checkpoint=7))
    assert caught.value.code == "source_unavailable"


def test_unknown_host_is_queried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = []

    def fail(host: str, *_: object, **__: object) -> Iterator[object]:
        hosts.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert read_error("postgresql://u:p@certain.invalid/d").code == "host_unknown"
    assert hosts == ["certain.invalid"]


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_server_without_tls(dsn: str, mode: str, certificate: str) -> None:
    error = read_error(dsn_with_options(dsn, sslmode=mode, sslrootcert=certificate))
    assert error.code == "tls_refused"
    assert "does not encrypt" in error.message


def test_certificate_is_verified(certificate: str, tmp_path: Path) -> None:
    users: list[str] = []
    options = {"sslmode": "verify-full", "sslrootcert": certificate}
    with fake_postgres.serve(
        fake_postgres.tls_server(write_certificate(tmp_path / "other.pem"), users)
    ) as port:
        error = read_error(dsn_with_options(f"postgresql://bad:p@127.0.0.1:{port}/d", **options))
        assert error.code == "tls_refused"
        assert "certificate" in error.message
    with (
        fake_postgres.serve(fake_postgres.tls_server(certificate, users)) as port,
        pytest.raises(TransientError),
    ):
        read_chunks(
            make_source_config(dsn_with_options(f"postgresql://good:p@127.0.0.1:{port}/d", **options))
        )
    assert users == ["good"]


@pytest.mark.parametrize(
    "dsn",
    [
        "mysql://u:p@h/d",
        "u:p@h/d",
        "postgresql://u:p@/d",
        "postgresql://u:p@h:port/d",
        "postgresql://u:p@/d?host=h,h,h&port=1,2",
        "postgresql://u:p@h/d?sslmode=perhaps",
        "postgresql://u:p@h/d?target_session_attrs=best",
        "postgresql://u:p@h/d?sslmode=require&ssl_min_protocol_version=SSL9",
        f"postgresql://u:p@{'h' * 70}.invalid/d",
    ],
)
def test_invalid_dsn(dsn: str) -> None:
    error = read_error(dsn)
    assert error.code == "wrong_connection"
    assert "MIGRATION_CONNECTIONS" in error.message


@pytest.mark.parametrize(
    "options",
    [
        {"statement_timeout": "soon"},
        {"channel_binding": "require"},
        {"service": "other"},
        {"passfile": "/etc/passwd"},
        {"options": "-c no_such=1 -c work_mem=much"},
        {"shared_buffers": "1GB"},
        {"transaction_read_only": "off"},
        {"transaction_isolation": "serializable"},
        {"ssl_library": "other"},
    ],
)
def test_option_rejected_by_the_server(dsn: str, options: dict[str, str]) -> None:
    assert read_error(dsn_with_options(dsn, **options)).code == "wrong_connection"


def test_missing_table(dsn: str) -> None:
    error = read_error(dsn, "nowhere")
    assert error.code == "table_not_found"
    assert "no table «nowhere»" in error.message
    assert "Check the name" in error.message


@pytest.mark.parametrize("name", ["Chats", "CHATS", "other.chats", "Public.chats", "public.Chats"])
def test_similar_table_name_is_suggested(dsn: str, name: str) -> None:
    error = read_error(dsn, name)
    assert error.code == "table_not_found"
    assert "There is «public.chats»: ask for that, as written" in error.message


def test_sequence_or_index_is_not_a_table(dsn: str) -> None:
    execute(dsn, "create sequence counter", "create index chats_url on chats (url)")
    assert read_error(dsn, "counter").code == "table_not_found"
    assert read_error(dsn, "chats_url").code == "table_not_found"
    assert read_error(dsn, "pg_catalog.pg_class").code == "missing_column"


def test_missing_columns(dsn: str) -> None:
    execute(dsn, 'create table bare (id bigint, inn text, "URL" text, note text)')
    error = read_error(dsn, "bare")
    assert error.code == "missing_column"
    assert "lacks «name», «url», «admin_phone», «source»" in error.message
    assert "it has «id», «inn», «URL», «note»" in error.message


def test_dropped_column_is_missing(dsn: str) -> None:
    execute(dsn, "alter table chats drop column url")
    error = read_error(dsn)
    assert error.code == "missing_column"
    assert "dropped" not in error.message


def test_table_with_dot_in_name_is_shown_quoted(dsn: str) -> None:
    insert_chats(dsn, [1, 2])
    execute(dsn, 'create view "my.table" as select * from chats')
    error = read_error(dsn, "my.table")
    assert error.code == "table_not_found"
    assert "There is «public.my.table»: ask for that" in error.message
    assert len(read_chunks(make_source_config(dsn), "public.my.table")) == 1


def test_key_of_domain_over_wrong_type(dsn: str) -> None:
    execute(dsn, "create domain code as text", "alter table chats alter id type code")
    error = read_error(dsn)
    assert error.code == "wrong_key"
    assert "«id» of «public.chats» is of type text" in error.message


@pytest.mark.parametrize("kind", ["text", "numeric", "uuid"])
def test_key_of_wrong_type(dsn: str, kind: str) -> None:
    execute(
        dsn, f"create view odd as select null::{kind} as id, inn, name, url, admin_phone, source from chats"
    )
    error = read_error(dsn, "odd")
    assert error.code == "wrong_key"
    assert kind in error.message


def test_null_keys(dsn: str) -> None:
    insert_chats(dsn, range(10))
    execute(dsn, ODD_VIEW.format("nullif(nullif(id, 3), 5)"))
    error = read_error(dsn, "odd")
    assert error.code == "wrong_key"
    assert "is empty in 2 rows" in error.message


def test_duplicate_keys(dsn: str) -> None:
    insert_chats(dsn, range(10))
    execute(dsn, ODD_VIEW.format("id / 2"))
    error = read_error(dsn, "odd")
    assert error.code == "wrong_key"
    assert "repeats itself 5 times" in error.message


INDEXES = [
    "create index on loose (id)",
    "create unique index on loose (id) where id > 5",
    "create unique index on loose (id, url)",
    "create unique index on loose (url) include (id)",
]


@pytest.mark.parametrize("index", INDEXES)
def test_other_indexes_do_not_make_the_key_unique(dsn: str, index: str) -> None:
    insert_chats(dsn, range(3))
    execute(dsn, "create table loose as select * from chats", index)
    assert len(read_chunks(make_source_config(dsn), "loose")) == 1
    execute(dsn, "insert into loose (id, url) values (2, 'another')")
    assert read_error(dsn, "loose").code == "wrong_key"


def test_index_of_parent_table_does_not_cover_children(dsn: str) -> None:
    insert_chats(dsn, [1, 2])
    execute(dsn, "create table heir () inherits (chats)", "insert into heir select * from only chats")
    assert read_error(dsn).code == "wrong_key"


def test_duplicate_keys_outside_the_dataset_are_ignored(dsn: str) -> None:
    insert_chats(dsn, [1, 2])
    execute(
        dsn,
        "create table loose as select * from chats",
        "insert into loose (id, source) values (1, 'bot'), (null, 'bot')",
    )
    assert len(read_chunks(make_source_config(dsn), "loose")) == 1


@pytest.mark.parametrize("source", [None, "bot"])
def test_table_without_rows_for_the_dataset(dsn: str, source: str | None) -> None:
    if source:
        insert_chats(dsn, [1, 2], source=source)
    assert read_error(dsn).code == "no_rows"


def test_rows_that_the_server_cannot_return(dsn: str) -> None:
    execute(
        dsn,
        "create view broken as select id, inn, name, (1 / id)::text as url, admin_phone, source from chats",
    )
    insert_chats(dsn, [0])
    error = read_error(dsn, "broken")
    assert error.code == "source_unreadable"
    assert "22012" in error.message


def test_undecodable_bytes(ascii_dsn: str) -> None:
    execute(ascii_dsn, r"insert into chats values (1, '1', E'\xcf\xf0', 'u', '2', null)")
    assert read_error(ascii_dsn).code == "source_unreadable"


def test_dataset_without_database_source(dsn: str) -> None:
    reading = make_source_config(dsn)
    sheets_alone = replace(reading, column_spec=replace(reading.column_spec, source_table=None))
    with pytest.raises(MigrationError) as caught, open_source(sheets_alone):
        pass
    assert caught.value.code == "unsupported_source"
