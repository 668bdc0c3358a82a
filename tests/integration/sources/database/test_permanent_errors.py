"""What cannot be read is said at once, with a code each, and without a word of the address or of a row."""

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
    """The error that reading ends with."""
    with pytest.raises(MigrationError) as caught:
        read_chunks(make_source_config(dsn), table)
    error = caught.value
    assert isinstance(error, PermanentError)
    assert not any(secret in error.message for secret in SECRETS), error.message
    assert error.__cause__ is None
    return error


def test_a_wrong_password(dsn: str) -> None:
    error = read_error(dsn_with(dsn, password="sesame"))
    assert error.code == "access_denied"
    assert f"«{CONNECTION_NAME}»" in error.message


def test_a_user_that_is_not_known(dsn: str) -> None:
    assert read_error(dsn_with(dsn, user="nobody-here")).code == "access_denied"


def test_no_entry_in_pg_hba() -> None:
    with fake_postgres.serve(fake_postgres.reject_logins("28000")) as port:
        assert read_error(f"postgresql://u:p@127.0.0.1:{port}/d").code == "access_denied"


def test_a_missing_right_on_the_table(dsn: str, unprivileged_dsn: str) -> None:
    insert_chats(dsn, [1])
    error = read_error(unprivileged_dsn)
    assert error.code == "access_denied"
    assert "the right to read the table" in error.message


def test_a_missing_right_on_a_column_alone(dsn: str, unprivileged_dsn: str) -> None:
    insert_chats(dsn, [1])
    user = f"guest_{os.getpid()}"
    execute(dsn, f"grant select (id, source, inn, name, url) on chats to {user}")
    assert read_error(unprivileged_dsn).code == "access_denied"
    execute(dsn, f"grant select (admin_phone) on chats to {user}")
    assert len(read_chunks(make_source_config(unprivileged_dsn))) == 1


def test_a_schema_that_may_not_be_looked_into(dsn: str, unprivileged_dsn: str) -> None:
    execute(dsn, "create schema hidden", "create table hidden.chats (like chats)")
    assert read_error(unprivileged_dsn, "hidden.chats").code == "access_denied"


def test_a_database_that_is_not_there(dsn: str) -> None:
    assert read_error(dsn + "_not_there").code == "database_not_found"


def test_a_host_that_is_not_known() -> None:
    assert read_error("postgresql://u:p@no-such-host.invalid/d").code == "host_unknown"


def test_a_name_server_that_fails_is_asked_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fail(host: str, *_: object, **__: object) -> Iterator[object]:
        asked.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert read_error("postgresql://u:p@passing.invalid/d").code == "host_unknown"
    assert asked == ["passing.invalid"] * 3


