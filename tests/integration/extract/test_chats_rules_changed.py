"""A workbook of phones in a real extractor: stored phones, and a checkpoint of another rules version."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from consumer.datasets.chats.staging import CHATS
from consumer.ipc import FrameType
from tests.support.extractor_driver import ReceivedFrame, make_start_header, start_extractor
from tests.support.workbooks import FIXTURES

STORED = {"https://t.me/+F09x4": "+74232022511", "https://t.me/+F09x9": "+74959885388",
          "https://t.me/+F09x10": "+79123456789"}  # fmt: skip
"""The three of 13 cells that hold exactly one phone; two of them with an extension."""


@pytest.fixture
def phones_workbook(inbox: Path) -> Path:
    return Path(shutil.copy(FIXTURES / "phones.xlsx", inbox / "phones.xlsx"))


def read_all(start: dict[str, Any]) -> list[ReceivedFrame]:
    with start_extractor(start | {"dataset": "chats", "chunk_rows": 4}, "consumer.extract") as process:
        return process.read_all()


def test_phone_is_stored_only_if_its_cell_holds_exactly_one(phones_workbook: Path, scratch: Path) -> None:
    batches = [
        frame
        for frame in read_all(make_start_header(phones_workbook, scratch))
        if frame.frame_type is FrameType.BATCH
    ]
    warnings = sum((Counter(frame.header["warnings"]) for frame in batches), Counter[str]())
    assert (warnings["phone"], warnings["phone_extension"]) == (10, 2)
    url, phone = CHATS.columns.index("url"), CHATS.columns.index("phone")
    rows = [line.split("\t") for frame in batches for line in frame.sections[CHATS.name].splitlines()]
    assert {row[url]: row[phone] for row in rows if row[phone]} == STORED
    assert len(rows) == 13


def test_load_of_other_rules_is_read_from_the_top(phones_workbook: Path, scratch: Path) -> None:
    opened, *complete = read_all(make_start_header(phones_workbook, scratch))
    _, day, source = opened.header["fingerprint"].rsplit("/", 2)
    for stored in (f"1+phonenumbers-9.0.43/{day}/{source}", f"2+phonenumbers-9.0.42/{day}/{source}", source):
        reopened, *frames = read_all(
            make_start_header(phones_workbook, scratch, checkpoint=9, rows_done=8, fingerprint=stored)
        )
        assert reopened.header == opened.header | {"restarted": True}
        assert [(frame.frame_type, frame.header, frame.body) for frame in frames] == [
            (frame.frame_type, frame.header, frame.body) for frame in complete
        ]
