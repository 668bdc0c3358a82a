"""The fake Google Sheets API over real HTTP, by gspread and by plain requests."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import gspread
import httpx
import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.service_account import Credentials
from gspread.http_client import HTTPClient
from gspread.utils import absolute_range_name

from devstack import ROOT
from devstack.fake_sheets.server import CapturedRequest, FakeSheetsServer, FakeWorksheet, SheetsFault
from tests.support.wait import wait_until

READ_ONLY = "https://www.googleapis.com/auth/spreadsheets.readonly"
ROWS: list[list[Any]] = [
    ["ИНН", "Ссылка"],
    [7_700_000_000, "https://max.ru/1", None, ""],
    [],
    [None, "x"],
    [""],
]


class FakeSheetsClient(HTTPClient):
    """gspread's client, redirected to the fake server."""

    def __init__(self, url: str, account: dict[str, Any], scope: str = READ_ONLY) -> None:
        super().__init__(Credentials.from_service_account_info(account, scopes=[scope]))  # type: ignore[no-untyped-call]
        self._url = url
        self.set_timeout((2, 5))

    def request(self, method: str, endpoint: str, *others: Any, **named: Any) -> Any:
        """Send the request to the fake server."""
        url = endpoint.replace("https://sheets.googleapis.com", self._url)
        return super().request(method, url, *others, **named)


@pytest.fixture
def fake_sheets() -> Iterator[FakeSheetsServer]:
    with FakeSheetsServer() as server:
        yield server


@pytest.fixture
def account(fake_sheets: FakeSheetsServer) -> dict[str, Any]:
    return fake_sheets.new_account()


@pytest.fixture
def client(fake_sheets: FakeSheetsServer, account: dict[str, Any]) -> Iterator[FakeSheetsClient]:
    sheets = [
        FakeWorksheet("It's", ROWS),
        FakeWorksheet("Диаграмма", sheet_type="OBJECT"),
        FakeWorksheet("Лист 3!", [[1]]),
    ]
    fake_sheets.add_spreadsheet("id", "Таблица", sheets, shared_with=[account["client_email"]])
    client = FakeSheetsClient(fake_sheets.url, account)
    yield client
    client.session.close()


def status(caught: pytest.ExceptionInfo[gspread.exceptions.APIError]) -> tuple[int, str]:
    return caught.value.code, caught.value.error["status"]


def test_metadata_lists_worksheets_and_their_grids(client: FakeSheetsClient) -> None:
    metadata = client.fetch_sheet_metadata("id")
    assert metadata["properties"]["title"] == "Таблица"
    sheets = [sheet["properties"] for sheet in metadata["sheets"]]
    assert [(sheet["title"], sheet["sheetId"], sheet["index"], sheet["sheetType"]) for sheet in sheets] == [
        ("It's", 0, 0, "GRID"),
        ("Диаграмма", 1, 1, "OBJECT"),
        ("Лист 3!", 2, 2, "GRID"),
    ]
    assert sheets[0]["gridProperties"] == {"rowCount": 1000, "columnCount": 26}


@pytest.mark.parametrize(
    ("requested", "returned", "values"),
    [
        ("'It''s'!A1:D5", "'It''s'!A1:D5", [ROWS[0], ROWS[1][:2], [], ["", "x"]]),
        ("'It''s'!A2:A2", "'It''s'!A2:A2", [[7_700_000_000]]),
        ("'It''s'!B4", "'It''s'!B4:B4", [["x"]]),
        ("'It''s'!3:3", "'It''s'!A3:Z3", None),
        ("'It''s'!B:B", "'It''s'!B1:B1000", [["Ссылка"], ["https://max.ru/1"], [], ["x"]]),
        ("A999:Z5000", "'It''s'!A999:Z1000", None),
        ("'Лист 3!'", "'Лист 3!'!A1:Z1000", [[1]]),
        ("'Лист 3!'!A1:AA", "'Лист 3!'!A1:Z1000", [[1]]),
    ],
)
def test_ranges_are_parsed_and_clipped_as_by_google(
    client: FakeSheetsClient, requested: str, returned: str, values: Any
) -> None:
    response = client.values_get("id", requested, {"valueRenderOption": "UNFORMATTED_VALUE"})
    assert response["range"] == returned
    assert response.get("values") == values
    assert response["majorDimension"] == "ROWS"


def test_values_are_formatted_unless_requested_otherwise(
    fake_sheets: FakeSheetsServer, client: FakeSheetsClient
) -> None:
    fake_sheets.edit_worksheet("id", "Лист 3!", lambda _: [[1, 1.5, True, None, "x"], [2]])
    name = absolute_range_name("Лист 3!", "A1:E2")
    assert client.values_get("id", name)["values"] == [["1", "1,5", "TRUE", "", "x"], ["2"]]
    columns = client.values_get(
        "id", name, {"majorDimension": "COLUMNS", "valueRenderOption": "UNFORMATTED_VALUE"}
    )
    assert columns["values"] == [[1, 2], [1.5], [True], [], ["x"]]
    several = client.values_batch_get("id", ["A1", "B1"])
    assert [part["values"] for part in several["valueRanges"]] == [[["ИНН"]], [["Ссылка"]]]


