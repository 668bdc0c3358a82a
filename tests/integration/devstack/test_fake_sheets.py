"""The stand-in for Google Sheets, asked over real HTTP, by gspread and by hand."""

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
    """gspread's, sent to the stand-in."""

    def __init__(self, url: str, account: dict[str, Any], scope: str = READ_ONLY) -> None:
        super().__init__(Credentials.from_service_account_info(account, scopes=[scope]))  # type: ignore[no-untyped-call]
        self._url = url
        self.set_timeout((2, 5))

    def request(self, method: str, endpoint: str, *others: Any, **named: Any) -> Any:
        """Like the original, elsewhere."""
        there = endpoint.replace("https://sheets.googleapis.com", self._url)
        return super().request(method, there, *others, **named)


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
    made = FakeSheetsClient(fake_sheets.url, account)
    yield made
    made.session.close()


def status(caught: pytest.ExceptionInfo[gspread.exceptions.APIError]) -> tuple[int, str]:
    return caught.value.code, caught.value.error["status"]


def test_metadata_tells_the_worksheets_and_their_grids(client: FakeSheetsClient) -> None:
    told = client.fetch_sheet_metadata("id")
    assert told["properties"]["title"] == "Таблица"
    sheets = [sheet["properties"] for sheet in told["sheets"]]
    assert [(one["title"], one["sheetId"], one["index"], one["sheetType"]) for one in sheets] == [
        ("It's", 0, 0, "GRID"),
        ("Диаграмма", 1, 1, "OBJECT"),
        ("Лист 3!", 2, 2, "GRID"),
    ]
    assert sheets[0]["gridProperties"] == {"rowCount": 1000, "columnCount": 26}


@pytest.mark.parametrize(
    ("asked", "told", "values"),
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
def test_ranges_are_read_and_cut_as_google_does(
    client: FakeSheetsClient, asked: str, told: str, values: Any
) -> None:
    found = client.values_get("id", asked, {"valueRenderOption": "UNFORMATTED_VALUE"})
    assert found["range"] == told
    assert found.get("values") == values
    assert found["majorDimension"] == "ROWS"


def test_values_come_as_people_see_them_unless_asked_otherwise(
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
    ("asked", "message"),
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
def test_ranges_that_are_none_are_refused_in_googles_words(
    client: FakeSheetsClient, asked: str, message: str
) -> None:
    with pytest.raises(gspread.exceptions.APIError) as caught:
        client.values_get("id", asked)
    assert status(caught) == (400, "INVALID_ARGUMENT")
    assert caught.value.error["message"] == message


def test_a_spreadsheet_is_seen_by_those_it_is_shared_with(
    fake_sheets: FakeSheetsServer, client: FakeSheetsClient
) -> None:
    fake_sheets.share("id", [])
    with pytest.raises(gspread.exceptions.APIError) as caught:
        client.fetch_sheet_metadata("id")
    assert status(caught) == (403, "PERMISSION_DENIED")
    with pytest.raises(gspread.exceptions.APIError) as caught:
        client.values_get("no such", "A1")
    assert status(caught) == (404, "NOT_FOUND")


def test_without_a_token_nothing_is_told(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    address = f"{fake_sheets.url}/v4/spreadsheets/id"
    assert httpx.get(address).status_code == 401
    refused = httpx.get(address, headers={"Authorization": "Bearer made-up"})
    assert refused.json()["error"]["status"] == "UNAUTHENTICATED"
    client.fetch_sheet_metadata("id")
    fake_sheets.revoke_tokens()
    assert client.fetch_sheet_metadata("id")["spreadsheetId"] == "id", "a 401 is answered by a new token"
    assert sum(asked.is_token_request for asked in fake_sheets.requests) == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"client_email": "nobody@stand-in.iam.gserviceaccount.com"}, "account not found"),
        ({"private_key_id": "another"}, "Invalid JWT Signature"),
        ({"private_key": None}, "Invalid JWT Signature"),
    ],
)
def test_an_assertion_that_does_not_hold_gets_no_token(
    fake_sheets: FakeSheetsServer, account: dict[str, Any], changed: dict[str, Any], message: str
) -> None:
    if changed.get("private_key", "") is None:
        changed = {"private_key": fake_sheets.new_account("other", own_key=True)["private_key"]}
    client = FakeSheetsClient(fake_sheets.url, account | changed)
    with pytest.raises(RefreshError, match=message):
        client.fetch_sheet_metadata("id")
    client.session.close()


