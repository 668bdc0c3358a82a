"""The contract on imports covers the whole service: no module is outside of every layer."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
CONTRACT = "Imports of the service go down only"


def _layered_modules() -> set[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["name"] == CONTRACT]
    return {module.strip("() ") for layer in layers for module in layer.replace(":", "|").split("|")}


def test_every_module_of_the_service_is_in_a_layer() -> None:
    layered = _layered_modules()
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "consumer").rglob("*.py"))
        if path.name != "__init__.py"
    ]
    assert len(modules) > 100
    assert [
        module
        for module in modules
        if not any(module == name or module.startswith(f"{name}.") for name in layered)
    ] == []
