"""The merge statements are complete files; what they repeat stays the same in all of them."""

import re

import pytest

from consumer.datasets.chats.merge.plan import (
    SET_LOAD_SOURCE,
    SQL_DIRECTORY,
    WITH_GROUPS,
    WITHOUT_GROUPS,
    make_merge_plan,
    read_sql,
)
from consumer.datasets.chats.source_tags import SOURCE_TAGS
from consumer.errors import UnresolvableRequestError
from schemas.codes import WarningCode

FILES = sorted(path.stem for path in SQL_DIRECTORY.glob("*.sql"))
CONDITIONS = {
    "chat unchanged": ("insert_chats_with_groups", "insert_chats_without_groups", "update_chats"),
    "administrator unchanged": ("insert_chats_with_groups", "update_administrators"),
    "keeps org unit": ("insert_chats_with_groups", "insert_chats_without_groups", "update_chats"),
}


def marked_blocks(name: str, mark: str) -> list[str]:
    """The conditions between `/* mark */` and its `/* end */`, with one space for each gap."""
    text = " ".join(read_sql(name).split())
    blocks = []
    for start in re.finditer(re.escape(f"/* {mark} */"), text):
        depth = 1
        for comment in re.finditer(r"/\* (.*?) \*/", text[start.end() :]):
            depth += -1 if comment[1] == "end" else 1
            if depth == 0:
                blocks.append(text[start.end() : start.end() + comment.start()])
                break
    return blocks


def test_every_file_is_part_of_a_plan() -> None:
    assert set(FILES) == {*WITH_GROUPS, *WITHOUT_GROUPS, "temp_tables", "counts"}


@pytest.mark.parametrize("name", FILES)
def test_file_is_one_statement_without_placeholders(name: str) -> None:
    """`select *` and ordinal numbers hide columns; `:name` and `$1` cannot be pasted into psql."""
    statement = re.sub(r"--.*", "", read_sql(name))
    assert not re.search(r"(?<!:):[a-z]|\$[0-9]|\bselect \*|\b(?:order|group) by [0-9]", statement)
    if name not in {"temp_tables", "force_index_scan", "force_nested_loop", "reset_planner"}:
        assert ";" not in statement


@pytest.mark.parametrize(("mark", "names"), CONDITIONS.items())
def test_repeated_condition_is_identical_in_all_files(mark: str, names: tuple[str, ...]) -> None:
    blocks = [block for name in names for block in marked_blocks(name, mark)]
    assert len(blocks) == len(names) + 3 * (mark == "keeps org unit")  # four times in update_chats
    assert len(set(blocks)) == 1
    assert {name for name in FILES if marked_blocks(name, mark)} == set(names)


def test_load_source_has_tag_and_weaker_tags() -> None:
    tags = list(SOURCE_TAGS.values())
    for rank, (source_type, tag) in enumerate(SOURCE_TAGS.items()):
        weaker = "{" + ",".join(tags[:rank]) + "}"
        assert SET_LOAD_SOURCE[source_type].endswith(f" values ('{tag}', '{weaker}')")
        assert make_merge_plan(source_type).create_temp_tables.endswith(SET_LOAD_SOURCE[source_type])
    assert SET_LOAD_SOURCE.keys() == SOURCE_TAGS.keys()


def test_warnings_of_the_counts_are_warning_codes() -> None:
    codes = re.findall(r"'(\w+)'", read_sql("counts"))
    assert codes == [WarningCode.INN_AMBIGUOUS]


def test_unknown_source_type_has_no_plan() -> None:
    with pytest.raises(UnresolvableRequestError, match="excel"):
        make_merge_plan("paper")
