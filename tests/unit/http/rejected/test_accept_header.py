"""Content negotiation between JSON and CSV by the `Accept` header."""

import pytest

from consumer.http.rejected.accept_header import prefers

JSON, CSV = "application/json", "text/csv"


@pytest.mark.parametrize(
    ("accept", "csv"),
    [
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("text/csv, application/json;q=0.9", True),
        ("text/*", True),
        ("text/csv, */*;q=0.1", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
        ("nonsense", False),
        ("text/csv;q=0", False),
        ("text/csv;q=many", False),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv, application/json", False),
        ("text/html, application/xhtml+xml, */*;q=0.8", False),
    ],
)
def test_csv_only_if_preferred_over_json(accept: str, csv: bool) -> None:
    assert prefers(accept, CSV, over=JSON) is csv