def test_a_token_is_for_reading_spreadsheets(fake_sheets: FakeSheetsServer, account: dict[str, Any]) -> None:
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
    assert sum(asked.is_values_request for asked in fake_sheets.requests) == 16


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
def test_faults_answer_instead_as_often_as_ordered(
    fake_sheets: FakeSheetsServer, fault: SheetsFault, code: int, content: str
) -> None:
    fake_sheets.inject_fault(fault, times=2)
    address = f"{fake_sheets.url}/v4/spreadsheets/id/values/A1"
    for _ in range(2):
        answer = httpx.get(address)
        assert answer.status_code == code
        assert content in answer.text
    assert httpx.get(address).json()["error"]["message"].startswith("Request had invalid authentication")


def test_waiting_is_asked_for_where_it_was_ordered(fake_sheets: FakeSheetsServer) -> None:
    fake_sheets.inject_fault(SheetsFault.quota_exceeded("Mon, 23 Nov 2026 10:00:00 GMT"))
    fake_sheets.inject_fault(SheetsFault.quota_exceeded())
    found = [httpx.get(f"{fake_sheets.url}/v4/spreadsheets/id").headers.get("retry-after") for _ in range(2)]
    assert found == ["Mon, 23 Nov 2026 10:00:00 GMT", None]


def test_faults_hit_what_they_were_meant_for(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    def second_range(asked: CapturedRequest) -> bool:
        return asked.is_values_request and "A3" in asked.path

    fake_sheets.inject_fault(SheetsFault.unavailable(), times=None, when=second_range)
    client.fetch_sheet_metadata("id")
    client.values_get("id", "A1:B2")
    for _ in range(3):
        with pytest.raises(gspread.exceptions.APIError):
            client.values_get("id", "A3:B4")
    fake_sheets.clear_faults()
    assert client.values_get("id", "A3:B4")["values"] == [[], ["", "x"]]


def test_answers_can_be_short_or_empty_once(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    fake_sheets.inject_fault(SheetsFault.truncated(1))
    fake_sheets.inject_fault(SheetsFault.empty())
    told = [len(client.values_get("id", "A1:B5").get("values", ())) for _ in range(3)]
    assert told == [1, 0, 4]


def test_a_body_can_be_cut_off_in_its_middle(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    client.values_get("id", "A1")
    fake_sheets.inject_fault(SheetsFault.cut_off())
    with pytest.raises(OSError, match="Connection broken"):
        client.values_get("id", "A1:B5")
    assert client.values_get("id", "A1")["values"] == [["ИНН"]]


def test_who_hangs_is_let_go_when_the_server_closes() -> None:
    with FakeSheetsServer() as google:
        google.inject_fault(SheetsFault.hang())
        got: list[Exception] = []

        def ask() -> None:
            try:
                httpx.get(f"{google.url}/v4/spreadsheets/id", timeout=60)
            except httpx.TransportError as error:
                got.append(error)

        waiting = threading.Thread(target=ask)
        waiting.start()
        wait_until(lambda: google.requests, 5, "the request")
        assert google.connections == 1
    waiting.join(5)
    assert isinstance(got[0], httpx.RemoteProtocolError | httpx.ReadError)
    assert not [thread for thread in threading.enumerate() if "process_request" in thread.name]
    google.close()


def test_sheets_change_in_between(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    fake_sheets.on_values_request(
        2, lambda: fake_sheets.edit_worksheet("id", "It's", lambda rows: rows.insert(0, ["new"]))
    )
    told = [client.values_get("id", "A1")["values"] for _ in range(3)]
    assert told == [[["ИНН"]], [["new"]], [["new"]]]
    fake_sheets.rename_worksheet("id", "It's", "Другой")
    assert client.values_get("id", "A1")["range"] == "Другой!A1:A1"
    fake_sheets.remove_spreadsheet("id")
    with pytest.raises(gspread.exceptions.APIError):
        client.fetch_sheet_metadata("id")


def test_what_was_asked_is_known(fake_sheets: FakeSheetsServer, client: FakeSheetsClient) -> None:
    client.values_get("id", "'It''s'!A1", {"majorDimension": "ROWS"})
    token, values = fake_sheets.requests
    assert token[:2] == ("POST", "/token")
    assert values[:3] == (
        "GET",
        "/v4/spreadsheets/id/values/%27It%27%27s%27%21A1",
        {"majorDimension": ["ROWS"]},
    )
    assert token.at <= values.at


def test_people_start_it_by_hand_and_end_it(tmp_path: Any) -> None:
    command = [sys.executable, "-m", "devstack.fake_sheets", "--rows", "30", "--folder", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(4)]
        url = told[0].strip().removeprefix("MIGRATION_GOOGLE_API_URL=")
        assert httpx.get(f"{url}/v4/spreadsheets/x").status_code == 401
        assert (tmp_path / "google-account.json").stat().st_mode & 0o777 == 0o600
        assert str(tmp_path) in told[1]
        process.terminate()
        assert process.wait(10) == 128 + 15
