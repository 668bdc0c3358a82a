"""Whatever Google, networks and proxies answer: wait, try again, or say what to do."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from consumer.errors import MigrationError, PermanentError, TransientError
from consumer.sources.google_sheets.check import check
from consumer.sources.google_sheets.patience import WAITING, Patience
from devstack.sheets.bodies import Answer
from devstack.sheets.server import Asked, Fault
from tests.integration.sources.google_sheets.conftest import HEADER, ID, QUICK, Sheets, data_rows, positions

ROWS = 40


@pytest.fixture(autouse=True)
def _rows(sheets: Sheets) -> None:
    sheets.put_rows([HEADER, *data_rows(ROWS)], row_count=ROWS + 1)


def values(asked: Asked) -> bool:
    return asked.for_values


def metadata(asked: Asked) -> bool:
    return asked.for_metadata


def token(asked: Asked) -> bool:
    return asked.for_token


def refused(sheets: Sheets, patience: Patience = QUICK, **spec: Any) -> MigrationError:
    with pytest.raises(MigrationError) as caught, sheets.opened(patience=patience, **spec) as (source, _):
        list(source.chunks())
    return caught.value


@pytest.mark.parametrize(
    "fault",
    [
        Fault.too_many(),
        Fault.unavailable(),
        Fault.forbidden_usage_limit("userRateLimitExceeded"),
        Fault.forbidden_usage_limit("rateLimitExceeded"),
    ],
)
@pytest.mark.parametrize("when", [metadata, values])
def test_a_quota_is_waited_for_as_long_as_it_takes(
    sheets: Sheets, fault: Fault, when: Callable[[Asked], bool]
) -> None:
    sheets.google.fail(fault, times=12, when=when)
    assert positions(sheets.whole()) == list(range(2, ROWS + 2))
    assert sheets.told == [*[WAITING] * 12, None]
    assert len(sheets.drawn) == 14


def test_google_is_not_asked_before_it_said(sheets: Sheets) -> None:
    sheets.google.fail(Fault.too_many(retry_after=1), times=1, when=values)
    sheets.whole()
    first, second = sheets.asked()
    assert second.at - first.at >= 1


@pytest.mark.parametrize("fault", [Fault.internal(), Fault.bad_gateway_html(), Fault.cut_off(), Fault.hang()])
@pytest.mark.parametrize("when", [metadata, values])
def test_a_mishap_costs_another_try_and_is_not_told(
    sheets: Sheets, fault: Fault, when: Callable[[Asked], bool]
) -> None:
    sheets.google.fail(fault, times=2, when=when)
    assert positions(sheets.whole(patience=QUICK)) == list(range(2, ROWS + 2))
    assert sheets.told == []
    assert len(sheets.drawn) == 4


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.internal(), "status 500"),
        (Fault.bad_gateway_html(), "status 502"),
        (Fault.cut_off(), "connection failed"),
        (Fault.hang(), "no answer came in time"),
        (Fault(Answer(200, b"<html>")), "no JSON"),
        (Fault(Answer(200, b'{"values": [[' + b"1" * 5000 + b"]]}")), "no JSON"),
        (Fault(Answer(200, b'{"values": "x"}')), "makes no sense"),
        (Fault(Answer(200, b'{"values": [' + b"[1]," * ROWS + b"[1], [1]]}")), "more rows"),
    ],
)
def test_three_mishaps_are_an_outage(sheets: Sheets, fault: Fault, words: str) -> None:
    sheets.google.fail(fault, times=3, when=values)
    error = refused(sheets)
    assert isinstance(error, TransientError)
    assert error.code == "source_unavailable"
    assert words in error.message


def test_a_server_that_never_answers_costs_one_deadline_a_try(sheets: Sheets) -> None:
    sheets.google.fail(Fault.hang(), times=None, when=values)
    began = time.monotonic()
    error = refused(sheets, replace(QUICK, call=0.3, silence=60.0))
    assert time.monotonic() - began < 3
    assert (error.code, "whole answer" in error.message) == ("source_unavailable", True)


def test_nobody_there_is_an_outage(sheets: Sheets) -> None:
    sheets.google.close()
    assert refused(sheets).code == "source_unavailable"


@pytest.mark.parametrize("rows", [1, 7, ROWS])
def test_short_answers_are_completed(sheets: Sheets, rows: int) -> None:
    sheets.google.fail(Fault.short(rows=rows), times=3, when=values)
    assert positions(sheets.whole()) == list(range(2, ROWS + 2))


def test_an_empty_answer_is_not_believed(sheets: Sheets) -> None:
    sheets.google.fail(Fault.empty_once(), when=values)
    assert positions(sheets.whole()) == list(range(2, ROWS + 2))


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (Fault.forbidden(), "spreadsheet_not_shared", "Share it with that address"),
        (Fault.api_disabled(), "spreadsheet_not_shared", "Sheets API is not enabled"),
        (Fault.not_found(), "spreadsheet_not_found", "Check its link"),
    ],
)
@pytest.mark.parametrize("when", [metadata, values])
def test_a_refusal_names_the_address_to_share_with(
    sheets: Sheets, fault: Fault, code: str, words: str, when: Callable[[Asked], bool]
) -> None:
    sheets.google.fail(fault, when=when)
    error = refused(sheets)
    assert isinstance(error, PermanentError)
    assert error.code == code
    assert words in error.message
    assert sheets.email in error.message
    assert len(sheets.asked(when)) == 1


def test_a_spreadsheet_that_is_not_shared_or_not_there_is_refused(sheets: Sheets) -> None:
    assert refused(sheets, spreadsheet_id="nobody-has-this").code == "spreadsheet_not_found"
    sheets.google.share(ID, ["somebody@example.org"])
    assert refused(sheets).code == "spreadsheet_not_shared"


def test_a_workbook_kept_in_drive_is_no_spreadsheet(sheets: Sheets) -> None:
    sheets.google.fail(Fault.office_file(), when=metadata)
    error = refused(sheets)
    assert isinstance(error, PermanentError)
    assert (error.code, "Save it as a Google spreadsheet" in error.message) == ("source_unreadable", True)


def test_a_link_that_leads_elsewhere_is_refused_without_a_call(sheets: Sheets) -> None:
    assert refused(sheets, spreadsheet_id="https://example.org/x").code == "source_unreadable"
    assert sheets.google.requests == []


def test_a_token_that_ran_out_is_renewed_once(sheets: Sheets) -> None:
    sheets.google.fail(Fault.bad_token(), times=1, when=values)
    assert positions(sheets.whole()) == list(range(2, ROWS + 2))
    assert len(sheets.asked(token)) == 2
    assert len(sheets.drawn) == 3


def test_tokens_that_are_refused_are_wrong_credentials(sheets: Sheets) -> None:
    sheets.google.fail(Fault.bad_token(), times=None)
    error = refused(sheets)
    assert (error.code, "«боты»" in error.message) == ("wrong_credentials", True)
    assert len(sheets.asked(token)) == 2


def other_key(sheets: Sheets) -> dict[str, Any]:
    stranger = sheets.google.new_account("stranger", own_key=True)
    return sheets.account | {"private_key": stranger["private_key"]}


WRONG: list[Callable[[Sheets], dict[str, Any]]] = [
    other_key,
    lambda sheets: sheets.account | {"private_key": "-----BEGIN PRIVATE KEY-----\nsecret\n-----END"},
    lambda sheets: sheets.account | {"private_key": 7},
    lambda sheets: sheets.account | {"client_email": "gone@stand-in.iam.gserviceaccount.com"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=["another key", "no key", "not even text", "no such account"])
def test_a_wrong_key_is_said_with_the_names_and_without_the_key(
    sheets: Sheets, wrong: Callable[[Sheets], dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    account = wrong(sheets)
    sheets.reading = replace(sheets.reading, secrets={**sheets.reading.secrets, "account": account})
    with caplog.at_level("DEBUG"):
        error = refused(sheets)
        with pytest.raises(PermanentError) as checked:
            check(account, sheets.google.url, "боты", QUICK)
    assert isinstance(error, PermanentError)
    assert error.code == "wrong_credentials"
    assert checked.value.message == error.message
    assert "«боты»" in error.message
    assert account["client_email"] in error.message
    for told in (error.message, repr(error), caplog.text):
        assert "BEGIN" not in told
        assert "secret" not in told


def test_an_account_that_was_removed_is_wrong_credentials(sheets: Sheets) -> None:
    sheets.google.remove_account(sheets.email)
    assert refused(sheets).code == "wrong_credentials"


@pytest.mark.parametrize("fault", [Fault.bad_gateway_html(), Fault.hang(), Fault.cut_off()])
def test_a_sign_in_that_fails_is_tried_again(sheets: Sheets, fault: Fault) -> None:
    sheets.google.fail(fault, times=2, when=token)
    assert positions(sheets.whole(patience=QUICK)) == list(range(2, ROWS + 2))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.bad_gateway_html(), "sign-in answers with status 502"),
        (Fault.hang(), "sign-in cannot be reached"),
        (Fault.cut_off(), "sign-in cannot be reached"),
        (Fault(Answer(200, b"<html>")), "sign-in gives a broken answer"),
        (Fault(Answer(200, b"{}")), "sign-in answers with status 200"),
    ],
)
def test_a_sign_in_that_goes_on_failing_is_an_outage_and_no_wrong_key(
    sheets: Sheets, fault: Fault, words: str
) -> None:
    sheets.google.fail(fault, times=None, when=token)
    error = refused(sheets)
    assert error.code == "source_unavailable"
    assert words in error.message


def test_what_libraries_log_holds_no_token(sheets: Sheets, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        sheets.whole()
    told = " ".join(repr(vars(record)) for record in caplog.records)
    assert "ya29" not in told
    assert "assertion" not in told
    assert ID not in told


def test_the_check_of_an_account_needs_no_spreadsheet(sheets: Sheets) -> None:
    sentence = check(sheets.account, sheets.google.url, "боты", QUICK)
    assert sentence == (
        f"credentials «боты»: Google lets {sheets.email} in; share spreadsheets with that address"
    )


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.api_disabled(), "spreadsheet_not_shared"),
        (Fault.bad_gateway_html(), "source_unavailable"),
        (Fault.hang(), "source_unavailable"),
        (Fault.bad_token(), "wrong_credentials"),
    ],
)
def test_the_check_says_what_is_wrong_in_one_deadline(sheets: Sheets, fault: Fault, code: str) -> None:
    sheets.google.fail(fault, times=None)
    began = time.monotonic()
    with pytest.raises(MigrationError) as caught:
        check(sheets.account, sheets.google.url, "боты", QUICK)
    assert caught.value.code == code
    assert time.monotonic() - began < 2 * QUICK.silence + 1


def test_the_check_is_well_while_the_quota_is_used_up(sheets: Sheets) -> None:
    sheets.google.fail(Fault.too_many(), times=None, when=metadata)
    assert check(sheets.account, sheets.google.url, "боты", QUICK)


@pytest.mark.parametrize("fault", [Fault.too_many(), Fault.unavailable()])
def test_the_check_calls_nobody_let_in_whom_it_has_not_seen_let_in(sheets: Sheets, fault: Fault) -> None:
    sheets.google.fail(fault, times=None, when=token)
    with pytest.raises(TransientError, match="sign-in takes no more"):
        check(sheets.account, sheets.google.url, "боты", QUICK)
