"""Fictitious universities: names, regions, valid ИНН and КПП, branches and faculties."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

REGIONS = {
    "01": "Республика Адыгея (Адыгея)", "02": "Республика Башкортостан", "03": "Республика Бурятия",
    "05": "Республика Дагестан", "08": "Республика Калмыкия", "16": "Республика Татарстан (Татарстан)",
    "22": "Алтайский край", "23": "Краснодарский край", "24": "Красноярский край", "25": "Приморский край",
    "34": "Волгоградская область", "36": "Воронежская область", "38": "Иркутская область",
    "39": "Калининградская область", "42": "Кемеровская область — Кузбасс", "52": "Нижегородская область",
    "54": "Новосибирская область", "59": "Пермский край", "61": "Ростовская область",
    "63": "Самарская область", "66": "Свердловская область", "70": "Томская область",
    "72": "Тюменская область", "74": "Челябинская область", "76": "Ярославская область",
    "77": "город Москва", "78": "город Санкт-Петербург", "89": "Ямало-Ненецкий автономный округ",
}  # fmt: skip
LOW_REGIONS = tuple(code for code in REGIONS if code < "10")
"""Regions whose codes begin with a zero, which Excel drops from numbers."""

MINISTRIES = (
    "Минобрнауки России", "Минздрав России", "Минсельхоз России", "Минкультуры России",
    "Минтранс России", "Минпросвещения России", "Правительство Российской Федерации",
)  # fmt: skip
CITIES = (
    "Байкальский", "Волжский", "Донской", "Енисейский", "Жигулёвский", "Заполярный", "Ильменский",
    "Камский", "Ладожский", "Мещёрский", "Невский", "Окский", "Приволжский", "Рифейский", "Северский",
    "Таврический", "Уральский", "Хибинский", "Черноземный", "Шуйский", "Юго-Западный", "Яицкий",
)  # fmt: skip
INSTITUTION_TYPES = (
    "государственный университет", "технический университет", "медицинский университет",
    "педагогический университет", "аграрный университет", "институт культуры", "горный институт",
    "политехнический университет", "академия путей сообщения", "экономический университет",
)  # fmt: skip
FACULTIES = (
    "Факультет математики и механики", "Юридический факультет", "Институт истории и археологии",
    "Факультет информационных технологий", "Медико-биологический факультет", "Филологический факультет",
    "Институт экономики и управления", "Факультет журналистики", "Химический факультет",
    "Архитектурно-строительный институт", "Факультет «Робототехника и комплексная автоматизация»",
    "Институт физической культуры, спорта и туризма", "Факультет иностранных языков",
    "Институт нефти и газа", "Факультет психологии", "Агрономический факультет",
)  # fmt: skip
BRANCHES = ("Филиал в г. Озёрске", "Колледж", "Лицей", "Филиал в г. Приморске", "Высшая школа")


@dataclass(frozen=True, slots=True)
class University:
    """An organisation with the columns of the newest export; `kpp` may be empty."""

    inn: str
    kpp: str
    name: str
    region_number: str
    region: str
    foiv: str


@dataclass(frozen=True, slots=True)
class OrgUnit:
    """The parent of groups; an empty branch or faculty creates no row of its own."""

    university: University
    branch: str
    faculty: str


def check_digit(digits: str, weights: Sequence[int]) -> str:
    """The check digit of the leading digits of an ИНН, by the weights of the tax service."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return str(total % 11 % 10)


def inn_of_organisation(prefix: str) -> str:
    """The 10-digit ИНН that begins with these nine digits."""
    return prefix + check_digit(prefix, (2, 4, 10, 3, 5, 9, 4, 6, 8))


def inn_of_person(prefix: str) -> str:
    """The 12-digit ИНН that begins with these ten digits."""
    eleven = prefix + check_digit(prefix, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8))
    return eleven + check_digit(eleven, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8))


def make_universities(count: int, rng: random.Random) -> list[University]:
    """`count` universities with different ИНН; one of sixteen is in a region below ten."""
    by_inn: dict[str, University] = {}
    while len(by_inn) < count:
        university = _make_university(len(by_inn), rng)
        by_inn.setdefault(university.inn, university)
    return list(by_inn.values())


def _make_university(number: int, rng: random.Random) -> University:
    region = rng.choice(LOW_REGIONS if number % 16 == 0 else tuple(REGIONS))
    office = f"{region}{rng.randrange(1, 40):02d}"
    if number % 50 == 49:
        inn, kpp = inn_of_person(f"{office}{rng.randrange(10**6):06d}"), ""
    else:
        inn = inn_of_organisation(f"{office}{rng.randrange(10**5):05d}")
        kpp = f"{office}{'AB' if number % 50 == 48 else '01'}001"
    name = (
        f"{CITIES[number % len(CITIES)]} {INSTITUTION_TYPES[number // len(CITIES) % len(INSTITUTION_TYPES)]}"
    )
    return University(
        inn=inn,
        kpp="" if number % 50 == 47 else kpp,
        name=f"ФГБОУ ВО «{name}»"
        if number < len(CITIES) * len(INSTITUTION_TYPES)
        else f"АНО ВО «{name} № {number}»",
        region_number=region,
        region=REGIONS[region],
        foiv=MINISTRIES[number % len(MINISTRIES)],
    )


def make_org_units(universities: Sequence[University], rng: random.Random) -> list[OrgUnit]:
    """Branches and faculties of every university, and one unit of each without a faculty."""
    units = []
    for university in universities:
        branches = ["", "", "", *rng.sample(BRANCHES, rng.randrange(3))]
        faculties = rng.sample(FACULTIES, rng.randrange(4, len(FACULTIES)))
        units += [OrgUnit(university, rng.choice(branches), faculty) for faculty in ("", *faculties)]
    return units
