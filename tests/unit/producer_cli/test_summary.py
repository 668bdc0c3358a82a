"""Details of one job, for `migration status REQUEST_ID`."""

import pytest

from producer_cli.render.summary import details, headline, hints, summary
from schemas.status import StatusEvent
from tests.support.status_event_factories import make_event


@pytest.mark.parametrize("status", ["pending", "running", "completed"])
def test_details_show_time_of_last_event(status: str) -> None:
    event = make_event(status)
    shown = {label: words for label, _, words in details(event)}
    assert shown["last news"] == event.occurred_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert ("started" in shown) == (status != "pending")


def test_summary_of_a_check_has_no_counters_of_stored_rows() -> None:
    event = make_event("completed", dry_run=True, phase="check", duplicates=2)
    shown = {label.strip(): (number, words) for label, number, words in summary(event)}
    assert shown["processed"] == ("1,000", "rows passed the check, none is stored")
    assert shown["duplicates"] == ("2", "")
    assert not shown.keys() & {"inserted", "updated", "unchanged"}
    assert "completed (dry run)" in headline(event).plain


@pytest.mark.parametrize(
    ("event", "command"),
    [
        (make_event("completed", dry_run=True, phase="check"), "migration import "),
        (
            make_event("failed", error={"code": "too_many_rejects", "message": "m"}),
            "--max-rejected N --watch",
        ),
        (make_event("failed"), "migration retry "),
    ],
)
def test_hints_name_the_next_command(event: StatusEvent, command: str) -> None:
    assert any(command in hint for hint in hints(event))
