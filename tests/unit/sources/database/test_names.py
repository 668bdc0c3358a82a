import pytest

from consumer.sources.database.names import qualified, quote


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
def test_a_name_is_quoted_as_it_is(name: str, quoted: str) -> None:
    assert quote(name) == quoted


def test_schema_and_table_are_quoted_apart() -> None:
    assert qualified("s.x", 't"') == '"s.x"."t"""'
