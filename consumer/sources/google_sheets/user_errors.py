"""Errors of Google as messages for people: whom to share with, what to enable, which key is wrong."""

from dataclasses import dataclass

from consumer.errors import (
    LayoutError,
    MigrationError,
    PermanentError,
    TransientError,
    UnresolvableRequestError,
)
from consumer.sources.google_sheets.errors import RequestDeniedError, RetryableError
from consumer.sources.google_sheets.responses import ResponseKind
from schemas.codes import ErrorCode


@dataclass(frozen=True, slots=True)
class AccountIdentity:
    """The name of the credentials in the settings, and the account's e-mail address."""

    name: str
    email: str


def wrong_credentials(identity: AccountIdentity, reason: str) -> UnresolvableRequestError:
    """The error for an account that cannot sign in; `reason` completes the sentence."""
    return UnresolvableRequestError(
        ErrorCode.WRONG_CREDENTIALS,
        f"Google does not accept {identity.email} (credentials «{identity.name}»: {reason}). "
        "Have the key replaced by a new one of that account, and the machine's clock checked.",
    )


def request_denied(
    error: RequestDeniedError, identity: AccountIdentity, spreadsheet_id: str
) -> MigrationError:
    """The error for a permanent refusal of any call."""
    match error.kind:
        case ResponseKind.INVALID_TOKEN:
            return wrong_credentials(identity, "its tokens are refused")
        case ResponseKind.API_DISABLED:
            return PermanentError(
                ErrorCode.SPREADSHEET_NOT_SHARED,
                f"The Google Sheets API is not enabled in the project of {identity.email}. "
                "Enable it in the Google Cloud console, wait a few minutes and try again.",
            )
        case ResponseKind.NOT_SHARED:
            return PermanentError(
                ErrorCode.SPREADSHEET_NOT_SHARED,
                f"The spreadsheet «{spreadsheet_id}» is not shared with {identity.email}. "
                "Share it with that address (viewing is enough) and try again.",
            )
        case ResponseKind.NOT_FOUND:
            return PermanentError(
                ErrorCode.SPREADSHEET_NOT_FOUND,
                f"There is no spreadsheet «{spreadsheet_id}». "
                f"Check its link, and that it is shared with {identity.email}.",
            )
        case _:
            return PermanentError(
                ErrorCode.SOURCE_UNREADABLE,
                f"Google refuses to return the spreadsheet «{spreadsheet_id}» (status {error.status}). "
                "Copy it into a new one and send the link of that.",
            )


def not_a_spreadsheet(spreadsheet_id: str) -> LayoutError:
    """The error for the id of another kind of file."""
    return LayoutError(
        ErrorCode.SOURCE_UNREADABLE,
        f"«{spreadsheet_id}» is no Google spreadsheet, though it may be a workbook kept in Google Drive. "
        "Save it as a Google spreadsheet (File menu) and send the link of that, or send the workbook.",
    )


def grid_changed(title: str) -> TransientError:
    """The error for a requested range that does not exist any more."""
    return TransientError(
        ErrorCode.SOURCE_CHANGED,
        f"The worksheet «{title}» was renamed, removed or cut while it was read. "
        "The next attempt reads it again.",
    )


def rows_moved(title: str, position: int) -> TransientError:
    """The error for rows that moved or changed between two reads."""
    return TransientError(
        ErrorCode.SOURCE_CHANGED,
        f"Rows of the worksheet «{title}» were edited, added, removed or sorted at row {position} or above "
        "it while it was read. The next attempt reads it again.",
    )


def unavailable(error: RetryableError) -> TransientError:
    """The error after the last retry."""
    return TransientError(
        ErrorCode.SOURCE_UNAVAILABLE,
        f"Google Sheets cannot be read at the moment: {error}. Try again later.",
    )
