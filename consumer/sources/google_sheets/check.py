"""Checks a service account without reading a spreadsheet, for `migration-consumer doctor`."""

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
"""An id that does not exist: the response «not found» proves that sign-in worked and the API is enabled."""


def check_credentials(
    account: Mapping[str, Any], api_url: str, name: str, policy: RetryPolicy | None = None
) -> str:
    """Sign in and send one call; returns a sentence, or raises the MigrationError that a job would fail with.

    The deadline of a call holds in the main thread only, in others the socket timeouts.
    """
    policy = policy or RetryPolicy()
    service_account = ServiceAccount(account, name, (policy.connect_timeout, policy.read_timeout))
    with closing(SheetsClient(service_account, api_url, lambda: None, policy)) as client:
        error = _find_error(client, service_account)
    if error is not None:
        raise error
    email = service_account.identity.email
    return f"credentials «{name}»: Google accepts {email}; share spreadsheets with that address"


def _find_error(client: SheetsClient, account: ServiceAccount) -> MigrationError | None:
    """The error of the check, None for success. A used-up quota is an error only before sign-in."""
    try:
        account.refresh()
    except RateLimitedError:
        return user_errors.unavailable(RetryableError("its sign-in accepts no more requests for now"))
    except RetryableError as error:
        return user_errors.unavailable(error)
    try:
        client.fetch_sheet_metadata(MISSING_SPREADSHEET_ID)
    except RequestDeniedError as error:
        if error.kind in {ResponseKind.NOT_FOUND, ResponseKind.NOT_SHARED}:
            return None
        return user_errors.request_denied(error, account.identity, MISSING_SPREADSHEET_ID)
    except RateLimitedError:
        return None
    except RetryableError as error:
        return user_errors.unavailable(error)
    return None
