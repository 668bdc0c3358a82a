"""One call to the API, within its time and judged by its status, in the shape gspread works with."""

import logging
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import requests
from gspread.http_client import HTTPClient
from urllib3.exceptions import HTTPError

from consumer.sources.google_sheets.account import Account
from consumer.sources.google_sheets.answers import Verdict, retry_after, verdict
from consumer.sources.google_sheets.deadline import DeadlinePassed, deadline
from consumer.sources.google_sheets.outcomes import Mishap, QuotaUsedUp, Refused
from consumer.sources.google_sheets.patience import Patience

GOOGLE = "https://sheets.googleapis.com"
TALKATIVE = ("google", "gspread", "requests", "urllib3")
"""Loggers that tell addresses, headers or bodies at DEBUG."""


class SheetsClient(HTTPClient):
    """Calls without any patience: whoever calls decides whether to call again."""

    def __init__(self, account: Account, api_url: str, draw: Callable[[], None], patience: Patience) -> None:
        session = requests.Session()
        session.auth = account
        super().__init__(None, session)  # type: ignore[arg-type]  # with a session, none are wanted
        self._account = account
        self._api_url = api_url.rstrip("/")
        self._draw = draw
        self._patience = patience
        self.set_timeout((patience.connect, patience.silence))
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)

    def request(
        self, method: str, endpoint: str, params: Any = None, *_: Any, **__: Any
    ) -> requests.Response:
        """Ask once; twice where the token ran out before its time. Each time costs a token of the quota.

        Raises QuotaUsedUp, Mishap, Refused, and what signing in raises.
        """
        url = endpoint.replace(GOOGLE, self._api_url, 1)
        response = self._ask(method, url, params)
        judged = _judged(response)
        if judged is Verdict.WRONG_TOKEN:
            self._account.sign_out()
            response = self._ask(method, url, params)
            judged = _judged(response)
        if judged is not Verdict.GOOD:
            raise _outcome(judged, response)
        return response

    def close(self) -> None:
        """Let go of the connections."""
        self.session.close()
        self._account.close()

    def _ask(self, method: str, url: str, params: MutableMapping[str, Any] | None) -> requests.Response:
        self._draw()
        with mishaps(), deadline(self._patience.call):
            self._account.sign_in()
            return self.session.request(method, url, params=params, timeout=self.timeout)


@contextmanager
def mishaps() -> Iterator[None]:
    """Turn what networks do into Mishap; their own texts hold addresses."""
    try:
        yield
    except DeadlinePassed:
        raise Mishap("no whole answer came in time") from None
    except ValueError:
        raise Mishap("its answer is no JSON") from None
    except (requests.Timeout, TimeoutError):
        raise Mishap("no answer came in time") from None
    except (OSError, HTTPError) as error:  # of which requests' own are some
        raise Mishap(f"the connection failed ({type(error).__name__})") from None


def _judged(response: requests.Response) -> Verdict:
    return verdict(response.status_code, _body(response) if response.status_code == 403 else None)


def _body(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _outcome(judged: Verdict, response: requests.Response) -> Exception:
    match judged:
        case Verdict.QUOTA:
            return QuotaUsedUp(retry_after(response.headers.get("Retry-After"), response.headers.get("Date")))
        case Verdict.MISHAP:
            return Mishap(f"it answers with status {response.status_code}")
        case _:
            return Refused(judged, response.status_code)
