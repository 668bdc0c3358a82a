"""Details of one job, for `migration status REQUEST_ID`."""

import pytest

from producer_cli.render.summary import details
from tests.support.status_event_factories import make_event


@pytest.mark.parametrize("status", ["pending", "running", "completed"])
def test_details_show_time_of_last_event(status: str) -> None:
    event = make_event(status)
    shown = {label: words for label, _, words in details(event)}
    assert shown["last news"] == event.occurred_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert ("started" in shown) == (status != "pending")
