"""When a job has too many rejected rows, and what its status says then."""

from decimal import Decimal

import pytest

from consumer.reject_limit import RejectCause, RejectLimit, too_many_rejects_message

LIMITS = {
    None: RejectLimit(),
    "0": RejectLimit(rows=0),
    "500": RejectLimit(rows=500),
    "10%": RejectLimit(percent=Decimal(10)),
    "0.5%": RejectLimit(percent=Decimal("0.5")),
}


@pytest.mark.parametrize(("text", "limit"), LIMITS.items())
def test_limit_is_parsed_as_it_is_stored(text: str | None, limit: RejectLimit) -> None:
    assert RejectLimit.parse(text) == limit


@pytest.mark.parametrize(
    ("text", "rejected", "done", "at_end", "exceeded"),
    [
        (None, 10**9, 10**9, True, False),
        ("0", 0, 155_000, True, False),
        ("0", 1, 1, False, True),
        ("500", 500, 500, False, False),
        ("500", 501, 155_000, False, True),
        ("10%", 999, 999, False, False),
        ("10%", 100, 1_000, False, False),
        ("10%", 101, 1_000, False, True),
        ("10%", 99, 999, True, False),
        ("10%", 100, 999, True, True),
        ("10%", 1, 10, True, False),
        ("10%", 2, 10, True, True),
        ("0.5%", 50, 10_000, False, False),
        ("0.5%", 51, 10_000, False, True),
        ("0.07%", 7, 10_000, True, False),
        ("0%", 1, 1_000, False, True),
        ("100%", 1_000, 1_000, True, False),
    ],
)
def test_limit_is_exceeded_by_one_row_more(
    text: str | None, rejected: int, done: int, at_end: bool, exceeded: bool
) -> None:
    assert RejectLimit.parse(text).is_exceeded(rejected, done, at_end=at_end) is exceeded


@pytest.mark.parametrize(
    ("text", "done", "depends"),
    [(None, 1, False), ("0", 1, False), ("10%", 999, True), ("10%", 1_000, False)],
)
def test_only_a_percentage_of_few_rows_depends_on_the_end(text: str | None, done: int, depends: bool) -> None:
    assert RejectLimit.parse(text).depends_on_end(done) is depends


def test_message_names_the_commonest_cause_with_an_example() -> None:
    cause = RejectCause("inn", "ИНН", 480, 17)
    message = too_many_rejects_message(RejectLimit.parse("10%"), 500, 4_000, cause, is_check=False)
    assert message == (
        "500 of the first 4000 rows were rejected, and max_rejected allows 10 %. "
        "Most often: inn in the column «ИНН» (480 rows, for example row 17). "
        "Rows that were stored before stay. "
        "Correct the rows and start the source under a new request id, or retry with a higher max_rejected."
    )


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (RejectCause("refused_by_database", None, 3, 2), "Most often: refused_by_database (3 rows, for"),
        (RejectCause("url", "Ссылка", 3, None), "Most often: url in the column «Ссылка» (3 rows). No row"),
        (None, "max_rejected allows 0. No row was stored."),
    ],
)
def test_message_of_a_check_says_what_is_known(cause: RejectCause | None, words: str) -> None:
    assert words in too_many_rejects_message(RejectLimit(rows=0), 3, 5, cause, is_check=True)
