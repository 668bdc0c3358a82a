"""Every text that the page asks for exists, and every text of the interface is asked for."""

import ast
import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from consumer.http import page
from consumer.http.page.language import Language
from consumer.http.page.texts.catalog import load_texts

PACKAGE = Path(page.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates").glob("*.html"))
MODULES = sorted(PACKAGE.rglob("*.py"))
OWN_PREFIX = "ui."
"""Texts of the interface; all others belong to codes and states, and other tests know which there are."""
KEYS = frozenset(load_texts(Language.EN))
KEY_REST = re.compile(r"[a-z_.*]+")
SECTIONS = frozenset(key.partition(".")[0] for key in KEYS)


def find_keys(source: str) -> Iterator[str]:
    """The keys in a template; parts of a key that are known at run time only are `*`.

    The parts joined by `~` are one key. A value chosen by `if` counts with both branches, the variable of a
    loop over texts with each of them.
    """
    tree = Environment(autoescape=True).parse(source)
    loops = {
        loop.target.name: loop.iter.items
        for loop in tree.find_all(nodes.For)
        if isinstance(loop.target, nodes.Name) and isinstance(loop.iter, nodes.Tuple)
    }
    joined = [part for concat in tree.find_all(nodes.Concat) for part in concat.find_all(nodes.Const)]
    for concat in tree.find_all(nodes.Concat):
        yield from _expand(concat.nodes, loops)
    for constant in tree.find_all(nodes.Const):
        if not any(constant is part for part in joined) and isinstance(constant.value, str):
            yield constant.value


def _expand(parts: list[nodes.Expr], loops: dict[str, list[nodes.Expr]], start: str = "") -> Iterator[str]:
    if not parts:
        yield start
        return
    for choice in _choices(parts[0], loops):
        text = str(choice.value) if isinstance(choice, nodes.Const) else "*"
        yield from _expand(parts[1:], loops, start + text)


def _choices(part: nodes.Expr, loops: dict[str, list[nodes.Expr]]) -> list[nodes.Expr]:
    match part:
        case nodes.CondExpr(expr1=first, expr2=second) if second is not None:
            return [*_choices(first, loops), *_choices(second, loops)]
        case nodes.Name(name=name) if name in loops:
            return loops[name]
        case _:
            return [part]


def find_keys_in_code(source: str) -> Iterator[str]:
    """The texts and the beginnings of formatted texts in a module."""
    tree = ast.parse(source)
    joined = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in joined:
            yield node.value


def _used_in(path: Path) -> set[str]:
    find = find_keys if path.suffix == ".html" else find_keys_in_code
    return {key for key in find(path.read_text(encoding="utf-8")) if _is_key(key)}


def _is_key(text: str) -> bool:
    """Whether a text has the form of a key: a section, a dot, and names."""
    section, dot, rest = text.partition(".")
    return bool(dot) and section in SECTIONS and rest != "html" and bool(KEY_REST.fullmatch(rest))


def _matching(pattern: str) -> set[str]:
    return set(fnmatch.filter(KEYS, pattern))


@pytest.mark.parametrize("path", [*TEMPLATES, *MODULES], ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_key_in_use_exists(path: Path) -> None:
    assert not {key for key in _used_in(path) if not _matching(key)}


def test_every_text_of_the_interface_is_used() -> None:
    patterns = set().union(*map(_used_in, [*TEMPLATES, *MODULES]))
    used = set().union(*map(_matching, patterns))
    assert sorted(key for key in KEYS - used if key.startswith(OWN_PREFIX)) == []


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ('{{ t("ui.a", n=1) }}', {"ui.a"}),
        ('{{ t("ui.a" if x else "ui.b") }}', {"ui.a", "ui.b"}),
        ('{{ t("ui." ~ name ~ ".b") }}', {"ui.*.b"}),
        ('{{ t("ui." ~ ("a" if x else "b") ~ "_c") }}', {"ui.a_c", "ui.b_c"}),
        ('{% for name in ("a", "b") %}{{ t("ui." ~ name) }}{% endfor %}', {"a", "b", "ui.a", "ui.b"}),
    ],
)
def test_keys_are_found(source: str, keys: set[str]) -> None:
    assert set(find_keys(source)) == keys
