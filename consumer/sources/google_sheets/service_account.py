"""Authentication by a service account: its key signs a request for an access token (RFC 7523)."""

from collections.abc import Callable, Mapping
from typing import Any

import requests
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from consumer.sources.google_sheets.errors import RateLimitedError, RetryableError
from consumer.sources.google_sheets.user_errors import AccountIdentity, wrong_credentials

SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"
CREDENTIALS: Any = Credentials
"""google-auth's methods have no types."""
UNLISTED_ERROR = "refused"
OAUTH_ERROR_CODES = frozenset(
    {"invalid_grant", "invalid_client", "invalid_scope", "unauthorized_client", "disabled_client"}
)
"""Errors of the token endpoint (RFC 6749, 5.2) that messages may quote; other texts may hold secrets."""


class ServiceAccount(requests.auth.AuthBase):
    """Adds the access token to requests of a session.

    Not google-auth's AuthorizedSession: it also calls another service, in a thread of its own, to look up the
    account's trust boundary.
    """

    def __init__(self, secret: Mapping[str, Any], name: str, timeout: tuple[float, float]) -> None:
        """Parse the key. `timeout`: seconds to connect, and to read. Raises UnresolvableRequestError."""
        self.identity = AccountIdentity(name, str(secret.get("client_email")))
        self._credentials: Any = _credentials(secret, self.identity)
        self._session = requests.Session()
        self._endpoint = _TokenEndpoint(self._session, timeout)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the Authorization header; called by requests."""
        self._credentials.apply(request.headers)
        return request

    def refresh(self) -> None:
        """Get a new token unless the current one is valid.

        Raises UnresolvableRequestError, RateLimitedError, RetryableError.
        """
        if self._credentials.valid:
            return
        self._endpoint.status = None
        try:
            self._credentials.refresh(self._endpoint)
        except TransportError:
            raise RetryableError("its sign-in cannot be reached") from None
        except RefreshError as error:
            raise self._refresh_error(error) from None
        except (GoogleAuthError, ValueError, TypeError, KeyError, AttributeError):
            raise RetryableError("its sign-in gives a broken answer") from None

    def invalidate(self) -> None:
        """Drop the token, after a response 401."""
        self._credentials.token = None

    def close(self) -> None:
        """Close the connection to the token endpoint."""
        self._session.close()

    def _refresh_error(self, error: RefreshError) -> Exception:
        code, status = _oauth_error(error), self._endpoint.status
        if status in {429, 503}:
            return RateLimitedError()
        if status is not None and 400 <= status < 500 and status != 408 and code is not None:
            return wrong_credentials(self.identity, code)
        return RetryableError(f"its sign-in answers with status {status}")


class _TokenEndpoint:
    """google-auth's transport with our timeouts; keeps the last status, which RefreshError does not have."""

    def __init__(self, session: requests.Session, timeout: tuple[float, float]) -> None:
        self._call: Callable[..., Any] = Request(session)
        self._timeout = timeout
        self.status: int | None = None

    def __call__(self, *args: Any, **options: Any) -> Any:
        response = self._call(*args, **options | {"timeout": self._timeout})
        self.status = response.status
        return response


def _credentials(secret: Mapping[str, Any], identity: AccountIdentity) -> Any:
    try:
        return CREDENTIALS.from_service_account_info(dict(secret), scopes=[SCOPE])
    except (GoogleAuthError, ValueError, TypeError, KeyError, AttributeError):
        raise wrong_credentials(identity, "its private key cannot be read") from None


def _oauth_error(error: RefreshError) -> str | None:
    """The OAuth error code of a response, UNLISTED_ERROR for an unknown one, None if it has no code."""
    body = error.args[1] if len(error.args) > 1 else None
    if not isinstance(body, Mapping) or not isinstance(body.get("error"), str):
        return None
    return body["error"] if body["error"] in OAUTH_ERROR_CODES else UNLISTED_ERROR
