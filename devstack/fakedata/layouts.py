"""Layouts of exports: the columns and their order, the rows above the header, the sheet."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Columns = tuple[tuple[str, str | None], ...]
"""Header and field; None for a column that the dataset does not have."""

NEWEST: Columns = (
    ("№ Региона", "region_number"),
    ("Регион", "region"),
    ("ID чата", "external_chat_id"),
    ("Название чата", "name"),
    ("Ссылка на чат", "url"),
    ("Кол-во участников чата", "participants"),
    ("ID владельца чата", "owner_id"),
    ("Телефон владельца чата", "phone"),
    ("Дата создания чата", "created_on"),
    ("ID создателя чата", "creator_id"),
    ("Организация", "organization"),
    ("ИНН", "inn"),
    ("КПП", "kpp"),
    ("Головная организация", "branch"),
    ("Факультет", "faculty"),
    ("Курс", "course"),
    ("Группа", "group"),
    ("Добавлен пользователь", "add_user"),
    ("Добавлен администратор", "add_admin"),
)
ENGLISH: Columns = (
    ("Phone1", "phone"),
    ("MaxID", "owner_id"),
    ("INN_Ref", None),
    ("FOIV", "foiv"),
    ("OrgName", "organization"),
    ("Branch", "branch"),
    ("INN", "inn"),
    ("KPP", "kpp"),
    ("Faculty", "faculty"),
    ("Course", "course"),
    ("Group", "group"),
    ("ChatName", "name"),
    ("Phone2", None),
    ("FileName", None),
    ("ChatID", "external_chat_id"),
    ("Link", "url"),
    ("AddUser", "add_user"),
    ("AddAdmin", "add_admin"),
)
OLDER: Columns = (
    ("Номер региона", "region_number"),
    ("РЕГИОН", "region"),
    ("ФОИВ", "foiv"),
    ("Наименование организации *", "organization"),
    ("ИНН организации*", "inn"),
    ("КПП организации", "kpp"),
    ("Наименование головного подразделения/филиала", "branch"),
    ("Факультет/Институт/Иная  структурная классификация", "faculty"),
    ("Курс обучения", "course"),
    ("Номер группы", "group"),
    ("Название\nчата", "name"),
    ("Ссылка", "url"),
    ("Кол\u2011во участников", "participants"),  # a non-breaking hyphen
    ("Номер телефона администратора", "phone"),
    ("MAX ID", "owner_id"),
    ("Добавлени пользователь", "add_user"),
    ("Добавлен администратор\u00a0", "add_admin"),
    ("Примечание", None),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout of an export. Rows are counted from 1, as Excel shows them."""

    columns: Columns = NEWEST
    title_rows: Mapping[int, str] = field(default_factory=dict)
    """Titles by row number, in the first column."""
    header_row: int = 1
    gap_every: int = 0
    """After this many rows one is missing in the XML, and one holds only invisible characters."""
    sheet: str = "Чаты"
    preceding_sheets: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that have a column, in order."""
        return tuple(name for _, name in self.columns if name)

    def row_number(self, index: int) -> int:
        """The row number of the data row with this index, counted from 0."""
        gaps = 2 * (index // self.gap_every) if self.gap_every else 0
        return self.header_row + 1 + index + gaps


LAYOUTS: Mapping[str, Layout] = {
    "newest": Layout(),
    "english": Layout(ENGLISH, sheet="Лист1"),
    "older": Layout(OLDER),
    "shuffled": Layout(),
    "titled": Layout(
        title_rows={3: "Выгрузка чатов образовательных организаций", 4: "Отдел ИНН и КПП, 2025 год"},
        header_row=7,
        gap_every=500,
    ),
    "second": Layout(sheet=" чаты ", preceding_sheets=("Справка",)),
}


def layout_of(name: str, seed: int) -> Layout:
    """The layout of that name; `shuffled` orders the columns by the seed."""
    layout = LAYOUTS[name]
    if name != "shuffled":
        return layout
    columns = list(layout.columns)
    random.Random(seed).shuffle(columns)
    return replace(layout, columns=tuple(columns))
