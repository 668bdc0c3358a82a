"""The OpenAPI document is true: random requests, valid and invalid, are answered as it says.

A short run; `make fuzz` is the long one.
"""

from collections.abc import Callable

import pytest

from tests.fuzz.__main__ import MIN_ACCEPTED_SHARE
from tests.fuzz.run import fuzz
from tests.fuzz.target import make_target
from tests.support.harness import Harness

SEED = 1
SHORT = ("--max-examples", "15", "--phases", "examples,fuzzing")


@pytest.mark.parametrize("tokens", [False, True], ids=["without tokens", "with tokens"])
def test_responses_conform_to_openapi_document(make_harness: Callable[[], Harness], tokens: bool) -> None:
    harness = make_harness()
    try:
        result = fuzz(make_target(harness, tokens=tokens), harness.folder, *SHORT, seed=SEED)
    finally:
        harness.close()  # its replica would take requests of the next one: they are one consumer group
    assert result.exit_code == 0, result.output
    assert len(result.responses) > 150
    assert result.accepted_share >= MIN_ACCEPTED_SHARE, result.accepted
