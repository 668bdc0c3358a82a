"""Whether Google lets a service account in, and answers it, before any spreadsheet is asked for."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from consumer.errors import MigrationError
from consumer.sources.google_sheets import user_errors
from consumer.sources.google_sheets.client import SheetsClient
from consumer.sources.google_sheets.errors import RateLimitedError, RequestDeniedError, RetryableError
from consumer.sources.google_sheets.responses import ResponseKind
from consumer.sources.google_sheets.retry import RetryPolicy
from consumer.sources.google_sheets.service_account import ServiceAccount

MISSING_SPREADSHEET_ID = "is-the-api-enabled"
"""An id nobody's spreadsheet has: who is told that it is not found was let in, and has the API enabled."""


def check_credentials(
    account: Mapping[str, Any], api_url: str, name: str, policy: RetryPolicy | None = None
) -> str:
    """Sign in and ask once; a sentence that all is well, else the error of a job raised.

    Bounded like any call of a job; in another thread than the main one by Google's silences alone.
    """
    policy = policy or RetryPolicy()
    who = ServiceAccount(account, name, (policy.connect_timeout, policy.read_timeout))
    with closing(SheetsClient(who, api_url, lambda: None, policy)) as client:
        problem = _find_error(client, who)
    if problem is not None:
        raise problem
    return f"credentials «{name}»: Google lets {who.identity.email} in; share spreadsheets with that address"


def _find_error(client: SheetsClient, account: ServiceAccount) -> MigrationError | None:
    """Of who is let in, quota that is used up by others is no problem; before that nothing is known."""
    try:
        account.refresh()
    except RateLimitedError:
        return user_errors.unavailable(RetryableError("its sign-in takes no more for now"))
    except RetryableError as mishap:
        return user_errors.unavailable(mishap)
    try:
        client.fetch_sheet_metadata(MISSING_SPREADSHEET_ID)
    except RequestDeniedError as error:
        if error.kind in {ResponseKind.NOT_FOUND, ResponseKind.NOT_SHARED}:
            return None
        return user_errors.request_denied(error, account.identity, MISSING_SPREADSHEET_ID)
    except RateLimitedError:
        return None
    except RetryableError as mishap:
        return user_errors.unavailable(mishap)
    return None
