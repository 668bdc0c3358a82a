"""What reading a source of any kind imports, the fork server has imported before."""

import pytest

from tests.support.source_extractor import AttemptConfig, StoredLoad, start_reading
from tests.support.source_fixtures import SourceFixture
from tests.support.tiny_extractor import REPORT_IMPORTS
from tests.support.workbooks import HEADER, data_rows


def test_reading_imports_no_further_module(
    source_fixture: SourceFixture, attempt_config: AttemptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    source_fixture.write_rows([HEADER, *data_rows(25)])
    monkeypatch.setenv(REPORT_IMPORTS, "yes")
    with start_reading(attempt_config, StoredLoad()) as process:
        assert process.run_to_end().header == {"rows": 25}
        assert process.exit_code() == 0
        assert process.stderr_text() == "imported:\n"