def test_a_name_server_that_fails_ends_no_job_that_has_read_from_the_host(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Iterator[object]:
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(TransientError, match="cannot be looked up") as caught:
        read_chunks(make_source_config("postgresql://u:p@passing.invalid/d", checkpoint=7))
    assert caught.value.code == "source_unavailable"


def test_a_host_that_is_not_known_for_certain_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fail(host: str, *_: object, **__: object) -> Iterator[object]:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert read_error("postgresql://u:p@certain.invalid/d").code == "host_unknown"
    assert asked == ["certain.invalid"]


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_server_that_does_not_encrypt(dsn: str, mode: str, certificate: str) -> None:
    error = read_error(dsn_with_options(dsn, sslmode=mode, sslrootcert=certificate))
    assert error.code == "tls_refused"
    assert "does not encrypt" in error.message


def test_only_a_certificate_that_holds_is_spoken_to(certificate: str, tmp_path: Path) -> None:
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
def test_an_address_that_is_not_understood(dsn: str) -> None:
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
def test_an_option_that_the_server_does_not_take(dsn: str, options: dict[str, str]) -> None:
    assert read_error(dsn_with_options(dsn, **options)).code == "wrong_connection"


def test_a_table_that_is_not_there(dsn: str) -> None:
    error = read_error(dsn, "nowhere")
    assert error.code == "table_not_found"
    assert "no table «nowhere»" in error.message
    assert "Check the name" in error.message


@pytest.mark.parametrize("asked", ["Chats", "CHATS", "other.chats", "Public.chats", "public.Chats"])
def test_a_table_of_nearly_that_name_is_told(dsn: str, asked: str) -> None:
    error = read_error(dsn, asked)
    assert error.code == "table_not_found"
    assert "There is «public.chats»: ask for that, as written" in error.message


def test_what_is_no_table_is_not_read(dsn: str) -> None:
    execute(dsn, "create sequence counter", "create index chats_url on chats (url)")
    assert read_error(dsn, "counter").code == "table_not_found"
    assert read_error(dsn, "chats_url").code == "table_not_found"
    assert read_error(dsn, "pg_catalog.pg_class").code == "missing_column"


def test_a_table_without_the_columns(dsn: str) -> None:
    execute(dsn, 'create table bare (id bigint, inn text, "URL" text, note text)')
    error = read_error(dsn, "bare")
    assert error.code == "missing_column"
    assert "lacks «name», «url», «admin_phone», «source»" in error.message
    assert "it has «id», «inn», «URL», «note»" in error.message


def test_a_column_that_was_dropped_is_missing(dsn: str) -> None:
    execute(dsn, "alter table chats drop column url")
    error = read_error(dsn)
    assert error.code == "missing_column"
    assert "dropped" not in error.message


def test_a_table_with_a_dot_in_its_name_is_named_so_that_it_can_be_asked_for(dsn: str) -> None:
    insert_chats(dsn, [1, 2])
    execute(dsn, 'create view "my.table" as select * from chats')
    error = read_error(dsn, "my.table")
    assert error.code == "table_not_found"
    assert "There is «public.my.table»: ask for that" in error.message
    assert len(read_chunks(make_source_config(dsn), "public.my.table")) == 1


def test_a_key_of_a_domain_over_another_type(dsn: str) -> None:
    execute(dsn, "create domain code as text", "alter table chats alter id type code")
    error = read_error(dsn)
    assert error.code == "wrong_key"
    assert "«id» of «public.chats» is of type text" in error.message


@pytest.mark.parametrize("kind", ["text", "numeric", "uuid"])
def test_a_key_of_another_type(dsn: str, kind: str) -> None:
    execute(
        dsn, f"create view odd as select null::{kind} as id, inn, name, url, admin_phone, source from chats"
    )
    error = read_error(dsn, "odd")
    assert error.code == "wrong_key"
    assert kind in error.message


def test_keys_that_are_empty(dsn: str) -> None:
    insert_chats(dsn, range(10))
    execute(dsn, ODD_VIEW.format("nullif(nullif(id, 3), 5)"))
    error = read_error(dsn, "odd")
    assert error.code == "wrong_key"
    assert "is empty in 2 rows" in error.message


def test_keys_that_repeat(dsn: str) -> None:
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
def test_an_index_that_is_not_unique_in_the_key_alone_keeps_nothing_apart(dsn: str, index: str) -> None:
    insert_chats(dsn, range(3))
    execute(dsn, "create table loose as select * from chats", index)
    assert len(read_chunks(make_source_config(dsn), "loose")) == 1
    execute(dsn, "insert into loose (id, url) values (2, 'another')")
    assert read_error(dsn, "loose").code == "wrong_key"


def test_the_index_of_a_parent_says_nothing_of_those_who_inherit(dsn: str) -> None:
    insert_chats(dsn, [1, 2])
    execute(dsn, "create table heir () inherits (chats)", "insert into heir select * from only chats")
    assert read_error(dsn).code == "wrong_key"


def test_repeated_keys_outside_the_dataset_do_not_matter(dsn: str) -> None:
    insert_chats(dsn, [1, 2])
    execute(
        dsn,
        "create table loose as select * from chats",
        "insert into loose (id, source) values (1, 'bot'), (null, 'bot')",
    )
    assert len(read_chunks(make_source_config(dsn), "loose")) == 1


@pytest.mark.parametrize("source", [None, "bot"])
def test_a_table_without_rows_for_the_dataset(dsn: str, source: str | None) -> None:
    if source:
        insert_chats(dsn, [1, 2], source=source)
    assert read_error(dsn).code == "no_rows"


def test_rows_that_the_server_cannot_hand_out(dsn: str) -> None:
    execute(
        dsn,
        "create view broken as select id, inn, name, (1 / id)::text as url, admin_phone, source from chats",
    )
    insert_chats(dsn, [0])
    error = read_error(dsn, "broken")
    assert error.code == "source_unreadable"
    assert "22012" in error.message


def test_bytes_of_no_known_meaning(ascii_dsn: str) -> None:
    execute(ascii_dsn, r"insert into chats values (1, '1', E'\xcf\xf0', 'u', '2', null)")
    assert read_error(ascii_dsn).code == "source_unreadable"


def test_a_dataset_that_no_database_holds(dsn: str) -> None:
    reading = make_source_config(dsn)
    sheets_alone = replace(reading, column_spec=replace(reading.column_spec, source_table=None))
    with pytest.raises(MigrationError) as caught, open_source(sheets_alone):
        pass
    assert caught.value.code == "unsupported_source"
