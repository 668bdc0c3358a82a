"""Every code of a warning is in one list, and people have words for each."""

import pytest

from producer_cli.render.formatting import WARNING_TEXTS, warning_text
from schemas.codes import WarningCode


def test_the_command_line_has_words_for_every_warning_and_for_none_that_is_not_there() -> None:
    assert set(WARNING_TEXTS) == set(WarningCode)


@pytest.mark.parametrize("code", WarningCode)
def test_a_warning_read_from_an_event_is_told_in_words(code: WarningCode) -> None:
    assert warning_text(str(code.value))
