"""Whatever Google, networks and proxies answer: wait, try again, or say what to do."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from consumer.errors import MigrationError, PermanentError, TransientError
from consumer.sources.base import WAITING_DETAIL
from consumer.sources.google_sheets.check import check_credentials
from consumer.sources.google_sheets.retry import RetryPolicy
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
        sheets.open_source(patience=retry_policy, **spec) as (source, _),
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
def test_a_quota_is_waited_for_as_long_as_it_takes(
    sheets: SheetsFixture, fault: SheetsFault, when: Callable[[CapturedRequest], bool]
) -> None:
    sheets.google.inject_fault(fault, times=12, when=when)
    assert positions(sheets.read_all()) == list(range(2, ROWS + 2))
    assert sheets.reported_waits == [*[WAITING_DETAIL] * 12, None]
    assert len(sheets.acquired_tokens) == 14


def test_google_is_not_asked_before_it_said(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.quota_exceeded(retry_after=1), times=1, when=is_values_request)
    sheets.read_all()
    first, second = sheets.requests()
    assert second.at - first.at >= 1


@pytest.mark.parametrize(
    "fault",
    [SheetsFault.internal(), SheetsFault.bad_gateway_html(), SheetsFault.cut_off(), SheetsFault.hang()],
)
@pytest.mark.parametrize("when", [is_metadata_request, is_values_request])
def test_a_mishap_costs_another_try_and_is_not_told(
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
def test_three_mishaps_are_an_outage(sheets: SheetsFixture, fault: SheetsFault, words: str) -> None:
    sheets.google.inject_fault(fault, times=3, when=is_values_request)
    error = read_error(sheets)
    assert isinstance(error, TransientError)
    assert error.code == "source_unavailable"
    assert words in error.message


def test_a_server_that_never_answers_costs_one_deadline_a_try(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.hang(), times=None, when=is_values_request)
    began = time.monotonic()
    error = read_error(sheets, replace(FAST_RETRY, call_timeout=0.3, read_timeout=60.0))
    assert time.monotonic() - began < 3
    assert (error.code, "whole answer" in error.message) == ("source_unavailable", True)


def test_nobody_there_is_an_outage(sheets: SheetsFixture) -> None:
    sheets.google.close()
    assert read_error(sheets).code == "source_unavailable"


@pytest.mark.parametrize("rows", [1, 7, ROWS])
def test_short_answers_are_completed(sheets: SheetsFixture, rows: int) -> None:
    sheets.google.inject_fault(SheetsFault.truncated(rows=rows), times=3, when=is_values_request)
    assert positions(sheets.read_all()) == list(range(2, ROWS + 2))


def test_an_empty_answer_is_not_believed(sheets: SheetsFixture) -> None:
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
def test_a_refusal_names_the_address_to_share_with(
    sheets: SheetsFixture, fault: SheetsFault, code: str, words: str, when: Callable[[CapturedRequest], bool]
) -> None:
    sheets.google.inject_fault(fault, when=when)
    error = read_error(sheets)
    assert isinstance(error, PermanentError)
    assert error.code == code
    assert words in error.message
    assert sheets.email in error.message
    assert len(sheets.requests(when)) == 1


def test_a_spreadsheet_that_is_not_shared_or_not_there_is_refused(sheets: SheetsFixture) -> None:
    assert read_error(sheets, spreadsheet_id="nobody-has-this").code == "spreadsheet_not_found"
    sheets.google.share(SPREADSHEET_ID, ["somebody@example.org"])
    assert read_error(sheets).code == "spreadsheet_not_shared"


def test_a_workbook_kept_in_drive_is_no_spreadsheet(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.office_file(), when=is_metadata_request)
    error = read_error(sheets)
    assert isinstance(error, PermanentError)
    assert (error.code, "Save it as a Google spreadsheet" in error.message) == ("source_unreadable", True)


def test_a_link_that_leads_elsewhere_is_refused_without_a_call(sheets: SheetsFixture) -> None:
    assert read_error(sheets, spreadsheet_id="https://example.org/x").code == "source_unreadable"
    assert sheets.google.requests == []


def test_a_token_that_ran_out_is_renewed_once(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.invalid_token(), times=1, when=is_values_request)
    assert positions(sheets.read_all()) == list(range(2, ROWS + 2))
    assert len(sheets.requests(is_token_request)) == 2
    assert len(sheets.acquired_tokens) == 3


def test_tokens_that_are_refused_are_wrong_credentials(sheets: SheetsFixture) -> None:
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
def test_a_wrong_key_is_said_with_the_names_and_without_the_key(
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
    for told in (error.message, repr(error), caplog.text):
        assert "BEGIN" not in told
        assert "secret" not in told


def test_an_account_that_was_removed_is_wrong_credentials(sheets: SheetsFixture) -> None:
    sheets.google.remove_account(sheets.email)
    assert read_error(sheets).code == "wrong_credentials"


@pytest.mark.parametrize("fault", [SheetsFault.bad_gateway_html(), SheetsFault.hang(), SheetsFault.cut_off()])
def test_a_sign_in_that_fails_is_tried_again(sheets: SheetsFixture, fault: SheetsFault) -> None:
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
def test_a_sign_in_that_goes_on_failing_is_an_outage_and_no_wrong_key(
    sheets: SheetsFixture, fault: SheetsFault, words: str
) -> None:
    sheets.google.inject_fault(fault, times=None, when=is_token_request)
    error = read_error(sheets)
    assert error.code == "source_unavailable"
    assert words in error.message


def test_what_libraries_log_holds_no_token(sheets: SheetsFixture, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        sheets.read_all()
    told = " ".join(repr(vars(record)) for record in caplog.records)
    assert "ya29" not in told
    assert "assertion" not in told
    assert SPREADSHEET_ID not in told


def test_the_check_of_an_account_needs_no_spreadsheet(sheets: SheetsFixture) -> None:
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
def test_the_check_says_what_is_wrong_in_one_deadline(
    sheets: SheetsFixture, fault: SheetsFault, code: str
) -> None:
    sheets.google.inject_fault(fault, times=None)
    began = time.monotonic()
    with pytest.raises(MigrationError) as caught:
        check_credentials(sheets.account, sheets.google.url, "боты", FAST_RETRY)
    assert caught.value.code == code
    assert time.monotonic() - began < 2 * FAST_RETRY.read_timeout + 1


def test_the_check_is_well_while_the_quota_is_used_up(sheets: SheetsFixture) -> None:
    sheets.google.inject_fault(SheetsFault.quota_exceeded(), times=None, when=is_metadata_request)
    assert check_credentials(sheets.account, sheets.google.url, "боты", FAST_RETRY)


@pytest.mark.parametrize("fault", [SheetsFault.quota_exceeded(), SheetsFault.unavailable()])
def test_the_check_calls_nobody_let_in_whom_it_has_not_seen_let_in(
    sheets: SheetsFixture, fault: SheetsFault
) -> None:
    sheets.google.inject_fault(fault, times=None, when=is_token_request)
    with pytest.raises(TransientError, match="sign-in takes no more"):
        check_credentials(sheets.account, sheets.google.url, "боты", FAST_RETRY)
