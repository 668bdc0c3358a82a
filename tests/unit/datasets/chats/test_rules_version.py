"""The version of the rules changes with their results and with the pinned version of phonenumbers."""

import hashlib
from datetime import date, datetime, time
from importlib.metadata import version

import phonenumbers

from consumer.cells.chunks import FORMULA_WITHOUT_VALUE, Cell, RoundedNumber
from consumer.datasets.chats.column_validator import column_validators
from consumer.datasets.chats.dataset import CELL_RULES_VERSION, DATASET, rules_version
from tests.support.doc_pages import ROOT
from tests.unit.datasets.chats.misread_phones import MISREAD_PHONES
from tests.unit.datasets.chats.more_phone_cases import MORE_PHONES, NAMES
from tests.unit.datasets.chats.phone_cases import PHONES

LAST_DAY = date(2026, 3, 2)
CELLS: tuple[Cell, ...] = (
    None, "", " ", "\u200b", "нет", "да", "1", "0", True, False, 0, 1, -1, 3.0, 2.5, 2024, 45636.75, 2.0**53,
    float("nan"), "3.0", "007",
    "2147483648", "7707083893", "7707083893.00", "79161234567.000", "105014177", "7707083894", "77071001",
    "770701001",
    "7707AZ001", "'«Чат»'", "«А» и «Б»", "и\u0306", "_x0000_", "\x00", "https://max.ru/1", "HTTP://a.ru",
    "a.ru", "https://a.ru/ b", date(2024, 12, 10), datetime(2024, 12, 10, 6),  # noqa: DTZ001
    time(1), "2024-12-10", "10.12.2024",
    FORMULA_WITHOUT_VALUE,
    "1989-12-31", "03.03.2026", "31.02.2024", "#N/A", "x" * 501, 79161234567.0, 7.91e10,
    79123500000, 79123510000.0, RoundedNumber("7.91234567e10"), RoundedNumber("7.7070839e9"),
    *(cell for cell, _ in (*PHONES, *MORE_PHONES, *NAMES, *MISREAD_PHONES)),
)  # fmt: skip
DIGEST_BY_VERSION = {8: "14f73c778d59aae5"}
"""Version of the rules → digest of their results for these cells."""


def test_changed_results_require_new_version() -> None:
    """If this fails, increase CELL_RULES_VERSION and add its digest, so that no load mixes both.

    If only CELLS changed, replace the digest.
    """
    assert digest() == DIGEST_BY_VERSION[CELL_RULES_VERSION]


def digest() -> str:
    results = [
        f"{field} {cell!r} {validated.copy_texts} {sorted(map(repr, validated.flagged.values()))}"
        for field, column in column_validators(LAST_DAY).items()
        for cell in CELLS
        for validated in [column.validate([cell])]
    ]
    return hashlib.sha256("\n".join(results).encode()).hexdigest()[:16]


def test_version_of_phonenumbers_is_part_of_the_version() -> None:
    assert (
        DATASET.rules_version
        == rules_version()
        == f"{CELL_RULES_VERSION}+phonenumbers-{phonenumbers.__version__}"
    )
    assert f'"phonenumbers=={version("phonenumbers")}"' in (ROOT / "pyproject.toml").read_text()
