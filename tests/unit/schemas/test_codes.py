"""Every warning code has a text in the command."""

import pytest

from producer_cli.render.formatting import WARNING_TEXTS, warning_text
from schemas.codes import WarningCode


def test_cli_has_a_text_for_every_warning() -> None:
    """Every warning code has a text, and nothing else has one."""
    assert set(WARNING_TEXTS) == set(WarningCode)


@pytest.mark.parametrize("code", WarningCode)
def test_warning_code_of_event_has_text(code: WarningCode) -> None:
    assert warning_text(str(code.value))
