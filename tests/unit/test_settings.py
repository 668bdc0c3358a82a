"""Settings name every wrong variable, and read values from files."""

from pathlib import Path

import pytest

from consumer.settings import Settings, WrongSettings, load

ENOUGH = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "DATABASE_URL": "postgresql://u:secret@h/db"}


def test_little_is_required() -> None:
    settings = load(ENOUGH)
    assert settings.migration_batch_rows is None
    assert settings.migration_max_running_jobs == 2


def test_nothing_secret_shows_in_the_representation() -> None:
    assert "secret" not in repr(load(ENOUGH))


def test_a_value_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("postgresql://u:other@h/db\n")
    settings = load({"KAFKA_BOOTSTRAP_SERVERS": "k", "DATABASE_URL_FILE": str(path)})
    assert settings.database_url.get_secret_value() == "postgresql://u:other@h/db"


def test_names_are_read_from_json() -> None:
    settings = load(ENOUGH | {"MIGRATION_CONNECTIONS": '{"old": "postgresql://a:b@c/d"}'})
    assert list(settings.migration_connections) == ["old"]


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "KAFKA_BOOTSTRAP_SERVERS: is not set"),
        ({"MIGRATION_BATCH_ROWS": "many"}, "MIGRATION_BATCH_ROWS"),
        ({"MIGRATION_BATCH_ROWS": "0"}, "MIGRATION_BATCH_ROWS"),
        ({"DATABASE_URL": "mysql://h/db"}, "URL"),
        ({"MIGRATION_CONNECTIONS": "{"}, "JSON object"),
        ({"MIGRATION_LOG_LEVEL": "LOUD"}, "MIGRATION_LOG_LEVEL"),
        ({"MIGRATION_KEEP_EVENTS_DAYS": "7"}, "MIGRATION_KEEP_EVENTS_DAYS"),
        ({"MIGRATION_KEEP_JOBS_DAYS": "0"}, "MIGRATION_KEEP_JOBS_DAYS"),
        ({"MIGRATION_HEARTBEAT_SECONDS": "9"}, "MIGRATION_HEARTBEAT_SECONDS"),
        ({"KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"}, "KAFKA_SASL_USERNAME"),
        ({"DATABASE_URL_FILE": "/nowhere"}, "DATABASE_URL_FILE"),
    ],
)
def test_a_wrong_value_names_itself(variables: dict[str, str], named: str) -> None:
    environment = (ENOUGH if variables else {}) | variables
    with pytest.raises(WrongSettings, match=named) as caught:
        load(environment)
    assert "secret" not in str(caught.value)


def test_what_is_not_known_of_the_environment_does_not_matter() -> None:
    assert isinstance(load(ENOUGH | {"PATH": "/bin", "MIGRATION_STACK": "embedded"}), Settings)
