"""What is stored of chats: one test for each rule of docs/chats.md."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.chat_loads import load_chats

Table = Callable[[str], Awaitable[list[tuple[Any, ...]]]]

INN, OTHER = "7707083893", "0105014177"
KPP, KPP_2 = "770701001", "771001002"
A, B = "https://max.ru/a", "https://max.ru/b"


def row(url: str = A, inn: str = INN, **cells: object) -> dict[str, object]:
    """A row of a workbook; other columns are empty."""
    columns: dict[str, object] = {"kpp": KPP, "branch": "", "faculty": "", "course": "", "group": ""}
    about: dict[str, object] = {"organization": "", "foiv": "", "region": "", "region_number": ""}
    chat: dict[str, object] = {"name": "", "phone": "", "owner_id": "", "add_user": "", "add_admin": ""}
    return {"url": url, "inn": inn, **columns, **about, **chat, **cells}


async def test_groups_and_faculties_belong_to_the_nearest_parent(
    database_url: str, read_table: Table
) -> None:
    await load_chats(
        database_url,
        [
            row(group="1"),
            row(branch="Ф", group="2", course=2.0),
            row(faculty="И", group="3"),
            row(branch="Ф", faculty="И", group="4"),
            row(branch="Ф", faculty="И"),
        ],
    )
    assert await read_table("branches") == [(INN, KPP, "Ф")]
    assert await read_table("faculties") == [(INN, KPP, "", "И"), (INN, KPP, "Ф", "И")]
    assert await read_table("groups") == [
        (INN, KPP, "", "", None, "1"),
        (INN, KPP, "", "И", None, "3"),
        (INN, KPP, "Ф", "", 2, "2"),
        (INN, KPP, "Ф", "И", None, "4"),
    ]


async def test_course_is_part_of_the_key_of_a_group(database_url: str, read_table: Table) -> None:
    await load_chats(database_url, [row(group="1", course=1.0), row(group="1", course=2.0), row(course=3.0)])
    assert [group[4:] for group in await read_table("groups")] == [(1, "1"), (2, "1")]
    assert len(await read_table("chat_groups")) == 2


async def test_row_without_a_phone_has_no_administrator(database_url: str, read_table: Table) -> None:
    await load_chats(database_url, [row(owner_id="7", add_user="1", add_admin="1")])
    assert await read_table("administrators") == []


async def test_inn_with_and_without_kpp_are_two_universities(database_url: str, read_table: Table) -> None:
    await load_chats(database_url, [row(A), row(B, kpp="")])
    assert [university[:2] for university in await read_table("universities")] == [(INN, ""), (INN, KPP)]


async def test_row_without_kpp_column_belongs_to_university_with_its_inn(
    database_url: str, read_table: Table
) -> None:
    await load_chats(database_url, [row(A)])
    loaded = await load_chats(database_url, [{"url": B, "inn": INN}], "database")
    assert loaded.warnings == {}
    assert [chat[6:8] for chat in await read_table("chats")] == [(INN, KPP), (INN, KPP)]


async def test_ambiguous_inn_means_the_lowest_id_with_a_warning(database_url: str, read_table: Table) -> None:
    await load_chats(database_url, [row(A, kpp=KPP_2), row(A, kpp=KPP)], batch_rows=1000)
    loaded = await load_chats(
        database_url, [{"url": B, "inn": INN}, {"url": B + "/", "inn": INN}], "database"
    )
    assert loaded.warnings == {"inn_ambiguous": 2}
    assert {chat[7] for chat in await read_table("chats")} == {KPP_2}


async def test_unknown_university_is_inserted_without_kpp_and_name(
    database_url: str, read_table: Table
) -> None:
    await load_chats(database_url, [{"url": A, "inn": INN, "name": "Чат"}], "database")
    assert await read_table("universities") == [(INN, "", "", "", "", "")]


@pytest.mark.parametrize("batch_rows", [1, 2, 1000])
async def test_first_row_of_a_url_wins_and_later_ones_add_to_it(
    database_url: str, read_table: Table, batch_rows: int
) -> None:
    first = row(A, name="Первый", group="1", phone="+79161234567", owner_id="1", add_user="0", add_admin="0")
    second = row(A, OTHER, name="Второй", group="2", phone="+79161234567", owner_id="2")
    third = row(A, name="Третий", phone="+79161234568", owner_id="3", add_user="1", add_admin="0")
    loaded = await load_chats(database_url, [first, second, third], batch_rows=batch_rows)
    assert loaded.counts() == (1, 0, 0, 2)
    assert [chat[:2] + chat[6:8] for chat in await read_table("chats")] == [(A, "Первый", INN, KPP)]
    assert [link[1] for link in await read_table("chat_groups")] == [OTHER, INN]
    assert await read_table("administrators") == [
        (A, "+79161234567", "1", False, False),
        (A, "+79161234568", "3", True, False),
    ]


@pytest.mark.parametrize("batch_rows", [1, 2, 1000])
@pytest.mark.parametrize("crash_after", [0, 1, 2])
async def test_first_nonempty_value_of_a_university_wins(
    database_url: str, read_table: Table, batch_rows: int, crash_after: int
) -> None:
    rows = [row(A, foiv="Минздрав"), row(A, organization="Один", foiv="Минобр"), row(B, organization="Два")]
    await load_chats(database_url, rows, batch_rows=batch_rows, crash_after=crash_after)
    assert await read_table("universities") == [(INN, KPP, "Один", "Минздрав", "", "")]


async def test_later_load_overrides_values_but_not_with_blanks(database_url: str, read_table: Table) -> None:
    old = row(name="Старый", organization="Один", region="Томск", phone="+79161234567", owner_id="1")
    await load_chats(database_url, [old])
    new = row(name="Новый", organization="Два", phone="+79161234567", add_user="0", add_admin="0")
    assert (await load_chats(database_url, [new])).counts() == (0, 1, 0, 0)
    assert (await load_chats(database_url, [row()])).counts() == (0, 0, 1, 0)
    assert (await read_table("chats"))[0][1] == "Новый"
    assert await read_table("universities") == [(INN, KPP, "Два", "", "Томск", "")]
    assert await read_table("administrators") == [(A, "+79161234567", "1", False, False)]


async def test_source_without_flag_columns_overrides_no_flags(database_url: str, read_table: Table) -> None:
    await load_chats(database_url, [row(phone="+79161234567", add_user="0", add_admin="0")])
    await load_chats(database_url, [{"url": A, "inn": INN, "phone": "+79161234567"}], "database")
    await load_chats(database_url, [{"url": B, "inn": INN, "phone": "+79161234567"}], "database")
    assert [person[3:] for person in await read_table("administrators")] == [(False, False), (True, True)]


MOVES = [
    # stored org unit (ИНН, КПП, branch, faculty), that of a later load, the result
    ((INN, KPP, "Ф", "И"), (INN, KPP, "", ""), (INN, KPP, "Ф", "И")),
    ((INN, KPP, "Ф", "И"), (INN, KPP, "Ф", ""), (INN, KPP, "Ф", "И")),
    ((INN, KPP, "Ф", "И"), (INN, KPP, "Ц", ""), (INN, KPP, "Ц", "")),
    ((INN, KPP, "Ф", "И"), (INN, KPP, "", "И"), (INN, KPP, "", "И")),
    ((INN, KPP, "Ф", ""), (INN, KPP, "Ф", "И"), (INN, KPP, "Ф", "И")),
    ((INN, KPP, "Ф", "И"), (INN, KPP_2, "", ""), (INN, KPP_2, "", "")),
    ((INN, KPP, "Ф", "И"), (OTHER, "", "", ""), (OTHER, "", "", "")),
    ((INN, KPP, "Ф", "И"), (INN, "", "Ц", ""), (INN, KPP, "Ф", "И")),
    ((INN, "", "Ф", "И"), (INN, "", "Ц", ""), (INN, "", "Ц", "")),
    ((INN, "", "Ф", "И"), (INN, KPP, "", ""), (INN, KPP, "", "")),
]


@pytest.mark.parametrize(("stored", "later", "result"), MOVES)
async def test_university_branch_and_faculty_change_together(
    database_url: str,
    read_table: Table,
    stored: tuple[str, ...],
    later: tuple[str, ...],
    result: tuple[str, ...],
) -> None:
    for inn, kpp, branch, faculty in (stored, later):
        loaded = await load_chats(database_url, [row(A, inn, kpp=kpp, branch=branch, faculty=faculty)])
    assert [chat[6:10] for chat in await read_table("chats")] == [result]
    assert loaded.counts() == ((0, 0, 1, 0) if result == stored else (0, 1, 0, 0))


async def test_row_without_kpp_column_keeps_university_of_chat(database_url: str, read_table: Table) -> None:
    await load_chats(database_url, [row(B, kpp=KPP), row(A, kpp=KPP_2, branch="Ф")])
    loaded = await load_chats(database_url, [{"url": A, "inn": INN}], "database")
    assert loaded.counts() == (0, 0, 1, 0)
    assert [chat[6:9] for chat in await read_table("chats")] == [(INN, KPP_2, "Ф"), (INN, KPP, "")]


async def test_tag_of_chat_never_weakens(database_url: str, read_table: Table) -> None:
    history = []
    for source_type in ("database", "google_sheets", "database", "excel", "google_sheets"):
        loaded = await load_chats(database_url, [row()], source_type)
        history.append(((await read_table("chats"))[0][-1], loaded.updated))
    assert history == [
        ("admin_panel", 0),
        ("bot_registrar", 1),
        ("bot_registrar", 0),
        ("academic_group", 1),
        ("academic_group", 0),
    ]


async def test_texts_are_stored_as_written(database_url: str, read_table: Table) -> None:
    names = ["\\N", "\\.", "а\tб", "а\nб", "а\r\nб", "а\\б", "😀", "''", "{}"]
    await load_chats(database_url, [row(f"{A}/{number}", name=name) for number, name in enumerate(names)])
    assert [chat[1] for chat in await read_table("chats")] == [*names[:-2], "", "{}"]


async def test_rejected_row_has_all_its_errors_and_the_record_as_read(database_url: str) -> None:
    invalid = row("нет", "12", course="\x00", name="Чат", phone=7.0)
    valid = row(B)
    loaded = await load_chats(database_url, [valid, invalid, row("", "12")])
    assert loaded.counts() == (1, 0, 0, 0)
    identifier, errors, record = loaded.rejected_rows[3]
    assert identifier == "нет"
    assert [(error["field"], error["code"]) for error in errors] == [
        ("url", "url"), ("inn", "inn"), ("course", "whole_number")
    ]  # fmt: skip
    assert record == {**invalid, "course": "\\u0000", "phone": 7}
    assert loaded.rejected_rows[4][0] == "12"


@pytest.mark.parametrize("crash_after", [0, 1, 2, 3])
async def test_row_rejected_by_the_database_has_no_effect(
    database_url: str, read_table: Table, crash_after: int
) -> None:
    rows = [row(A, name="Первый", organization="Один", group="1"), row(A, name="Второй", group="1"), row(B)]
    loaded = await load_chats(
        database_url, rows, batch_rows=1, rejected_by_database={2: "22021"}, crash_after=crash_after
    )
    assert loaded.counts() == (2, 0, 0, 0)
    assert [chat[1] for chat in await read_table("chats")] == ["Второй", ""]
    assert await read_table("universities") == [(INN, KPP, "", "", "", "")]
    (error,) = loaded.rejected_rows[2][1]
    assert (error["field"], error["code"]) == (None, "refused_by_database")
    assert "22021" in error["message"]
