"""One call to the Sheets API with a deadline, as an HTTP client for gspread."""

import logging
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import requests
from gspread.http_client import HTTPClient
from urllib3.exceptions import HTTPError

from consumer.sources.google_sheets.deadline import CallDeadlineError, deadline
from consumer.sources.google_sheets.errors import RateLimitedError, RequestDeniedError, RetryableError
from consumer.sources.google_sheets.responses import ResponseKind, classify, retry_after
from consumer.sources.google_sheets.retry import RetryPolicy
from consumer.sources.google_sheets.service_account import ServiceAccount

GOOGLE_API_URL = "https://sheets.googleapis.com"
NOISY_LOGGERS = ("google", "gspread", "requests", "urllib3")
"""Loggers that write URLs, headers or bodies at level DEBUG."""


class SheetsClient(HTTPClient):
    """Sends each call once; retries are up to the caller (`retry.with_retries`)."""

    def __init__(
        self, account: ServiceAccount, api_url: str, acquire_token: Callable[[], None], policy: RetryPolicy
    ) -> None:
        session = requests.Session()
        session.auth = account
        super().__init__(None, session)  # type: ignore[arg-type]  # no credentials needed with a session
        self._account = account
        self._api_url = api_url.rstrip("/")
        self._acquire_token = acquire_token
        self._policy = policy
        self.set_timeout((policy.connect_timeout, policy.read_timeout))
        for name in NOISY_LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)

    def request(
        self, method: str, endpoint: str, params: Any = None, *_: Any, **__: Any
    ) -> requests.Response:
        """Send a request, and once more if the access token has expired early.

        Each time acquires a token of the rate limit. Raises RateLimitedError, RetryableError,
        RequestDeniedError, and errors of `ServiceAccount.refresh`.
        """
        url = endpoint.replace(GOOGLE_API_URL, self._api_url, 1)
        response = self._send(method, url, params)
        kind = _classify_response(response)
        if kind is ResponseKind.INVALID_TOKEN:
            self._account.invalidate()
            response = self._send(method, url, params)
            kind = _classify_response(response)
        if kind is not ResponseKind.OK:
            raise _error_for(kind, response)
        return response

    def close(self) -> None:
        """Close the connections."""
        self.session.close()
        self._account.close()

    def _send(self, method: str, url: str, params: MutableMapping[str, Any] | None) -> requests.Response:
        self._acquire_token()
        with translate_errors(), deadline(self._policy.call_timeout):
            self._account.refresh()
            return self.session.request(method, url, params=params, timeout=self.timeout)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Replace network errors by RetryableError, without their texts, which hold URLs."""
    try:
        yield
    except CallDeadlineError:
        raise RetryableError("no whole answer came in time") from None
    except ValueError:
        raise RetryableError("its answer is no JSON") from None
    except (requests.Timeout, TimeoutError):
        raise RetryableError("no answer came in time") from None
    except (OSError, HTTPError) as error:  # of which requests' own are some
        raise RetryableError(f"the connection failed ({type(error).__name__})") from None


def _classify_response(response: requests.Response) -> ResponseKind:
    return classify(response.status_code, _body(response) if response.status_code == 403 else None)


def _body(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _error_for(kind: ResponseKind, response: requests.Response) -> Exception:
    match kind:
        case ResponseKind.RATE_LIMITED:
            return RateLimitedError(
                retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
            )
        case ResponseKind.RETRYABLE:
            return RetryableError(f"it answers with status {response.status_code}")
        case _:
            return RequestDeniedError(kind, response.status_code)
