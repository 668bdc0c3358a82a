"""The compose file sets variables that the service has, and mounts the paths they name."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["schema", "service"])
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What runs our image: both read the same settings, and look at the files these name."""
    found = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return dict(found["services"][request.param])


def test_every_variable_is_a_setting(service: dict[str, Any]) -> None:
    assert set(service["environment"]) <= {name.upper() for name in Settings.model_fields}


def test_others_may_reach_the_port_without_tokens_since_it_is_published_for_this_machine_alone(
    service: dict[str, Any],
) -> None:
    assert service["environment"]["MIGRATION_HTTP_OPEN"] == "${MIGRATION_HTTP_OPEN:-yes}"
    assert service["environment"]["MIGRATION_HTTP_TOKENS_FILE"] == "${MIGRATION_HTTP_TOKENS_FILE:-}"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_image_listens_for_others_and_so_asks_for_tokens() -> None:
    assert "MIGRATION_HTTP_HOST=0.0.0.0" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_files_that_settings_name_have_a_folder_that_only_can_be_read(service: dict[str, Any]) -> None:
    assert "MIGRATION_GOOGLE_CREDENTIALS" in service["environment"]
    assert "${SECRETS_FOLDER:-./.devstack/secrets}:/run/secrets:ro" in service["volumes"]
    assert all(volume.endswith(":ro") for volume in service["volumes"])
