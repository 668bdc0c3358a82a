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


def test_port_without_tokens_is_published_on_loopback_only(
    service: dict[str, Any],
) -> None:
    assert service["environment"]["MIGRATION_HTTP_OPEN"] == "${MIGRATION_HTTP_OPEN:-yes}"
    assert service["environment"]["MIGRATION_HTTP_TOKENS_FILE"] == "${MIGRATION_HTTP_TOKENS_FILE:-}"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_image_listens_on_all_interfaces() -> None:
    """On such an address the service requires tokens unless `MIGRATION_HTTP_OPEN` is set."""
    assert "MIGRATION_HTTP_HOST=0.0.0.0" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_secrets_folder_is_mounted_read_only(service: dict[str, Any]) -> None:
    assert "MIGRATION_GOOGLE_CREDENTIALS" in service["environment"]
    assert "${SECRETS_FOLDER:-./.devstack/secrets}:/run/secrets:ro" in service["volumes"]
    assert all(volume.endswith(":ro") for volume in service["volumes"])
