"""The service account: its key signs for a token, and the token goes with every read."""

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
"""Its methods have no types."""
UNLISTED_ERROR = "refused"
OAUTH_ERROR_CODES = frozenset(
    {"invalid_grant", "invalid_client", "invalid_scope", "unauthorized_client", "disabled_client"}
)
"""What the token endpoint may say of us; anything else it says is not passed on."""


class ServiceAccount(requests.auth.AuthBase):
    """Signs requests of a session, once it has signed in.

    Not google-auth's AuthorizedSession: that one also asks another service, in a thread of its own, in which
    regions the account may be used.
    """

    def __init__(self, secret: Mapping[str, Any], name: str, timeout: tuple[float, float]) -> None:
        """Take the key; raises RequestRefused. `timeout` is for connecting and for silence, in seconds."""
        self.identity = AccountIdentity(name, str(secret.get("client_email")))
        self._credentials: Any = _credentials(secret, self.identity)
        self._session = requests.Session()
        self._endpoint = _TokenEndpoint(self._session, timeout)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token on a request."""
        self._credentials.apply(request.headers)
        return request

    def refresh(self) -> None:
        """Have a token that holds. Raises RequestRefused, RateLimitedError or Mishap."""
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
        """Forget the token: it was refused."""
        self._credentials.token = None

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def _refresh_error(self, error: RefreshError) -> Exception:
        said, status = _oauth_error(error), self._endpoint.status
        if status in {429, 503}:
            return RateLimitedError()
        if status is not None and 400 <= status < 500 and status != 408 and said is not None:
            return wrong_credentials(self.identity, said)
        return RetryableError(f"its sign-in answers with status {status}")


class _TokenEndpoint:
    """Google's transport with our timeouts; remembers the last status, which its errors leave out."""

    def __init__(self, session: requests.Session, timeout: tuple[float, float]) -> None:
        self._call: Callable[..., Any] = Request(session)
        self._timeout = timeout
        self.status: int | None = None

    def __call__(self, *args: Any, **options: Any) -> Any:
        answer = self._call(*args, **options | {"timeout": self._timeout})
        self.status = answer.status
        return answer


def _credentials(secret: Mapping[str, Any], identity: AccountIdentity) -> Any:
    try:
        return CREDENTIALS.from_service_account_info(dict(secret), scopes=[SCOPE])
    except (GoogleAuthError, ValueError, TypeError, KeyError, AttributeError):
        raise wrong_credentials(identity, "its private key cannot be read") from None


def _oauth_error(error: RefreshError) -> str | None:
    """The code of OAuth in an answer, None where it is none of the token endpoint's."""
    body = error.args[1] if len(error.args) > 1 else None
    if not isinstance(body, Mapping) or not isinstance(body.get("error"), str):
        return None
    return body["error"] if body["error"] in OAUTH_ERROR_CODES else UNLISTED_ERROR
