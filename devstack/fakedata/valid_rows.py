"""Valid rows in the spellings that people use, with the meaning of each."""

import base64
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from devstack.fakedata.universities import OrgUnit, make_org_units, make_universities
from devstack.fakedata.xlsx_writer import CellValue

BLOCK_ROWS = 10_000
DRAWS_PER_ROW = 12
"""Random numbers for each row."""

FIRST_DAY = date(2021, 9, 1)
NBSP = "\u00a0"
ABBREVIATIONS = ("БИ", "ИВТ", "ПМ", "Юр", "ЛД", "ЭК", "Ист", "Хим", "АРХ", "Ж", "ПО", "НГД")
SUBJECTS = ("Староста", "Чат группы", "Первокурсники", "Кураторы", "Деканат", "Общежитие", "Студсовет")
NAME_TEMPLATES = (
    "{subject} {group}",
    "«{subject} {group}»",
    "'   {group}'",
    '{subject} "{group}" & друзья',
    "{group} — «{subject}» и «Кураторы»",
    "„{group}“",
)
PHONE_SPELLINGS: Sequence[Callable[[str], str | int]] = (
    lambda nine: f"+79{nine}",
    lambda nine: f"89{nine}",
    lambda nine: f"79{nine}",
    lambda nine: f"9{nine}",
    lambda nine: f"+7 (9{nine[:2]}) {nine[2:5]}-{nine[5:7]}-{nine[7:]}",
    lambda nine: f"8-9{nine[:2]}-{nine[2:5]}-{nine[5:]}",
    lambda nine: int(f"79{nine}"),
    lambda nine: f"+8 9{nine[:2]}{NBSP}{nine[2:]}",
)
FLAG_SPELLINGS: Sequence[tuple[CellValue, CellValue]] = (
    (1, 1), (1, 0), ("да", "нет"), (True, False), (None, None), ("Истина", "ложь"), ("1", "0"),
)  # fmt: skip


@dataclass(slots=True)
class GeneratedRow:
    """Cells by field, and their meaning: the natural keys of everything that an import stores of the row."""

    cells: dict[str, CellValue]
    inn: str
    kpp: str
    branch: str
    faculty: str
    course: int | None
    group: str
    url: str
    phone: str

    @property
    def university(self) -> tuple[str, str]:
        """The natural key of the university."""
        return self.inn, self.kpp

    def copy(self) -> "GeneratedRow":
        """An independent copy."""
        return GeneratedRow(
            dict(self.cells), self.inn, self.kpp, self.branch, self.faculty, self.course, self.group,
            self.url, self.phone,
        )  # fmt: skip


class UniversityPool:
    """The universities of a workbook: their branches and faculties, and the number of groups in each."""

    def __init__(self, rows: int, seed: int) -> None:
        rng = random.Random(seed)
        self.universities = make_universities(max(16, min(900, rows // 170)), rng)
        self.org_units = make_org_units(self.universities, rng)
        self.groups_per_unit = max(2, round(0.8 * rows / len(self.org_units)))
        self.low_region_units = [
            unit for unit in self.org_units if unit.university.inn[0] == "0" and unit.university.kpp.isdigit()
        ]


def generate_valid_rows(
    rows: int, seed: int, pool: UniversityPool
) -> Iterator[tuple[GeneratedRow, list[int]]]:
    """`rows` valid rows without a warning, with different links, and the random numbers drawn for each."""
    rng = np.random.default_rng(seed)
    for start in range(0, rows, BLOCK_ROWS):
        count = min(BLOCK_ROWS, rows - start)
        # No underscore: in a sheet, `_x0041_` is an escaped character.
        tokens = base64.b64encode(rng.bytes(24 * count), altchars=b"--").decode()
        draws = rng.integers(0, 2**31, size=(count, DRAWS_PER_ROW)).tolist()
        for number, row_draws in enumerate(draws):
            unit = pool.org_units[row_draws[0] % len(pool.org_units)]
            token = tokens[32 * number : 32 * number + 32]
            yield make_row(unit, row_draws, token, pool.groups_per_unit), row_draws


def make_row(org_unit: OrgUnit, draws: Sequence[int], token: str, group_count: int) -> GeneratedRow:
    """One valid row of an organisational unit; `token` makes its link unique."""
    university = org_unit.university
    number = draws[1] % group_count
    course = None if number % 25 == 7 else number % 6 + 1
    group = "" if draws[2] % 25 == 0 else f"{ABBREVIATIONS[number % 12]}-{number % 6 + 19}{number:03d}"
    url = f"https://max.ru/join/{token}"
    nine = f"{draws[3] % 10**9:09d}"
    phone = "" if draws[4] % 20 == 0 else f"+79{nine}"
    add_user, add_admin = FLAG_SPELLINGS[draws[5] % len(FLAG_SPELLINGS)]
    subject = SUBJECTS[draws[6] % len(SUBJECTS)]
    cells: dict[str, CellValue] = {
        "region_number": int(university.region_number) if draws[2] & 1 else university.region_number,
        "region": university.region,
        "foiv": university.foiv,
        "external_chat_id": f"-{68_000_000_000_000 + draws[7]}",
        "name": NAME_TEMPLATES[draws[8] % len(NAME_TEMPLATES)].format(
            subject=subject, group=group or nine[:4]
        ),
        "url": url,
        "participants": None if draws[9] % 40 == 0 else draws[9] % 180,
        "owner_id": f"{100_000_000 + draws[10] % 900_000_000}",
        "phone": PHONE_SPELLINGS[draws[4] % len(PHONE_SPELLINGS)](nine) if phone else None,
        "created_on": random_date(draws[11]),
        "creator_id": 100_000_000 + draws[6] % 900_000_000,
        "organization": university.name,
        "inn": spelled_inn(university.inn, draws[9] // 180 % 20),
        "kpp": university.kpp or None,
        "branch": org_unit.branch or None,
        "faculty": org_unit.faculty or None,
        "course": course,
        "group": group or None,
        "add_user": add_user,
        "add_admin": add_admin,
    }
    return GeneratedRow(
        cells, university.inn, university.kpp, org_unit.branch, org_unit.faculty, course, group, url, phone
    )


def random_date(draw: int) -> CellValue:
    """A date from 2021 to 2025: mostly a date, sometimes with a time, as ISO text, or empty."""
    day = FIRST_DAY + timedelta(days=draw // 32 % 1500)
    match draw % 32:
        case 0:
            return None
        case 1 | 2:
            return day.isoformat()
        case 3 | 4 | 5:
            return datetime(day.year, day.month, day.day, 10, 30)  # noqa: DTZ001 - cells have no zone
        case _:
            return day


def spelled_inn(inn: str, draw: int) -> CellValue:
    """The ИНН as text or number; a dropped leading zero is one of the unusual cells instead."""
    if draw < 5 and inn[0] != "0":
        return int(inn)
    if draw == 5:
        return f"{inn}.0"
    return f"{NBSP}{inn} " if draw == 6 else inn
