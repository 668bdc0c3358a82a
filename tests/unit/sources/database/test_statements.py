import pytest

from consumer.datasets.base import SourceTable
from consumer.errors import LayoutError, PermanentError
from consumer.sources.database import count, pages
from consumer.sources.database.pages import KeyRange, build_chunk
from consumer.sources.database.table_lookup import ResolvedTable, check_columns
from consumer.sources.missing_column import MissingColumnError

TABLE = ResolvedTable("old", 1, 'a"b', "Chats", has_unique_key=True)
RELATION = SourceTable("chats", "id", {"inn": "inn", "phone": 'pho"ne'}, ("source", "admin_panel"), ("inn",))
GOOD = {"id": "bigint", "inn": "text", 'pho"ne': "text", "source": "text"}


def test_page_query_orders_by_key() -> None:
    assert pages.page_query(TABLE, RELATION, ("inn", "phone"), is_first=False) == (
        "select array_agg(p.k::bigint order by p.k), array_agg(p.c1 order by p.k), "
        "array_agg(p.c2 order by p.k) from ("
        """select t."id", case when octet_length(t."inn"::text) > 524272 """
        """then '…' || left(t."inn"::text, 131068) || '…' else t."inn"::text end, """
        """case when octet_length(t."pho""ne"::text) > 524272 """
        """then '…' || left(t."pho""ne"::text, 131068) || '…' else t."pho""ne"::text end """
        """from "a""b"."Chats" as t """
        'where (t."source"::text = $1::text or t."source" is null) and t."id" <= $2::bigint '
        'and t."id" > $4::bigint order by t."id" limit $3::bigint) as p (k, c1, c2)'
    )


def test_first_page_has_no_lower_bound() -> None:
    assert "$4" not in pages.page_query(TABLE, RELATION, ("inn",), is_first=True)


def test_distinct_keys_are_counted_without_unique_index() -> None:
    loose = ResolvedTable("old", 1, "s", "t", has_unique_key=False)
    assert "distinct" in count.count_query(loose, RELATION)
    assert "distinct" not in count.count_query(TABLE, RELATION)


def test_record_of_a_row() -> None:
    found = build_chunk([-5, 3], [["77", None], [None, "+7"]], RELATION, ("inn", "phone"))
    assert found.positions == [-5, 3]
    assert found.columns == {"inn": ["77", None], "phone": [None, "+7"]}
    assert found.record(0) == {"id": -5, "inn": "77", 'pho"ne': None}
    assert found.record(1) == {"id": 3, "inn": None, 'pho"ne': "+7"}


@pytest.mark.parametrize(
    ("after", "upto", "over"), [(None, -(2**63), False), (4, 5, False), (5, 5, True), (6, 5, True)]
)
def test_key_range_is_exhausted_at_its_last_key(after: int | None, upto: int, over: bool) -> None:
    assert KeyRange(after, upto, ()).is_exhausted is over


@pytest.mark.parametrize("kind", ["smallint", "integer", "bigint"])
def test_integer_key_is_accepted(kind: str) -> None:
    check_columns("s.t", GOOD | {"id": kind}, RELATION)


@pytest.mark.parametrize("kind", ["text", "uuid", "numeric", "double precision", "timestamp with time zone"])
def test_other_key_is_rejected(kind: str) -> None:
    with pytest.raises(PermanentError, match=rf"«id» of «s\.t» is of type {kind}") as caught:
        check_columns("s.t", GOOD | {"id": kind}, RELATION)
    assert caught.value.code == "wrong_key"


def test_error_names_missing_and_existing_columns() -> None:
    with pytest.raises(
        LayoutError, match=r'«s\.t» lacks «inn», «source»; it has «id», «pho"ne», «INN»'
    ) as caught:
        check_columns("s.t", {"id": "bigint", 'pho"ne': "text", "INN": "text"}, RELATION)
    assert caught.value.code == "missing_column"


def test_error_of_a_wide_table_names_some_columns() -> None:
    with pytest.raises(LayoutError, match="«c39» and 60 more"):
        check_columns("s.t", {f"c{i}": "text" for i in range(100)}, RELATION)


def test_nearest_column_is_named_for_each_missing_field() -> None:
    with pytest.raises(MissingColumnError, match="Nearest to «inn» is «inn_number»") as caught:
        check_columns("s.t", {"id": "bigint", "source": "text", "inn_number": "text"}, RELATION)
    assert caught.value.nearest == {"inn": "inn_number", "phone": None}
    assert caught.value.sample is None


def test_columns_that_are_read_or_cannot_be_named_are_not_nearest() -> None:
    with pytest.raises(MissingColumnError) as caught:
        check_columns(
            "s.t", {"id": "bigint", 'pho"ne': "text", "source": "text", "x" * 300: "text"}, RELATION
        )
    assert caught.value.nearest == {"inn": None}
