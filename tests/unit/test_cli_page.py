"""The page of the command lists exactly its settings, options and exit codes."""

import re
from collections.abc import Iterator
from typing import Any

import typer.main
from typer.core import TyperGroup

from producer_cli.app import build
from producer_cli.errors import ExitCode
from tests.support.doc_pages import anchors, code_names, first_code_names, read_page, section, table_rows

PAGE = read_page("docs/cli.md")
VARIABLE = re.compile(r'"((?:KAFKA|MIGRATION)_[A-Z_]+?)(?:_FILE)?"')
TYPER_OPTIONS = {"--help", "--install-completion", "--show-completion"}


def test_every_setting_is_listed() -> None:
    """The page lists every setting and no other."""
    read = set(VARIABLE.findall(read_page("producer_cli/settings.py")))
    assert sorted(first_code_names(section(PAGE, "Settings"))) == sorted(read)


def test_every_exit_code_is_listed() -> None:
    """The page lists every code and no other."""
    assert [row[0] for row in table_rows(section(PAGE, "Exit codes"))] == [
        str(code.value) for code in ExitCode
    ]


def test_readme_lists_every_exit_code() -> None:
    (line,) = [line for line in read_page("README.md").splitlines() if line.startswith("Exit codes: ")]
    assert re.findall(r"(?:^Exit codes:|;) (\d+) ", line) == [str(code.value) for code in ExitCode]


def test_every_option_is_listed_with_its_commands() -> None:
    existing: dict[str, set[str]] = {}
    for command, option in _options():
        existing.setdefault(option, set()).add(command)
    listed = {}
    for cell, of, _ in table_rows(section(PAGE, "Options")):
        for option in code_names(cell):
            listed[option.split()[0]] = set(_commands(of))
    assert listed == existing


def test_operations_page_has_section_on_rights() -> None:
    assert "rights" in anchors(read_page("docs/operations.md"))


def _options() -> Iterator[tuple[str, str]]:
    """Yield command and long option; the command is empty for global options."""
    root = typer.main.get_command(build())
    assert isinstance(root, TyperGroup)
    yield from _command_options("", root)
    for name, command in root.commands.items():
        if isinstance(command, TyperGroup):
            for kind, leaf in command.commands.items():
                yield from _command_options(f"{name} {kind}", leaf)
        else:
            yield from _command_options(name, command)


def _command_options(name: str, command: Any) -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("--") and option not in TYPER_OPTIONS:
                yield name, option


def _commands(cell: str) -> Iterator[str]:
    every = {name for name, _ in _options()}
    match code_names(cell):
        case []:
            yield from every - {""} if cell == "all" else {""}
        case several:
            yield from (
                command
                for command in every
                if any(command == name or command.startswith(f"{name} ") for name in several)
            )
