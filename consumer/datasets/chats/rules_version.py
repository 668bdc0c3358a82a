"""The version of the rules: it moves when a cell may mean something else than before."""

from importlib.metadata import version

OF_CELLS = 8
"""Moves by hand, with the rules and with what a reader makes of a cell."""


def rules_version() -> str:
    """With the tables of foreign phone numbers, which move with their package."""
    return f"{OF_CELLS}+phonenumbers-{version('phonenumbers')}"
