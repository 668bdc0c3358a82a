"""What people are told when Google refuses: whom to share with, what to enable, which key is wrong."""

from dataclasses import dataclass

from consumer.errors import LayoutProblem, MigrationError, PermanentError, RequestRefused, TransientError
from consumer.sources.google_sheets.answers import Verdict
from consumer.sources.google_sheets.outcomes import Mishap, Refused
from schemas.codes import ErrorCode


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks: the name the settings know the credentials by, and the account's e-mail address."""

    name: str
    email: str


def wrong_credentials(who: Who, why: str) -> RequestRefused:
    """The account is not let in."""
    return RequestRefused(
        ErrorCode.WRONG_CREDENTIALS,
        f"Google does not let {who.email} in (credentials «{who.name}»: {why}). "
        "Have a new key of that account put in place of the old one, and the machine's clock checked.",
    )


def refused(error: Refused, who: Who, spreadsheet: str) -> MigrationError:
    """The sentence for a refusal, whatever was asked for."""
    match error.verdict:
        case Verdict.WRONG_TOKEN:
            return wrong_credentials(who, "its tokens are refused")
        case Verdict.API_DISABLED:
            return PermanentError(
                ErrorCode.SPREADSHEET_NOT_SHARED,
                f"The Google Sheets API is not enabled in the project of {who.email}. "
                "Enable it in the Google Cloud console, wait a few minutes and try again.",
            )
        case Verdict.NOT_SHARED:
            return PermanentError(
                ErrorCode.SPREADSHEET_NOT_SHARED,
                f"The spreadsheet «{spreadsheet}» is not shared with {who.email}. "
                "Share it with that address (viewing is enough) and try again.",
            )
        case Verdict.NOT_FOUND:
            return PermanentError(
                ErrorCode.SPREADSHEET_NOT_FOUND,
                f"There is no spreadsheet «{spreadsheet}». "
                f"Check its link, and that it is shared with {who.email}.",
            )
        case _:
            return PermanentError(
                ErrorCode.SOURCE_UNREADABLE,
                f"Google does not hand out the spreadsheet «{spreadsheet}» (status {error.status}). "
                "Copy it into a new one and send the link of that.",
            )


def not_a_spreadsheet(spreadsheet: str) -> LayoutProblem:
    """The id is that of another kind of file."""
    return LayoutProblem(
        ErrorCode.SOURCE_UNREADABLE,
        f"«{spreadsheet}» is no Google spreadsheet, though it may be a workbook kept in Google Drive. "
        "Save it as a Google spreadsheet (File menu) and send the link of that, or send the workbook.",
    )


def grid_changed(title: str) -> TransientError:
    """The rows asked for are no longer there."""
    return TransientError(
        ErrorCode.SOURCE_CHANGED,
        f"The worksheet «{title}» was renamed, removed or cut while it was read. "
        "The next attempt reads it again.",
    )


def rows_moved(title: str, position: int) -> TransientError:
    """A row is not where it was."""
    return TransientError(
        ErrorCode.SOURCE_CHANGED,
        f"Rows of the worksheet «{title}» were edited, added, removed or sorted at row {position} or above "
        "it while it was read. The next attempt reads it again.",
    )


def unavailable(mishap: Mishap) -> TransientError:
    """Google was asked several times."""
    return TransientError(
        ErrorCode.SOURCE_UNAVAILABLE,
        f"Google Sheets cannot be read at the moment: {mishap}. Try again later.",
    )
