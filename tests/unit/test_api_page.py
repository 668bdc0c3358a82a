"""The API page lists exactly the routes, rights and problem codes of the service."""

import re
from collections import Counter
from typing import Any, cast

import httpx

from consumer.store.database import Database
from schemas.codes import ProblemCode
from tests.support.doc_pages import anchors, code_names, first_code_names, read_page, section, table_rows
from tests.support.http_app import make_read_only_app

PAGE = read_page("docs/api.md")
UNDOCUMENTED = {"/docs", "/redoc", "/openapi.json", "/asyncapi", "/asyncapi.yaml"}
"""Addresses of the documentation itself, which the document leaves out."""


def _operations() -> dict[tuple[str, str], dict[str, Any]]:
    document = make_read_only_app(cast("Database", None)).openapi()
    return {
        (verb.upper(), path): about
        for path, verbs in document["paths"].items()
        for verb, about in verbs.items()
    }


def _documented_routes() -> list[tuple[str, str, list[str], str, str]]:
    """Method, path, parameters, its description on the page, and the required right."""
    found = []
    for address, does, right in table_rows(section(PAGE, "Addresses")):
        for name in code_names(address):
            verb, path, parameters = re.fullmatch(r"([A-Z]+) ([^?]+)\??(.*)", name).groups()  # type: ignore[union-attr]
            found.append((verb, path, parameters.split("&") if parameters else [], does, right.strip("`")))
    return found


def _parameters(about: dict[str, Any]) -> dict[str, Any]:
    """The query parameters of an operation: name and schema."""
    return {item["name"]: item["schema"] for item in about.get("parameters", []) if item["in"] == "query"}


def test_every_route_is_listed_with_its_parameters() -> None:
    """The page lists every route and no other."""
    listed = {
        (verb, path): parameters
        for verb, path, parameters, *_ in _documented_routes()
        if path not in UNDOCUMENTED
    }
    assert listed == {key: list(_parameters(about)) for key, about in _operations().items()}


async def test_documentation_pages_are_served() -> None:
    assert {path for _, path, *_ in _documented_routes()} > UNDOCUMENTED
    transport = httpx.ASGITransport(make_read_only_app(cast("Database", None)))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for path in UNDOCUMENTED:
            assert (await client.get(path)).status_code == 200, path


def test_every_route_names_its_required_right() -> None:
    needed = {
        key: scope
        for key, about in _operations().items()
        for requirement in about.get("security", [])
        for scope in requirement.get("token", ())
    }
    assert {(verb, path): right for verb, path, _, _, right in _documented_routes() if right} == needed


def test_page_size_limits_match_service() -> None:
    operations = _operations()
    for verb, path, parameters, does, _ in _documented_routes():
        if "limit" in parameters:
            limit = _parameters(operations[verb, path])["limit"]
            assert f"`limit` {limit['default']}, at most {limit['maximum']:,}" in does


def test_every_problem_code_is_listed_once() -> None:
    assert Counter(first_code_names(section(PAGE, "Errors"))) == Counter(ProblemCode)


def test_every_link_has_a_target() -> None:
    for page, anchor in re.findall(r"\]\((\w+\.md)#([^)]+)\)", PAGE):
        assert anchor in anchors(read_page(f"docs/{page}")), (page, anchor)
