"""Errors of settings name every invalid variable; values can be read from files."""

import os
from pathlib import Path

import pytest

from consumer.settings import Settings, SettingsError, clear_secret_variables, load

MINIMAL_SETTINGS = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "DATABASE_URL": "postgresql://u:secret@h/db"}


def test_defaults() -> None:
    settings = load(MINIMAL_SETTINGS)
    assert settings.migration_batch_rows is None
    assert settings.migration_max_running_jobs == 2


def test_repr_shows_no_secret() -> None:
    assert "secret" not in repr(load(MINIMAL_SETTINGS))


def test_value_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("postgresql://u:other@h/db\n")
    settings = load({"KAFKA_BOOTSTRAP_SERVERS": "k", "DATABASE_URL_FILE": str(path)})
    assert settings.database_url.get_secret_value() == "postgresql://u:other@h/db"


def test_connections_are_read_from_json() -> None:
    settings = load(MINIMAL_SETTINGS | {"MIGRATION_CONNECTIONS": '{"old": "postgresql://a:b@c/d"}'})
    assert list(settings.migration_connections) == ["old"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "KAFKA_BOOTSTRAP_SERVERS: is not set"),
        ({"MIGRATION_BATCH_ROWS": "many"}, "MIGRATION_BATCH_ROWS: "),
        ({"MIGRATION_BATCH_ROWS": "0"}, "MIGRATION_BATCH_ROWS: "),
        ({"DATABASE_URL": "mysql://u:secret@h/db"}, "DATABASE_URL: must begin with postgresql://"),
        (
            {"DATABASE_URL": "postgresql+psycopg://u:secret@h/db"},
            "DATABASE_URL: must begin with postgresql://",
        ),
        ({"DATABASE_URL": "postgresql://u:secret@h:543x/db"}, "DATABASE_URL: has a port"),
        ({"MIGRATION_CONNECTIONS": "{"}, "MIGRATION_CONNECTIONS: must be a JSON object"),
        ({"MIGRATION_CONNECTIONS": "nope"}, "MIGRATION_CONNECTIONS: must be a JSON object"),
        ({"MIGRATION_CONNECTIONS": '["old"]'}, "MIGRATION_CONNECTIONS: must be a JSON object"),
        ({"MIGRATION_CONNECTIONS": '{"old": 5}'}, "MIGRATION_CONNECTIONS: "),
        (
            {"MIGRATION_CONNECTIONS": '{"old": "mysql://u:secret@h"}'},
            "MIGRATION_CONNECTIONS: the address of «old»",
        ),
        (
            {"MIGRATION_CONNECTIONS": '{"postgresql://u:secret@h/d": "old"}'},
            "MIGRATION_CONNECTIONS: holds a name that no request may use",
        ),
        (
            {"MIGRATION_GOOGLE_CREDENTIALS": '{"мой": "/key.json"}'},
            "MIGRATION_GOOGLE_CREDENTIALS: holds a name that no request may use",
        ),
        (
            {"MIGRATION_GOOGLE_CREDENTIALS": "/key.json"},
            "MIGRATION_GOOGLE_CREDENTIALS: must be a JSON object",
        ),
        ({"MIGRATION_GOOGLE_API_URL": "sheets"}, "MIGRATION_GOOGLE_API_URL: must be an address"),
        (
            {"MIGRATION_HTTP_COOKIE_KEY": "secret" * 5},
            "MIGRATION_HTTP_COOKIE_KEY: must have at least 32 bytes",
        ),
        ({"MIGRATION_HTTP_COOKIE_KEY": f" {'secret' * 5}\n\n"}, "MIGRATION_HTTP_COOKIE_KEY: must have at"),
        (
            {"MIGRATION_HTTP_COOKIE_KEY_FILE": "/nowhere"},
            "MIGRATION_HTTP_COOKIE_KEY_FILE: cannot read /nowhere",
        ),
        ({"MIGRATION_HTTP_COOKIE_KEY_FILE": "/dev/null"}, "MIGRATION_HTTP_COOKIE_KEY: must have at least 32"),
        ({"MIGRATION_HTTP_OPEN": "true"}, "MIGRATION_HTTP_OPEN: "),
        ({"MIGRATION_HTTP_HOSTS": "a, b/c"}, "MIGRATION_HTTP_HOSTS: 'b/c' is not the name of a host"),
        ({"MIGRATION_MAX_UPLOAD_MB": "10241"}, "MIGRATION_MAX_UPLOAD_MB: "),
        ({"MIGRATION_MAX_UPLOADS": "65"}, "MIGRATION_MAX_UPLOADS: "),
        ({"MIGRATION_LOG_LEVEL": "LOUD"}, "MIGRATION_LOG_LEVEL: "),
        ({"MIGRATION_KEEP_EVENTS_DAYS": "7"}, "MIGRATION_KEEP_EVENTS_DAYS: "),
        ({"MIGRATION_KEEP_JOBS_DAYS": "0"}, "MIGRATION_KEEP_JOBS_DAYS: "),
        ({"MIGRATION_HEARTBEAT_SECONDS": "9"}, "MIGRATION_HEARTBEAT_SECONDS must be at most half"),
        ({"DATABASE_URL_FILE": "/nowhere"}, "DATABASE_URL_FILE: cannot read /nowhere"),
        ({"KAFKA_BOOTSTRAP_SERVERS": ","}, "KAFKA_BOOTSTRAP_SERVERS: names no broker"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "host:abc"}, "KAFKA_BOOTSTRAP_SERVERS: «host:abc» is not host:port"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:"}, "KAFKA_BOOTSTRAP_SERVERS: «127.0.0.1:» is not host:port"),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: must be one of PLAINTEXT, "),
        ({"KAFKA_SASL_MECHANISM": "FOO"}, "KAFKA_SASL_MECHANISM: must be one of PLAIN, "),
        ({"KAFKA_SSL_CAFILE": "/nowhere"}, "KAFKA_SSL_CAFILE: /nowhere cannot be read"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "anna"},
            "KAFKA_SECURITY_PROTOCOL is SASL_SSL: set KAFKA_SASL_PASSWORD too",
        ),
        (
            {"KAFKA_SASL_MECHANISM": "PLAIN"},
            "KAFKA_SECURITY_PROTOCOL is PLAINTEXT, so KAFKA_SASL_MECHANISM would",
        ),
        (
            {"KAFKA_SASL_PASSWORD": "secret"},
            "KAFKA_SECURITY_PROTOCOL is PLAINTEXT, so KAFKA_SASL_PASSWORD would",
        ),
    ],
)
def test_error_names_the_variable_and_no_secret(variables: dict[str, str], message: str) -> None:
    environment = (MINIMAL_SETTINGS if variables else {}) | variables
    with pytest.raises(SettingsError) as caught:
        load(environment)
    assert str(caught.value).startswith(message)
    assert "secret" not in str(caught.value)


