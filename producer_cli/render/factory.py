"""Chooses the renderer for standard output."""

import sys

from producer_cli.render.base import Renderer, is_interactive, make_console
from producer_cli.render.json_lines import JsonRenderer
from producer_cli.render.plain import LineRenderer
from producer_cli.render.terminal import TerminalRenderer


def choose_renderer(as_json: bool) -> Renderer:
    """Return the renderer for this process; a terminal without cursor movement is treated as a pipe."""
    if as_json:
        return JsonRenderer(sys.stdout, make_console(sys.stderr))
    console = make_console(sys.stdout)
    if is_interactive(console):
        return TerminalRenderer(console)
    return LineRenderer(sys.stdout, make_console(sys.stderr))
