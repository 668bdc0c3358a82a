import os
from pathlib import Path

import certifi
import pytest

from producer_cli.devstack_env import parse_env
from producer_cli.errors import InvalidInputError
from producer_cli.settings import CliSettings, from_environment


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".devstack").mkdir()
    (tmp_path / ".devstack" / "env").write_text(
        "# made by the stack\nKAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9999\nMIGRATION_HTTP_PORT='8085'\n", "utf-8"
    )
    (tmp_path / "deep" / "down").mkdir(parents=True)
    return tmp_path


def test_devstack_env_is_found_from_any_subfolder(checkout: Path) -> None:
    settings = from_environment({}, checkout / "deep" / "down")
    assert settings.kafka().bootstrap_servers == "127.0.0.1:9999"
    assert settings.http_url == "http://127.0.0.1:8085"


def test_environment_overrides_devstack_env(checkout: Path) -> None:
    settings = from_environment({"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"}, checkout)
    assert settings.kafka().bootstrap_servers == "kafka:9092"
    assert settings.http_url == "http://127.0.0.1:8084"
    nearer = from_environment({"MIGRATION_HTTP_URL": "https://migration.example.org/"}, checkout)
    assert nearer.http_url == "https://migration.example.org"
    assert nearer.kafka().bootstrap_servers == "127.0.0.1:9999"


def test_empty_variable_is_ignored(checkout: Path) -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "", "MIGRATION_HTTP_PORT": ""}
    settings = from_environment(environment, checkout)
    assert settings.kafka().bootstrap_servers == "127.0.0.1:9999"
    assert settings.http_url == "http://127.0.0.1:8085"


OTHER_UID = 12_345
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
SETTINGS_PATHS = [".", ".devstack", ".devstack/env"]


@only_root
@pytest.mark.parametrize("part", SETTINGS_PATHS)
def test_root_ignores_env_owned_by_others(checkout: Path, part: str) -> None:
    os.chown(checkout / part, OTHER_UID, -1)
    with pytest.raises(
        InvalidInputError, match=r"set KAFKA_BOOT.*/env is not read: you are root.* another user\.$"
    ):
        from_environment({}, checkout / "deep").kafka()


@only_root
@pytest.mark.parametrize("others", [0o020, 0o002])
@pytest.mark.parametrize("part", SETTINGS_PATHS)
def test_root_ignores_env_writable_by_others(checkout: Path, part: str, others: int) -> None:
    (checkout / part).chmod((checkout / part).stat().st_mode | others)
    with pytest.raises(InvalidInputError, match=r"/env is not read: you are root, and others may write to"):
        from_environment({}, checkout).kafka()


@only_root
def test_user_trusts_env_of_own_or_of_root(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: OTHER_UID + 1)
    assert from_environment({}, checkout).kafka().bootstrap_servers == "127.0.0.1:9999"
    os.chown(checkout / ".devstack" / "env", OTHER_UID + 1, -1)
    assert from_environment({}, checkout).kafka().bootstrap_servers == "127.0.0.1:9999"
    os.chown(checkout / ".devstack" / "env", OTHER_UID, -1)
    with pytest.raises(InvalidInputError, match="is not read: it belongs neither to you nor to root"):
        from_environment({}, checkout).kafka()


def test_links_and_pipes_are_not_read(checkout: Path) -> None:
    """A link could be turned to another file between the check and the read."""
    file = checkout / ".devstack" / "env"
    file.rename(checkout / "elsewhere")
    file.symlink_to(checkout / "elsewhere")
    with pytest.raises(InvalidInputError, match="is not read: it must be a file, not a link"):
        from_environment({}, checkout).kafka()
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(InvalidInputError, match="is not read: it must be a file"):
        from_environment({}, checkout).kafka()


def test_file_swapped_after_owner_check_is_not_read(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file replaces it after the check of its owner."""
    file, others = checkout / ".devstack" / "env", checkout / "others"
    others.write_text("KAFKA_BOOTSTRAP_SERVERS=stranger:1\n", "utf-8")
    real_fstat = os.fstat

    def swap(descriptor: int) -> os.stat_result:
        if others.exists():
            others.rename(file)
        return real_fstat(descriptor)

    monkeypatch.setattr(os, "fstat", swap)
    assert from_environment({}, checkout).kafka().bootstrap_servers == "127.0.0.1:9999"
    assert not others.exists()


def test_ignored_env_does_not_hide_parent_env(checkout: Path) -> None:
    planted = checkout / "deep" / ".devstack"
    planted.mkdir()
    (planted / "env").symlink_to("/nowhere")
    assert from_environment({}, checkout / "deep").kafka().bootstrap_servers == "127.0.0.1:9999"


def test_error_names_missing_setting(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="set KAFKA_BOOTSTRAP_SERVERS"):
        from_environment({}, tmp_path).kafka()


def test_kafka_settings_are_read(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n", "utf-8")
    connection = CliSettings(
        {
            "KAFKA_BOOTSTRAP_SERVERS": "a:1,b:2",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": "ivanova",
            "KAFKA_SASL_PASSWORD_FILE": str(secret),
            "KAFKA_SSL_CAFILE": certifi.where(),
        }
    ).kafka()
    assert connection.sasl_password == "s3cret"
    assert (connection.security_protocol, connection.ssl_cafile) == ("SASL_SSL", certifi.where())


@pytest.mark.parametrize(
    "values",
    [
        {"KAFKA_SECURITY_PROTOCOL": "plain"},
        {"KAFKA_SASL_PASSWORD_FILE": "/nowhere/at/all"},
        {"KAFKA_SASL_MECHANISM": "FOO"},
        {"KAFKA_SASL_USERNAME": "ivanova"},
        {"KAFKA_SSL_CAFILE": "/nowhere/at/all"},
        {"KAFKA_BOOTSTRAP_SERVERS": "host:abc"},
        {"KAFKA_BOOTSTRAP_SERVERS": ","},
        {"KAFKA_BOOTSTRAP_SERVERS_FILE": "/nowhere/at/all"},
    ],
)
def test_error_names_invalid_variable(values: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(values))):
        CliSettings({"KAFKA_BOOTSTRAP_SERVERS": "a:1"} | values).kafka()


def test_file_takes_precedence_over_the_value(tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text("http://file:1\n", "utf-8")
    settings = CliSettings({"MIGRATION_HTTP_URL": "http://value:1", "MIGRATION_HTTP_URL_FILE": str(file)})
    assert settings.http_url == "http://file:1"


def test_kafka_options_are_case_insensitive() -> None:
    login = {"KAFKA_SASL_MECHANISM": "scram-sha-512", "KAFKA_SASL_USERNAME": "a", "KAFKA_SASL_PASSWORD": "b"}
    known = {"KAFKA_BOOTSTRAP_SERVERS": "a:1", "KAFKA_SECURITY_PROTOCOL": "sasl_plaintext"}
    connection = CliSettings(known | login).kafka()
    assert (connection.security_protocol, connection.sasl_mechanism) == ("SASL_PLAINTEXT", "SCRAM-SHA-512")


def test_error_names_undecodable_env(checkout: Path) -> None:
    (checkout / ".devstack" / "env").write_bytes(b"KAFKA_BOOTSTRAP_SERVERS=\xff:1\n")
    with pytest.raises(InvalidInputError, match=r"\.devstack/env cannot be read"):
        from_environment({}, checkout)


def test_env_lines_are_parsed() -> None:
    text = 'A=1\n\n# B=2\nexport C=three = 3\nD="quoted"\nE=\nnonsense\n'
    assert parse_env(text) == {"A": "1", "C": "three = 3", "D": "quoted", "E": ""}