def test_all_invalid_variables_are_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: .*; MIGRATION_MAX_ATTEMPTS: "):
        load(MINIMAL_SETTINGS | {"DATABASE_URL": "mysql://h/db", "MIGRATION_MAX_ATTEMPTS": "0"})


def test_file_takes_precedence_over_the_value(tmp_path: Path) -> None:
    path = tmp_path / "servers"
    path.write_text("file:1\n")
    settings = load(MINIMAL_SETTINGS | {"KAFKA_BOOTSTRAP_SERVERS_FILE": str(path)})
    assert settings.kafka().bootstrap_servers == "file:1"


def test_kafka_options_are_case_insensitive() -> None:
    login = {"KAFKA_SASL_MECHANISM": "scram-sha-512", "KAFKA_SASL_USERNAME": "a", "KAFKA_SASL_PASSWORD": "b"}
    kafka = load(MINIMAL_SETTINGS | login | {"KAFKA_SECURITY_PROTOCOL": "sasl_plaintext"}).kafka()
    assert (kafka.security_protocol, kafka.sasl_mechanism) == ("SASL_PLAINTEXT", "SCRAM-SHA-512")


def test_unknown_variables_are_ignored() -> None:
    assert isinstance(load(MINIMAL_SETTINGS | {"PATH": "/bin", "MIGRATION_STACK": "embedded"}), Settings)


def test_http_side_is_local_by_default() -> None:
    settings = load(MINIMAL_SETTINGS)
    assert settings.exposure_problem() is None
    assert settings.allowed_hosts("box") == {"localhost", "127.0.0.1", "[::1]", "box"}
    assert load(MINIMAL_SETTINGS | {"MIGRATION_HTTP_HOSTS": "A.example:80"}).allowed_hosts("box") == {
        "a.example"
    }


@pytest.mark.parametrize(
    ("variables", "allowed"),
    [
        ({}, False),
        ({"MIGRATION_HTTP_OPEN": "no"}, False),
        ({"MIGRATION_HTTP_OPEN": "yes"}, True),
        ({"MIGRATION_HTTP_TOKENS_FILE": "/tokens.toml"}, True),
        ({"MIGRATION_HTTP_TOKENS_FILE": ""}, False),
    ],
)
def test_public_http_side_needs_tokens_or_http_open(variables: dict[str, str], allowed: bool) -> None:
    settings = load(MINIMAL_SETTINGS | {"MIGRATION_HTTP_HOST": "0.0.0.0"} | variables)
    assert (settings.exposure_problem() is None) == allowed


def test_tokens_file_has_no_file_variant(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text("/other")
    settings = load(MINIMAL_SETTINGS | {"MIGRATION_HTTP_TOKENS_FILE": str(path)})
    assert settings.migration_http_tokens_file == path
    settings = load(MINIMAL_SETTINGS | {"MIGRATION_HTTP_TOKENS_FILE_FILE": str(path)})
    assert settings.migration_http_tokens_file is None


def test_cookie_key_is_stripped_and_never_shown(tmp_path: Path) -> None:
    assert load(MINIMAL_SETTINGS).cookie_key() is None
    key = "secret" * 6
    path = tmp_path / "key"
    path.write_text(f"{key}\n")
    for variables in (
        {"MIGRATION_HTTP_COOKIE_KEY": f" {key} \n"},
        {"MIGRATION_HTTP_COOKIE_KEY_FILE": str(path)},
    ):
        settings = load(MINIMAL_SETTINGS | variables)
        assert settings.cookie_key() == key.encode()
        assert "secret" not in repr(settings)
        assert "secret" not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("variables", "random_key"),
    [
        ({}, False),
        ({"MIGRATION_HTTP_TOKENS_FILE": "/tokens.toml"}, True),
        ({"MIGRATION_HTTP_TOKENS_FILE": "/tokens.toml", "MIGRATION_HTTP_COOKIE_KEY": "k" * 32}, False),
        ({"MIGRATION_HTTP_COOKIE_KEY": "k" * 32}, False),
    ],
)
def test_missing_cookie_key_is_a_problem_only_with_tokens(
    variables: dict[str, str], *, random_key: bool
) -> None:
    assert (load(MINIMAL_SETTINGS | variables).cookie_key_problem() is not None) == random_key


def test_variables_of_secrets_are_removed_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    secret_fields = {
        name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
    }
    for name in secret_fields:
        monkeypatch.setenv(name, "secret")
    clear_secret_variables()
    assert len(secret_fields) == 4
    assert not secret_fields & os.environ.keys()