@pytest.mark.parametrize(
    ("requested", "message"),
    [
        (
            "'It''s'!A1001:B1002",
            "Range ('It''s'!A1001:B1002) exceeds grid limits. Max rows: 1000, max columns: 26",
        ),
        ("AA1:AB2", "Range (AA1:AB2) exceeds grid limits. Max rows: 1000, max columns: 26"),
        ("Лист9!A1", "Unable to parse range: Лист9!A1"),
        ("Диаграмма!A1", "Unable to parse range: Диаграмма!A1"),
        ("'It's'!A1", "Unable to parse range: 'It's'!A1"),
        ("'It''s'!A0:B1", "Unable to parse range: 'It''s'!A0:B1"),
    ],
)
def test_invalid_ranges_get_the_error_of_google(
    client: FakeSheetsClient, requested: str, message: str
) -> None:
    with pytest.raises(gspread.exceptions.APIError) as caught:
        client.values_get("id", requested)
    assert status(caught) == (400, "INVALID_ARGUMENT")
    assert caught.value.error["message"] == message


def test_spreadsheet_is_visible_to_accounts_it_is_shared_with(
    fake_sheets: FakeSheetsServer, client: FakeSheetsClient
) -> None:
    fake_sheets.share("id", [])
    with pytest.raises(gspread.exceptions.APIError) as caught:
        client.fetch_sheet_metadata("id")
    assert status(caught) == (403, "PERMISSION_DENIED")
    with pytest.raises(gspread.exceptions.APIError) as caught:
        client.values_get("no such", "A1")
    assert status(caught) == (404, "NOT_FOUND")


def test_requests_without_valid_token_get_401(
    fake_sheets: FakeSheetsServer, client: FakeSheetsClient
) -> None:
    address = f"{fake_sheets.url}/v4/spreadsheets/id"
    assert httpx.get(address).status_code == 401
    refused = httpx.get(address, headers={"Authorization": "Bearer made-up"})
    assert refused.json()["error"]["status"] == "UNAUTHENTICATED"
    client.fetch_sheet_metadata("id")
    fake_sheets.revoke_tokens()
    assert client.fetch_sheet_metadata("id")["spreadsheetId"] == "id", (
        "the client refreshes its token after a 401"
    )
    assert sum(request.is_token_request for request in fake_sheets.requests) == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"client_email": "unknown@stand-in.iam.gserviceaccount.com"}, "account not found"),
        ({"private_key_id": "another"}, "Invalid JWT Signature"),
        ({"private_key": None}, "Invalid JWT Signature"),
    ],
)
def test_invalid_assertion_gets_no_token(
    fake_sheets: FakeSheetsServer, account: dict[str, Any], changed: dict[str, Any], message: str
) -> None:
    if changed.get("private_key", "") is None:
        changed = {"private_key": fake_sheets.new_account("other", own_key=True)["private_key"]}
    client = FakeSheetsClient(fake_sheets.url, account | changed)
    with pytest.raises(RefreshError, match=message):
        client.fetch_sheet_metadata("id")
    client.session.close()


def test_token_requires_scope_for_spreadsheets(
    fake_sheets: FakeSheetsServer, account: dict[str, Any]
) -> None:
    client = FakeSheetsClient(fake_sheets.url, account, scope="https://www.googleapis.com/auth/calendar")
    with pytest.raises(RefreshError, match="invalid_scope"):
        client.fetch_sheet_metadata("id")
    client.session.close()


