import pytest

from consumer.sources.database.identifiers import (
    display_name,
    possible_names,
    qualified_name,
    quote_identifier,
)


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("chats", '"chats"'),
        ("Чаты 2", '"Чаты 2"'),
        ('a"b', '"a""b"'),
        ('"', '""""'),
        ('x"; drop table chats; --', '"x""; drop table chats; --"'),
        ("select", '"select"'),
        ("a.b", '"a.b"'),
        ("$1", '"$1"'),
    ],
)
def test_quote_identifier(name: str, quoted: str) -> None:
    assert quote_identifier(name) == quoted


def test_qualified_name() -> None:
    assert qualified_name("s.x", 't"') == '"s.x"."t"""'


@pytest.mark.parametrize(
    ("requested", "found"),
    [
        ("chats", [(None, "chats")]),
        ("old.chats", [("old", "chats")]),
        ("old.with.dots", [("old", "with.dots")]),
        ('"my.table"', [(None, "my.table"), ('"my', 'table"')]),
        ('old."my.table"', [("old", "my.table"), ("old", '"my.table"')]),
        ('"my.schema".chats', [("my.schema", "chats"), ('"my', 'schema".chats')]),
        ('"my.schema"."my.table"', [("my.schema", "my.table"), ('"my', 'schema"."my.table"')]),
        ('"a""b"', [(None, 'a"b'), (None, '"a""b"')]),
        ('a"b', [(None, 'a"b')]),
        ('"', [(None, '"')]),
        ('""', [(None, '""')]),
        ('a"b.select"; drop', [('a"b', 'select"; drop')]),
        ('"Чаты.2026"', [(None, "Чаты.2026"), ('"Чаты', '2026"')]),
    ],
)
def test_possible_names(requested: str, found: list[tuple[str | None, str]]) -> None:
    assert list(possible_names(requested)) == found


@pytest.mark.parametrize(
    ("schema", "table", "text"),
    [
        ("public", "chats", "public.chats"),
        ("public", "my.table", "public.my.table"),
        ("my.schema", "chats", '"my.schema"."chats"'),
        ("public", '"chats"', '"public"."""chats"""'),
        ("a", 'b"', 'a.b"'),
    ],
)
def test_display_name_can_be_requested(schema: str, table: str, text: str) -> None:
    assert display_name(schema, table) == text
    assert (schema, table) in possible_names(text)
