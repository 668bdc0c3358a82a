import hashlib
from dataclasses import replace

import pytest

from consumer.rejected_file.row_key import RowKey, record_digest

RECORD = '{"Ссылка MAX": "https://max.ru/1", "ИНН": "0770123"}'
KEY = RowKey(job_id=17, run=2, load=3, row_number=4711, record_digest=record_digest(RECORD))


def test_text_of_a_key() -> None:
    digest = hashlib.sha256(RECORD.encode()).hexdigest()
    assert str(KEY) == f"v1:17:2:3:4711:{digest[:32]}"


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        replace(KEY, row_number=-5),
        replace(KEY, load=0),
        replace(KEY, job_id=2**63 - 1, run=2**31 - 1, load=2**63 - 1, row_number=2**63 - 1),
        replace(KEY, row_number=3 * 2**21 + 1_048_576),
    ],
)
def test_key_is_parsed_from_its_text(key: RowKey) -> None:
    assert RowKey.parse(str(key)) == key


def test_blanks_around_a_key_are_ignored() -> None:
    assert RowKey.parse(f" \n{KEY}\t") == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4711",
        "row_key",
        str(KEY)[:-1],
        f"{KEY}0",
        f"{KEY}\n{KEY}",
        str(KEY).upper(),
        str(KEY).replace("v1", "v2"),
        str(KEY).replace(":17:", ":0:"),
        str(KEY).replace(":17:", ":017:"),
        str(KEY).replace(":17:", ":-17:"),
        str(KEY).replace(":17:", f":{2**63}:"),
        str(KEY).replace(":4711:", f":{2**63}:"),
        str(KEY).replace(":4711:", ":١:"),
        str(KEY).replace(":4711:", ":4711.0:"),
        "v1:" + "9" * 100_000,
    ],
)
def test_other_text_is_no_key(text: str) -> None:
    assert RowKey.parse(text) is None


def test_digest_depends_on_the_text_of_the_record() -> None:
    assert record_digest('{"a": 1}') != record_digest('{"a":1}')
    assert len(record_digest(RECORD)) == 32