def test_155_000_rows_are_16_requests(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    fake_sheets.edit_worksheet("id", "It's", lambda _: [[i, f"https://max.ru/{i}"] for i in range(155_000)])
    read = 0
    for first in range(1, 155_001, 10_000):
        name = absolute_range_name("It's", f"A{first}:Z{first + 9_999}")
        read += len(client.values_get("id", name)["values"])
    assert read == 155_000
    assert sum(request.is_values_request for request in fake_sheets.requests) == 16


@pytest.mark.parametrize(
    ("fault", "code", "content"),
    [
        (SheetsFault.quota_exceeded(7), 429, "RATE_LIMIT_EXCEEDED"),
        (SheetsFault.quota_exceeded(), 429, "RESOURCE_EXHAUSTED"),
        (SheetsFault.unavailable(), 503, "UNAVAILABLE"),
        (SheetsFault.internal(), 500, "INTERNAL"),
        (SheetsFault.forbidden_usage_limit(), 403, "userRateLimitExceeded"),
        (SheetsFault.api_disabled(), 403, "SERVICE_DISABLED"),
        (SheetsFault.forbidden(), 403, "PERMISSION_DENIED"),
        (SheetsFault.not_found(), 404, "NOT_FOUND"),
        (SheetsFault.office_file(), 400, "FAILED_PRECONDITION"),
        (SheetsFault.invalid_token(), 401, "UNAUTHENTICATED"),
        (SheetsFault.bad_gateway_html(), 502, "<!DOCTYPE html>"),
    ],
    ids=str,
)
def test_faults_replace_as_many_responses_as_injected(
    fake_sheets: FakeSheetsServer, fault: SheetsFault, code: int, content: str
) -> None:
    fake_sheets.inject_fault(fault, times=2)
    address = f"{fake_sheets.url}/v4/spreadsheets/id/values/A1"
    for _ in range(2):
        response = httpx.get(address)
        assert response.status_code == code
        assert content in response.text
    assert httpx.get(address).json()["error"]["message"].startswith("Request had invalid authentication")


def test_retry_after_is_sent_only_when_injected(fake_sheets: FakeSheetsServer) -> None:
    fake_sheets.inject_fault(SheetsFault.quota_exceeded("Mon, 23 Nov 2026 10:00:00 GMT"))
    fake_sheets.inject_fault(SheetsFault.quota_exceeded())
    found = [httpx.get(f"{fake_sheets.url}/v4/spreadsheets/id").headers.get("retry-after") for _ in range(2)]
    assert found == ["Mon, 23 Nov 2026 10:00:00 GMT", None]


def test_faults_apply_to_requests_that_match(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    def second_range(request: CapturedRequest) -> bool:
        return request.is_values_request and "A3" in request.path

    fake_sheets.inject_fault(SheetsFault.unavailable(), times=None, when=second_range)
    client.fetch_sheet_metadata("id")
    client.values_get("id", "A1:B2")
    for _ in range(3):
        with pytest.raises(gspread.exceptions.APIError):
            client.values_get("id", "A3:B4")
    fake_sheets.clear_faults()
    assert client.values_get("id", "A3:B4")["values"] == [[], ["", "x"]]


def test_values_can_be_truncated_or_empty_once(
    fake_sheets: FakeSheetsServer, client: FakeSheetsClient
) -> None:
    fake_sheets.inject_fault(SheetsFault.truncated(1))
    fake_sheets.inject_fault(SheetsFault.empty())
    lengths = [len(client.values_get("id", "A1:B5").get("values", ())) for _ in range(3)]
    assert lengths == [1, 0, 4]


def test_body_can_be_cut_off(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    client.values_get("id", "A1")
    fake_sheets.inject_fault(SheetsFault.cut_off())
    with pytest.raises(OSError, match="Connection broken"):
        client.values_get("id", "A1:B5")
    assert client.values_get("id", "A1")["values"] == [["ИНН"]]


def test_closing_ends_hanging_requests() -> None:
    with FakeSheetsServer() as server:
        server.inject_fault(SheetsFault.hang())
        errors: list[Exception] = []

        def send_request() -> None:
            try:
                httpx.get(f"{server.url}/v4/spreadsheets/id", timeout=60)
            except httpx.TransportError as error:
                errors.append(error)

        thread = threading.Thread(target=send_request)
        thread.start()
        wait_until(lambda: server.requests, 5, "the request")
        assert server.connections == 1
    thread.join(5)
    assert isinstance(errors[0], httpx.RemoteProtocolError | httpx.ReadError)
    assert not [thread for thread in threading.enumerate() if "process_request" in thread.name]
    server.close()


def test_sheets_can_change_between_requests(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    fake_sheets.on_values_request(
        2, lambda: fake_sheets.edit_worksheet("id", "It's", lambda rows: rows.insert(0, ["new"]))
    )
    values = [client.values_get("id", "A1")["values"] for _ in range(3)]
    assert values == [[["ИНН"]], [["new"]], [["new"]]]
    fake_sheets.rename_worksheet("id", "It's", "Другой")
    assert client.values_get("id", "A1")["range"] == "Другой!A1:A1"
    fake_sheets.remove_spreadsheet("id")
    with pytest.raises(gspread.exceptions.APIError):
        client.fetch_sheet_metadata("id")


def test_requests_are_recorded(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    client.values_get("id", "'It''s'!A1", {"majorDimension": "ROWS"})
    token, values = fake_sheets.requests
    assert token[:2] == ("POST", "/token")
    assert values[:3] == (
        "GET",
        "/v4/spreadsheets/id/values/%27It%27%27s%27%21A1",
        {"majorDimension": ["ROWS"]},
    )
    assert token.at <= values.at


def test_server_runs_from_the_command_line(tmp_path: Any) -> None:
    command = [sys.executable, "-m", "devstack.fake_sheets", "--rows", "30", "--folder", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        url = lines[0].strip().removeprefix("MIGRATION_GOOGLE_API_URL=")
        assert httpx.get(f"{url}/v4/spreadsheets/x").status_code == 401
        assert (tmp_path / "google-account.json").stat().st_mode & 0o777 == 0o600
        assert str(tmp_path) in lines[1]
        process.terminate()
        assert process.wait(10) == 128 + 15
