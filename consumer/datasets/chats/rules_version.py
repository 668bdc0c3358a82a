"""The version of the rules: it moves when a cell may mean something else than before."""

from importlib.metadata import version

CELL_RULES_VERSION = 8
"""Moves by hand, with the rules and with what a reader makes of a cell."""


def rules_version() -> str:
    """With the tables of foreign phone numbers, which move with their package."""
    return f"{CELL_RULES_VERSION}+phonenumbers-{version('phonenumbers')}"
