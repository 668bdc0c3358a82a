"""Whether Google lets a service account in, and answers it, before any spreadsheet is asked for."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from consumer.errors import MigrationError
from consumer.sources.google_sheets import problems
from consumer.sources.google_sheets.account import Account
from consumer.sources.google_sheets.answers import Verdict
from consumer.sources.google_sheets.client import SheetsClient
from consumer.sources.google_sheets.outcomes import Mishap, QuotaUsedUp, Refused
from consumer.sources.google_sheets.patience import Patience

NO_SPREADSHEET = "is-the-api-enabled"
"""An id nobody's spreadsheet has: who is told that it is not found was let in, and has the API enabled."""


def check(account: Mapping[str, Any], api_url: str, name: str, patience: Patience | None = None) -> str:
    """Sign in and ask once; a sentence that all is well, else the error of a job raised.

    Bounded like any call of a job; in another thread than the main one by Google's silences alone.
    """
    patience = patience or Patience()
    who = Account(account, name, (patience.connect, patience.silence))
    with closing(SheetsClient(who, api_url, lambda: None, patience)) as client:
        problem = _problem(client, who)
    if problem is not None:
        raise problem
    return f"credentials «{name}»: Google lets {who.who.email} in; share spreadsheets with that address"


def _problem(client: SheetsClient, account: Account) -> MigrationError | None:
    """Of who is let in, quota that is used up by others is no problem; before that nothing is known."""
    try:
        account.sign_in()
    except QuotaUsedUp:
        return problems.unavailable(Mishap("its sign-in takes no more for now"))
    except Mishap as mishap:
        return problems.unavailable(mishap)
    try:
        client.fetch_sheet_metadata(NO_SPREADSHEET)
    except Refused as error:
        if error.verdict in {Verdict.NOT_FOUND, Verdict.NOT_SHARED}:
            return None
        return problems.refused(error, account.who, NO_SPREADSHEET)
    except QuotaUsedUp:
        return None
    except Mishap as mishap:
        return problems.unavailable(mishap)
    return None
