"""A quota is waited for without end, a mishap a few times, and people are told."""

from collections.abc import Callable

import pytest

from consumer.sources.google_sheets.outcomes import Mishap, QuotaUsedUp
from consumer.sources.google_sheets.patience import WAITING, Patience, patiently

PATIENCE = Patience()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    return waits


def answers(*given: Exception | str) -> Callable[[], str]:
    rest = list(given)

    def call() -> str:
        answer = rest.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


def test_a_good_answer_is_waited_for_by_nobody(slept: list[float]) -> None:
    told: list[str | None] = []
    assert patiently(answers("good"), PATIENCE, told.append) == "good"
    assert (slept, told) == ([], [])


def test_a_quota_is_waited_for_longer_and_longer_without_end(slept: list[float]) -> None:
    told: list[str | None] = []
    call = answers(*[QuotaUsedUp()] * 500, "good")
    assert patiently(call, PATIENCE, told.append) == "good"
    assert len(slept) == 500
    for number, seconds in enumerate(slept[:6]):
        assert 2**number <= seconds <= 2**number + 1
    assert all(64 <= seconds <= 65 for seconds in slept[6:])
    assert told == [*[WAITING] * 500, None]


def test_waits_are_not_in_step(slept: list[float]) -> None:
    for _ in range(5):
        patiently(answers(QuotaUsedUp(), "good"), PATIENCE, lambda _: None)
    assert len(set(slept)) > 1


def test_google_says_how_long_to_wait(slept: list[float]) -> None:
    patiently(answers(QuotaUsedUp(17.0), QuotaUsedUp(0.0), "good"), PATIENCE, lambda _: None)
    assert slept == [17.0, PATIENCE.shortest]


def test_a_mishap_is_tried_three_times_in_all(slept: list[float]) -> None:
    assert patiently(answers(Mishap("a"), Mishap("b"), "good"), PATIENCE, lambda _: None) == "good"
    assert slept == [1.0, 3.0]
    with pytest.raises(Mishap, match="c"):
        patiently(answers(Mishap("a"), Mishap("b"), Mishap("c"), "good"), PATIENCE, lambda _: None)


def test_waiting_for_a_quota_does_not_count_as_a_mishap(slept: list[float]) -> None:
    quota, mishap = QuotaUsedUp(1.0), Mishap("x")
    call = answers(quota, mishap, quota, quota, mishap, quota, "good")
    assert patiently(call, PATIENCE, lambda _: None) == "good"


def test_people_are_told_that_waiting_is_over_also_when_it_was_in_vain(slept: list[float]) -> None:
    told: list[str | None] = []
    with pytest.raises(ZeroDivisionError):
        patiently(answers(QuotaUsedUp(), ZeroDivisionError()), PATIENCE, told.append)
    assert told == [WAITING, None]
