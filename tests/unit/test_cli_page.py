"""The page of the command line tells its settings, its options and its exit codes."""

import re
from collections.abc import Iterator
from typing import Any

import typer.main
from typer.core import TyperGroup

from producer_cli.app import build
from producer_cli.exits import Exit
from tests.support.pages import anchors, first_names, names, page, rows, section

PAGE = page("docs/cli.md")
VARIABLE = re.compile(r'"((?:KAFKA|MIGRATION)_[A-Z_]+?)(?:_FILE)?"')
OF_TYPER = {"--help", "--install-completion", "--show-completion"}


def test_every_setting_is_told_and_none_that_is_not_there() -> None:
    read = set(VARIABLE.findall(page("producer_cli/settings.py")))
    assert sorted(first_names(section(PAGE, "Settings"))) == sorted(read)


def test_every_exit_code_is_told_and_none_that_is_not_there() -> None:
    assert [row[0] for row in rows(section(PAGE, "Exit codes"))] == [str(code.value) for code in Exit]


def test_the_exit_codes_of_the_readme_are_all_of_them() -> None:
    (line,) = [line for line in page("README.md").splitlines() if line.startswith("Exit codes: ")]
    assert re.findall(r"(?:^Exit codes:|;) (\d+) ", line) == [str(code.value) for code in Exit]


def test_every_option_is_told_of_the_commands_that_have_it() -> None:
    there: dict[str, set[str]] = {}
    for command, option in _options():
        there.setdefault(option, set()).add(command)
    told = {}
    for cell, of, _ in rows(section(PAGE, "Options")):
        for option in names(cell):
            told[option.split()[0]] = set(_commands(of))
    assert told == there


def test_the_page_leads_to_the_rights() -> None:
    assert "rights" in anchors(page("docs/operations.md"))


def _options() -> Iterator[tuple[str, str]]:
    """Each command as it is typed, with each long option of it; those of the whole have no command."""
    root = typer.main.get_command(build())
    assert isinstance(root, TyperGroup)
    yield from _of("", root)
    for name, command in root.commands.items():
        if isinstance(command, TyperGroup):
            for kind, leaf in command.commands.items():
                yield from _of(f"{name} {kind}", leaf)
        else:
            yield from _of(name, command)


def _of(name: str, command: Any) -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("--") and option not in OF_TYPER:
                yield name, option


def _commands(cell: str) -> Iterator[str]:
    every = {name for name, _ in _options()}
    match names(cell):
        case []:
            yield from every - {""} if cell == "all" else {""}
        case several:
            yield from (
                one for one in every if any(one == name or one.startswith(f"{name} ") for name in several)
            )
