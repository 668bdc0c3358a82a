"""Rows as people fill them in, and what each means once it is read rightly."""

import base64
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from benchmarks.directory import Node, make_nodes, make_universities
from benchmarks.sheet import Cell

BLOCK = 10_000
DRAWS = 12
"""Random numbers a row may use."""

FIRST_DAY = date(2021, 9, 1)
NBSP = "\u00a0"
ABBREVIATIONS = ("БИ", "ИВТ", "ПМ", "Юр", "ЛД", "ЭК", "Ист", "Хим", "АРХ", "Ж", "ПО", "НГД")
SUBJECTS = ("Староста", "Чат группы", "Первокурсники", "Кураторы", "Деканат", "Общежитие", "Студсовет")
NAMES = (
    "{subject} {group}",
    "«{subject} {group}»",
    "'   {group}'",
    '{subject} "{group}" & друзья',
    "{group} — «{subject}» и «Кураторы»",
    "„{group}“",
)
PHONES: Sequence[Callable[[str], Cell]] = (
    lambda nine: f"+79{nine}",
    lambda nine: f"89{nine}",
    lambda nine: f"79{nine}",
    lambda nine: f"9{nine}",
    lambda nine: f"+7 (9{nine[:2]}) {nine[2:5]}-{nine[5:7]}-{nine[7:]}",
    lambda nine: f"8-9{nine[:2]}-{nine[2:5]}-{nine[5:]}",
    lambda nine: int(f"79{nine}"),
    lambda nine: f"+8 9{nine[:2]}{NBSP}{nine[2:]}",
)
FLAGS: Sequence[tuple[Cell, Cell]] = (
    (1, 1), (1, 0), ("да", "нет"), (True, False), (None, None), ("Истина", "ложь"), ("1", "0"),
)  # fmt: skip


@dataclass(slots=True)
class Row:
    """Cells by field, and what they mean: the keys of everything that the row makes."""

    cells: dict[str, Cell]
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
        """Key of the university."""
        return self.inn, self.kpp

    def copy(self) -> "Row":
        """A row of its own that says the same."""
        return Row(
            dict(self.cells), self.inn, self.kpp, self.branch, self.faculty, self.course, self.group,
            self.url, self.phone,
        )  # fmt: skip


class Country:
    """Where chats come from: nodes of universities, and how many groups each has."""

    def __init__(self, rows: int, seed: int) -> None:
        chance = random.Random(seed)
        self.universities = make_universities(max(16, min(900, rows // 170)), chance)
        self.nodes = make_nodes(self.universities, chance)
        self.groups_of_node = max(2, round(0.8 * rows / len(self.nodes)))
        self.low = [
            node for node in self.nodes if node.university.inn[0] == "0" and node.university.kpp.isdigit()
        ]


def right_rows(rows: int, seed: int, country: Country) -> Iterator[tuple[Row, list[int]]]:
    """So many rows without fault or warning, all of different links, with the numbers drawn for each."""
    chance = np.random.default_rng(seed)
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        # No underscore: `_x0041_` in a sheet means a letter.
        tokens = base64.b64encode(chance.bytes(24 * count), altchars=b"--").decode()
        draws = chance.integers(0, 2**31, size=(count, DRAWS)).tolist()
        for number, draw in enumerate(draws):
            node = country.nodes[draw[0] % len(country.nodes)]
            yield make_row(node, draw, tokens[32 * number : 32 * number + 32], country.groups_of_node), draw


def make_row(node: Node, draw: Sequence[int], token: str, groups: int) -> Row:
    """One right row of a node."""
    university = node.university
    number = draw[1] % groups
    course = None if number % 25 == 7 else number % 6 + 1
    group = "" if draw[2] % 25 == 0 else f"{ABBREVIATIONS[number % 12]}-{number % 6 + 19}{number:03d}"
    url = f"https://max.ru/join/{token}"
    nine = f"{draw[3] % 10**9:09d}"
    phone = "" if draw[4] % 20 == 0 else f"+79{nine}"
    add_user, add_admin = FLAGS[draw[5] % len(FLAGS)]
    subject = SUBJECTS[draw[6] % len(SUBJECTS)]
    cells: dict[str, Cell] = {
        "region_number": int(university.region_number) if draw[2] & 1 else university.region_number,
        "region": university.region,
        "foiv": university.foiv,
        "external_chat_id": f"-{68_000_000_000_000 + draw[7]}",
        "name": NAMES[draw[8] % len(NAMES)].format(subject=subject, group=group or nine[:4]),
        "url": url,
        "participants": None if draw[9] % 40 == 0 else draw[9] % 180,
        "owner_id": f"{100_000_000 + draw[10] % 900_000_000}",
        "phone": PHONES[draw[4] % len(PHONES)](nine) if phone else None,
        "created_on": created_on(draw[11]),
        "creator_id": 100_000_000 + draw[6] % 900_000_000,
        "organization": university.name,
        "inn": spelled_inn(university.inn, draw[9] // 180 % 20),
        "kpp": university.kpp or None,
        "branch": node.branch or None,
        "faculty": node.faculty or None,
        "course": course,
        "group": group or None,
        "add_user": add_user,
        "add_admin": add_admin,
    }
    return Row(cells, university.inn, university.kpp, node.branch, node.faculty, course, group, url, phone)


def created_on(draw: int) -> Cell:
    """A date of the last years: mostly a date, some with a time, some ISO text, few empty."""
    day = FIRST_DAY + timedelta(days=draw // 32 % 1500)
    match draw % 32:
        case 0:
            return None
        case 1 | 2:
            return day.isoformat()
        case 3 | 4 | 5:
            return datetime(day.year, day.month, day.day, 10, 30)  # noqa: DTZ001 - sheets know no zones
        case _:
            return day


def spelled_inn(inn: str, draw: int) -> Cell:
    """The ИНН as text or number; Excel drops no zero here, that is a fault of its own."""
    if draw < 5 and inn[0] != "0":
        return int(inn)
    if draw == 5:
        return f"{inn}.0"
    return f"{NBSP}{inn} " if draw == 6 else inn
