"""The HTTP side of the service, asked for rejected rows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from producer_cli.exits import CliError, LoadReplacedError, Unreachable, WrongInput
from producer_cli.words import plain

TIMEOUT = httpx.Timeout(10, read=60)
PAGE_ROWS = 500
JOBS = "/migration/jobs"
LAST_NUMBER = 2**63 - 1
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, GONE = 401, 403, 404, 410
LOAD_HEADER = "migration-load"
LOAD_REPLACED = "load_replaced"


class Service:
    """Speaks to one service; every failure becomes one sentence."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """With a `token`, every request carries it."""
        self._url = url
        self._has_token = token is not None
        checked = _checked(url)
        self._client = httpx.Client(
            base_url=checked,
            timeout=TIMEOUT,
            trust_env=checked.host not in LOOPBACK,
            headers={} if token is None else {"authorization": f"Bearer {token}"},
        )

    @property
    def token_warning(self) -> str | None:
        """What is wrong with sending the token there, as a sentence; None where nothing is.

        It is sent all the same: inside a cluster plain HTTP between containers is the rule.
        """
        address = self._client.base_url
        if not self._has_token or address.scheme == "https" or address.host in LOOPBACK:
            return None
        return (
            f"The token goes to {plain(address.host)} unencrypted, and whoever sees it can use it; "
            "where that network is not your own, give an https address in MIGRATION_HTTP_URL."
        )

    def known_request(self, request_id: str) -> str:
        """The id, where a request has it; raises WrongInput.

        The service takes an id of digits for the number of a job where no request has it: that would be the
        job of somebody else.
        """
        if request_id.isdecimal():
            job = self._json(_job(request_id), request_id)
            if job.get("request_id") != request_id:
                raise WrongInput(
                    f"The service knows no request {plain(request_id)}; for the job of that number give "
                    f"--number {plain(request_id)}."
                )
        return request_id

    def request_of(self, number: int) -> str:
        """The request id of the job with a number; raises WrongInput where there is none.

        A job asked for by its number may be another, whose request id reads so: the list tells for certain.
        """
        params = {"before": str(min(number, LAST_NUMBER - 1) + 1), "limit": "1"}
        page = self._json(JOBS, str(number), params)
        jobs = page.get("items")
        found = jobs[0] if isinstance(jobs, list) and jobs and isinstance(jobs[0], dict) else {}
        if found.get("id") != number:
            raise WrongInput(
                f"The service knows no job of the number {number}; `migration status` lists jobs."
            )
        return str(found["request_id"])

    def rejected_rows(self, request_id: str, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """The rejected rows by row number, fetched page by page; `limit` rows at the most."""
        after, left = None, limit
        while left is None or left > 0:
            page = self._page(request_id, min(PAGE_ROWS, left or PAGE_ROWS), after)
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            after = page["next"]
            if after is None or not page["items"]:
                return

    @contextmanager
    def rejected_csv(self, request_id: str) -> Iterator[Iterator[bytes]]:
        """All rejected rows as CSV, in pieces as they come.

        Raises, where it breaks off, Unreachable or LoadReplacedError.
        """
        asked = self._client.stream("GET", _errors(request_id), headers={"accept": "text/csv"})
        with self._reachable(), asked as answer:
            self._good(answer, request_id)
            try:
                yield answer.iter_bytes()
            except httpx.TransportError as error:
                if self._is_replaced(request_id, answer.headers.get(LOAD_HEADER)):
                    raise _load_replaced() from error
                raise

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _is_replaced(self, request_id: str, load: str | None) -> bool:
        """Whether the job is at another load by now; no, where that cannot be known."""
        if load is None:  # a service of the version before
            return False
        try:
            present = self._json(_errors(request_id), request_id, {"limit": "1"}).get("load")
        except CliError:  # that the answer broke off is reported either way
            return False
        return str(present) != load

    def _page(self, request_id: str, limit: int, after: object) -> dict[str, Any]:
        params = {"limit": str(limit)} | ({} if after is None else {"after": str(after)})
        page = self._json(_errors(request_id), request_id, params)
        if not isinstance(page.get("items"), list):
            raise self._stranger()
        return {"items": page["items"], "next": page.get("next")}

    def _json(self, path: str, request_id: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        with self._reachable():
            answer = self._client.get(path, params=params, headers={"accept": "application/json"})
            self._good(answer, request_id)
            body = answer.json()
        if not isinstance(body, dict):
            raise self._stranger()
        return body

    def _stranger(self) -> Unreachable:
        return Unreachable(f"What answers at {self._url} is not the migration service.")

    def _good(self, answer: httpx.Response, request_id: str) -> None:
        if answer.status_code == UNAUTHENTICATED:
            raise WrongInput(self._unauthenticated())
        if answer.status_code == FORBIDDEN:
            raise WrongInput(f"The service at {self._url} refuses: {_reason(answer)}")
        if answer.status_code == NOT_FOUND:
            raise WrongInput(
                f"The service knows no request {plain(request_id)}; `migration status` lists them."
            )
        if answer.status_code == GONE and _code(answer) == LOAD_REPLACED:
            raise _load_replaced()
        if not answer.is_success:
            raise Unreachable(f"The service at {self._url} answered {answer.status_code}: {_reason(answer)}")

    def _unauthenticated(self) -> str:
        if self._has_token:
            return (
                f"The service at {self._url} does not know the token in MIGRATION_HTTP_TOKEN (or "
                "MIGRATION_HTTP_TOKEN_FILE); ask its operator for a new one."
            )
        return (
            f"The service at {self._url} asks for a token: set MIGRATION_HTTP_TOKEN, or "
            "MIGRATION_HTTP_TOKEN_FILE to the file that holds it."
        )

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        """The one place where errors of httpx become ours."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise Unreachable(f"The service at {self._url} did not answer in time.") from error
        except httpx.ConnectError as error:
            raise Unreachable(
                f"Nothing answers at {self._url}; is the service up, and MIGRATION_HTTP_URL right?"
            ) from error
        except httpx.HTTPError as error:
            raise Unreachable(f"The answer of the service at {self._url} broke off; try again.") from error
        except ValueError as error:
            raise self._stranger() from error


def _job(request_id: str) -> str:
    return f"{JOBS}/{quote(request_id, safe='')}"


def _errors(request_id: str) -> str:
    return f"{_job(request_id)}/errors"


def _load_replaced() -> LoadReplacedError:
    return LoadReplacedError(
        "The job began a new load while its rejected rows were read, so that what was read is not whole; "
        "run it again."
    )


def _code(answer: httpx.Response) -> object:
    """The code of a problem; None where the answer is none."""
    answer.read()
    try:
        return answer.json()["code"]
    except (ValueError, KeyError, TypeError):
        return None


def _reason(answer: httpx.Response) -> str:
    """What the service says of it itself, or what to do all the same."""
    answer.read()
    try:
        return plain(str(answer.json()["detail"]))
    except (ValueError, KeyError, TypeError):
        return "try again later."


def _checked(url: str) -> httpx.URL:
    """The address; raises WrongInput. Neither library finds all that is wrong with one."""
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        pass
    raise WrongInput(
        "MIGRATION_HTTP_URL must be an address like http://host:8084, and MIGRATION_HTTP_PORT a number."
    )
