"""Errors of Google, of networks and of proxies: wait, retry, or tell people what to do."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from consumer.errors import MigrationError, PermanentError, TransientError
from consumer.sources.google_sheets.check import check_credentials
from consumer.sources.google_sheets.retry import RetryPolicy
from consumer.waiting import WAITING_FOR_QUOTA
from devstack.fake_sheets.responses import ApiResponse
from devstack.fake_sheets.server import CapturedRequest, SheetsFault
from tests.integration.sources.google_sheets.conftest import (
    FAST_RETRY,
    HEADER,
    SPREADSHEET_ID,
    SheetsFixture,
    data_rows,
    positions,
)

ROWS = 40


@pytest.fixture(autouse=True)
def fill_sheet(sheets: SheetsFixture) -> None:
    sheets.set_rows([HEADER, *data_rows(ROWS)], row_count=ROWS + 1)


def is_values_request(planned_job: CapturedRequest) -> bool:
    return planned_job.is_values_request


def is_metadata_request(planned_job: CapturedRequest) -> bool:
    return planned_job.is_metadata_request


def is_token_request(planned_job: CapturedRequest) -> bool:
    return planned_job.is_token_request


def read_error(sheets: SheetsFixture, retry_policy: RetryPolicy = FAST_RETRY, **spec: Any) -> MigrationError:
    with (
        pytest.raises(MigrationError) as caught,
        sheets.open_source(retry_policy=retry_policy, **spec) as (source, _),
    ):
        list(source.chunks())
    return caught.value


@pytest.mark.parametrize(
    "fault",
    [
        SheetsFault.quota_exceeded(),
        SheetsFault.unavailable(),
        SheetsFault.forbidden_usage_limit("userRateLimitExceeded"),
        SheetsFault.forbidden_usage_limit("rateLimitExceeded"),
    ],
)
@pytest.mark.parametrize("when", [is_metadata_request, is_values_request])
def test_rate_limit_is_retried_without_end(
    sheets: SheetsFixture, fault: SheetsFault, when: Callable[[CapturedRequest], bool]
) -> None:
    sheets.google.inject_fault(fault, times=12, when=when)
    assert positions(sheets.read_all()) == list(range(2, ROWS + 2))
    assert sheets.reported_waits == [*[WAITING_FOR_QUOTA] * 12, None]
    assert len(sheets.acquired_tokens) == 14


def test_retry_after_is_respected(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.quota_exceeded(retry_after=1), times=1, when=is_values_request)
    sheets.read_all()
    first, second = sheets.requests()
    assert second.at - first.at >= 1


@pytest.mark.parametrize(
    "fault",
    [SheetsFault.internal(), SheetsFault.bad_gateway_html(), SheetsFault.cut_off(), SheetsFault.hang()],
)
@pytest.mark.parametrize("when", [is_metadata_request, is_values_request])
def test_error_is_retried_without_status_detail(
    sheets: SheetsFixture, fault: SheetsFault, when: Callable[[CapturedRequest], bool]
) -> None:
    sheets.google.inject_fault(fault, times=2, when=when)
    assert positions(sheets.read_all(retry_policy=FAST_RETRY)) == list(range(2, ROWS + 2))
    assert sheets.reported_waits == []
    assert len(sheets.acquired_tokens) == 4


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (SheetsFault.internal(), "status 500"),
        (SheetsFault.bad_gateway_html(), "status 502"),
        (SheetsFault.cut_off(), "connection failed"),
        (SheetsFault.hang(), "no answer came in time"),
        (SheetsFault(ApiResponse(200, b"<html>")), "no JSON"),
        (SheetsFault(ApiResponse(200, b'{"values": [[' + b"1" * 5000 + b"]]}")), "no JSON"),
        (SheetsFault(ApiResponse(200, b'{"values": "x"}')), "makes no sense"),
        (SheetsFault(ApiResponse(200, b'{"values": [' + b"[1]," * ROWS + b"[1], [1]]}")), "more rows"),
    ],
)
def test_three_errors_are_an_outage(sheets: SheetsFixture, fault: SheetsFault, words: str) -> None:
    sheets.google.inject_fault(fault, times=3, when=is_values_request)
    error = read_error(sheets)
    assert isinstance(error, TransientError)
    assert error.code == "source_unavailable"
    assert words in error.message


def test_deadline_applies_to_each_try(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.hang(), times=None, when=is_values_request)
    began = time.monotonic()
    error = read_error(sheets, replace(FAST_RETRY, call_timeout=0.3, read_timeout=60.0))
    assert time.monotonic() - began < 3
    assert (error.code, "whole answer" in error.message) == ("source_unavailable", True)


def test_refused_connection_is_an_outage(sheets: SheetsFixture) -> None:
    sheets.google.close()
    assert read_error(sheets).code == "source_unavailable"


@pytest.mark.parametrize("rows", [1, 7, ROWS])
def test_short_responses_are_completed(sheets: SheetsFixture, rows: int) -> None:
    sheets.google.inject_fault(SheetsFault.truncated(rows=rows), times=3, when=is_values_request)
    assert positions(sheets.read_all()) == list(range(2, ROWS + 2))


def test_empty_response_is_confirmed(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.empty(), when=is_values_request)
    assert positions(sheets.read_all()) == list(range(2, ROWS + 2))


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (SheetsFault.forbidden(), "spreadsheet_not_shared", "Share it with that address"),
        (SheetsFault.api_disabled(), "spreadsheet_not_shared", "Sheets API is not enabled"),
        (SheetsFault.not_found(), "spreadsheet_not_found", "Check its link"),
    ],
)
@pytest.mark.parametrize("when", [is_metadata_request, is_values_request])
def test_denied_request_names_the_address_to_share_with(
    sheets: SheetsFixture, fault: SheetsFault, code: str, words: str, when: Callable[[CapturedRequest], bool]
) -> None:
    sheets.google.inject_fault(fault, when=when)
    error = read_error(sheets)
    assert isinstance(error, PermanentError)
    assert error.code == code
    assert words in error.message
    assert sheets.email in error.message
    assert len(sheets.requests(when)) == 1


def test_unshared_or_missing_spreadsheet(sheets: SheetsFixture) -> None:
    assert read_error(sheets, spreadsheet_id="missing-spreadsheet").code == "spreadsheet_not_found"
    sheets.google.share(SPREADSHEET_ID, ["somebody@example.org"])
    assert read_error(sheets).code == "spreadsheet_not_shared"


def test_workbook_in_drive_is_not_a_spreadsheet(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.office_file(), when=is_metadata_request)
    error = read_error(sheets)
    assert isinstance(error, PermanentError)
    assert (error.code, "Save it as a Google spreadsheet" in error.message) == ("source_unreadable", True)


def test_other_link_is_rejected_without_a_call(sheets: SheetsFixture) -> None:
    assert read_error(sheets, spreadsheet_id="https://example.org/x").code == "source_unreadable"
    assert sheets.google.requests == []


def test_expired_token_is_renewed_once(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.invalid_token(), times=1, when=is_values_request)
    assert positions(sheets.read_all()) == list(range(2, ROWS + 2))
    assert len(sheets.requests(is_token_request)) == 2
    assert len(sheets.acquired_tokens) == 3


def test_rejected_tokens_are_wrong_credentials(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.invalid_token(), times=None)
    error = read_error(sheets)
    assert (error.code, "«боты»" in error.message) == ("wrong_credentials", True)
    assert len(sheets.requests(is_token_request)) == 2


def with_other_key(sheets: SheetsFixture) -> dict[str, Any]:
    stranger = sheets.google.new_account("stranger", own_key=True)
    return sheets.account | {"private_key": stranger["private_key"]}


WRONG_ACCOUNTS: list[Callable[[SheetsFixture], dict[str, Any]]] = [
    with_other_key,
    lambda sheets: sheets.account | {"private_key": "-----BEGIN PRIVATE KEY-----\nsecret\n-----END"},
    lambda sheets: sheets.account | {"private_key": 7},
    lambda sheets: sheets.account | {"client_email": "gone@stand-in.iam.gserviceaccount.com"},
]


@pytest.mark.parametrize(
    "wrong", WRONG_ACCOUNTS, ids=["another key", "no key", "not even text", "no such account"]
)
def test_error_of_wrong_key_does_not_contain_the_key(
    sheets: SheetsFixture, wrong: Callable[[SheetsFixture], dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    account = wrong(sheets)
    sheets.reading = replace(sheets.reading, secrets={**sheets.reading.secrets, "account": account})
    with caplog.at_level("DEBUG"):
        error = read_error(sheets)
        with pytest.raises(PermanentError) as checked:
            check_credentials(account, sheets.google.url, "боты", FAST_RETRY)
    assert isinstance(error, PermanentError)
    assert error.code == "wrong_credentials"
    assert checked.value.message == error.message
    assert "«боты»" in error.message
    assert account["client_email"] in error.message
    for text in (error.message, repr(error), caplog.text):
        assert "BEGIN" not in text
        assert "secret" not in text


def test_removed_account_is_wrong_credentials(sheets: SheetsFixture) -> None:
    sheets.google.remove_account(sheets.email)
    assert read_error(sheets).code == "wrong_credentials"


@pytest.mark.parametrize("fault", [SheetsFault.bad_gateway_html(), SheetsFault.hang(), SheetsFault.cut_off()])
def test_failed_sign_in_is_retried(sheets: SheetsFixture, fault: SheetsFault) -> None:
    sheets.google.inject_fault(fault, times=2, when=is_token_request)
    assert positions(sheets.read_all(retry_policy=FAST_RETRY)) == list(range(2, ROWS + 2))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (SheetsFault.bad_gateway_html(), "sign-in answers with status 502"),
        (SheetsFault.hang(), "sign-in cannot be reached"),
        (SheetsFault.cut_off(), "sign-in cannot be reached"),
        (SheetsFault(ApiResponse(200, b"<html>")), "sign-in gives a broken answer"),
        (SheetsFault(ApiResponse(200, b"{}")), "sign-in answers with status 200"),
    ],
)
def test_repeatedly_failing_sign_in_is_an_outage(
    sheets: SheetsFixture, fault: SheetsFault, words: str
) -> None:
    sheets.google.inject_fault(fault, times=None, when=is_token_request)
    error = read_error(sheets)
    assert error.code == "source_unavailable"
    assert words in error.message


def test_logs_of_libraries_contain_no_token(sheets: SheetsFixture, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        sheets.read_all()
    log = " ".join(repr(vars(record)) for record in caplog.records)
    assert "ya29" not in log
    assert "assertion" not in log
    assert SPREADSHEET_ID not in log


def test_check_needs_no_spreadsheet(sheets: SheetsFixture) -> None:
    sentence = check_credentials(sheets.account, sheets.google.url, "боты", FAST_RETRY)
    assert sentence == (
        f"credentials «боты»: Google accepts {sheets.email}; share spreadsheets with that address"
    )


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (SheetsFault.api_disabled(), "spreadsheet_not_shared"),
        (SheetsFault.bad_gateway_html(), "source_unavailable"),
        (SheetsFault.hang(), "source_unavailable"),
        (SheetsFault.invalid_token(), "wrong_credentials"),
    ],
)
def test_check_fails_within_one_deadline(sheets: SheetsFixture, fault: SheetsFault, code: str) -> None:
    sheets.google.inject_fault(fault, times=None)
    began = time.monotonic()
    with pytest.raises(MigrationError) as caught:
        check_credentials(sheets.account, sheets.google.url, "боты", FAST_RETRY)
    assert caught.value.code == code
    assert time.monotonic() - began < 2 * FAST_RETRY.read_timeout + 1


def test_check_succeeds_while_rate_limited(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.quota_exceeded(), times=None, when=is_metadata_request)
    assert check_credentials(sheets.account, sheets.google.url, "боты", FAST_RETRY)


@pytest.mark.parametrize("fault", [SheetsFault.quota_exceeded(), SheetsFault.unavailable()])
def test_check_fails_unless_sign_in_succeeded(sheets: SheetsFixture, fault: SheetsFault) -> None:
    sheets.google.inject_fault(fault, times=None, when=is_token_request)
    with pytest.raises(TransientError, match="sign-in accepts no more"):
        check_credentials(sheets.account, sheets.google.url, "боты", FAST_RETRY)
