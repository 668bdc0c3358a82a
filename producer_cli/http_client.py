"""HTTP client of the service: rejected rows, the jobs they belong to, and the import after a dry run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from producer_cli.errors import CliError, InvalidInputError, ReplacedLoadError, UnavailableError
from producer_cli.http_responses import problem_code, problem_detail, validate_url
from producer_cli.text import strip_control_chars
from schemas.codes import ProblemCode
from schemas.http_headers import LOAD_HEADER, XLSX_MEDIA_TYPE
from schemas.integers import MAX_JOB_NUMBER

TIMEOUT = httpx.Timeout(10, read=60)
XLSX_TIMEOUT = httpx.Timeout(10, read=660)
"""The service sends nothing before the workbook is complete, which may take ten minutes."""
PAGE_ROWS = 500
REFUSALS = {HTTPStatus.CONFLICT, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY}
"""Statuses of a POST that the service understood and does not obey."""
JOBS_PATH = "/migration/jobs"
DATASETS_PATH = "/migration/datasets"
LOOPBACK_HOSTS = {"127.0.0.1", "::1", "localhost"}


class ServiceClient:
    """Client of one service; every failure is a CliError with one sentence."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Raises InvalidInputError if the URL cannot be used. A `token` is sent with every request."""
        self._url = url
        self._has_token = token is not None
        checked = validate_url(url)
        self._client = httpx.Client(
            base_url=checked,
            timeout=TIMEOUT,
            trust_env=checked.host not in LOOPBACK_HOSTS,
            headers={} if token is None else {"authorization": f"Bearer {token}"},
        )

    @property
    def token_warning(self) -> str | None:
        """A warning that the token is sent unencrypted; None if it is not.

        It is sent all the same: inside a cluster plain HTTP between containers is common.
        """
        address = self._client.base_url
        if not self._has_token or address.scheme == "https" or address.host in LOOPBACK_HOSTS:
            return None
        return (
            f"The token is sent to {strip_control_chars(address.host)} unencrypted: anyone who can read the "
            "traffic can use it. Outside a trusted network set MIGRATION_HTTP_URL to an https address."
        )

    def verify_request_id(self, request_id: str) -> str:
        """Return the id if it belongs to a request; raises InvalidInputError if not.

        The service reads an id of digits as a job number if no request has that id: another job would be
        returned.
        """
        if request_id.isdecimal():
            job = self._get_json(_job_path(request_id), request_id)
            if job.get("request_id") != request_id:
                raise InvalidInputError(
                    f"The service knows no request {request_id}; "
                    f"for the job of that number give --number {request_id}."
                )
        return request_id

    def request_id_of_job(self, number: int) -> str:
        """Return the request id of the job with this number; raises InvalidInputError if there is none.

        The list is used since `/jobs/7` would return a job whose request id is "7" first.
        """
        params = {"before": str(min(number, MAX_JOB_NUMBER - 1) + 1), "limit": "1"}
        page = self._get_json(JOBS_PATH, str(number), params)
        jobs = page.get("items")
        found = jobs[0] if isinstance(jobs, list) and jobs and isinstance(jobs[0], dict) else {}
        if found.get("id") != number:
            raise InvalidInputError(
                f"The service knows no job with the number {number}; `migration status` lists jobs."
            )
        return str(found["request_id"])

    def rejected_rows(self, request_id: str, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the rejected rows by row number, at most `limit`; they are fetched page by page."""
        after, left = None, limit
        while left is None or left > 0:
            page = self._get_page(request_id, min(PAGE_ROWS, left or PAGE_ROWS), after)
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            after = page["next"]
            if after is None or not page["items"]:
                return

    @contextmanager
    def rejected_csv(self, request_id: str) -> Iterator[Iterator[bytes]]:
        """Stream all rejected rows as CSV.

        Raises UnavailableError if the response breaks off, ReplacedLoadError if a new load is the reason.
        """
        with self._download(request_id, {"accept": "text/csv"}, TIMEOUT) as response:
            yield response.iter_bytes()

    @contextmanager
    def rejected_xlsx(self, request_id: str, language: str) -> Iterator[tuple[Iterator[bytes], int]]:
        """Stream the open rejected rows as a workbook with its size in bytes; raises as `rejected_csv`.

        Rows that a correction has stored or dismissed are left out: nothing is left to do with them.
        """
        headers = {"accept": XLSX_MEDIA_TYPE, "accept-language": language}
        with self._download(request_id, headers, XLSX_TIMEOUT, {"state": "open"}) as response:
            if response.headers.get("content-type") != XLSX_MEDIA_TYPE:
                raise UnavailableError(
                    f"The service at {self._url} is of a version that writes no workbooks: "
                    "update it, or use --csv FILE."
                )
            yield response.iter_bytes(), int(response.headers["content-length"])

    @contextmanager
    def _download(
        self,
        request_id: str,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
        params: Mapping[str, str] | None = None,
    ) -> Iterator[httpx.Response]:
        path = _errors_path(request_id)
        stream = self._client.stream("GET", path, headers=headers, timeout=timeout, params=params)
        with self._translate_errors(), stream as response:
            self._raise_for_status(response, request_id)
            try:
                yield response
            except httpx.TransportError as error:
                if self._load_was_replaced(request_id, response.headers.get(LOAD_HEADER)):
                    raise _load_replaced_error() from error
                raise

    def import_dry_run(self, request_id: str) -> str:
        """Start the import that a dry run checked; returns its request id.

        Raises InvalidInputError if the service refuses it. Sent again, it starts no second import.
        """
        with self._translate_errors():
            response = self._client.post(f"{_job_path(request_id)}/import")
            if response.status_code in REFUSALS:
                raise InvalidInputError(problem_detail(response))
            self._raise_for_status(response, request_id)
            body = response.json()
        if not isinstance(body, dict) or not isinstance(body.get("request_id"), str):
            raise self._unexpected_response()
        return str(body["request_id"])

    def template(self, dataset: str) -> bytes:
        """The workbook that people fill in for a dataset; raises InvalidInputError if there is none."""
        path = f"{DATASETS_PATH}/{quote(dataset, safe='')}/template"
        with self._translate_errors():
            response = self._client.get(path, headers={"accept": XLSX_MEDIA_TYPE})
            if response.status_code == HTTPStatus.NOT_FOUND:
                raise InvalidInputError(problem_detail(response))
            self._raise_for_status(response, dataset)
        if response.headers.get("content-type") != XLSX_MEDIA_TYPE:
            raise self._unexpected_response()
        return response.content

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _load_was_replaced(self, request_id: str, load: str | None) -> bool:
        """Whether the job has started another load; False if that cannot be determined."""
        if load is None:  # sent by version 0.1 of the service
            return False
        try:
            current = self._get_json(_errors_path(request_id), request_id, {"limit": "1"}).get("load")
        except CliError:  # the broken response is reported either way
            return False
        return str(current) != load

    def _get_page(self, request_id: str, limit: int, after: object) -> dict[str, Any]:
        params = {"limit": str(limit)} | ({} if after is None else {"after": str(after)})
        page = self._get_json(_errors_path(request_id), request_id, params)
        if not isinstance(page.get("items"), list):
            raise self._unexpected_response()
        return {"items": page["items"], "next": page.get("next")}

    def _get_json(
        self, path: str, request_id: str, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        with self._translate_errors():
            response = self._client.get(path, params=params, headers={"accept": "application/json"})
            self._raise_for_status(response, request_id)
            body = response.json()
        if not isinstance(body, dict):
            raise self._unexpected_response()
        return body

    def _unexpected_response(self) -> UnavailableError:
        return UnavailableError(f"What answers at {self._url} is not the migration service.")

    def _raise_for_status(self, response: httpx.Response, request_id: str) -> None:
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise InvalidInputError(self._unauthenticated_message())
        if response.status_code == HTTPStatus.FORBIDDEN:
            raise InvalidInputError(f"The service at {self._url} refuses: {problem_detail(response)}")
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise InvalidInputError(
                f"The service knows no request {strip_control_chars(request_id)}; "
                "`migration status` lists them."
            )
        if response.status_code == HTTPStatus.GONE and problem_code(response) == ProblemCode.LOAD_REPLACED:
            raise _load_replaced_error()
        if not response.is_success:
            raise UnavailableError(
                f"The service at {self._url} answered {response.status_code}: {problem_detail(response)}"
            )

    def _unauthenticated_message(self) -> str:
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
    def _translate_errors(self) -> Iterator[None]:
        """Translate errors of httpx and of JSON to ours."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise UnavailableError(f"The service at {self._url} did not answer in time.") from error
        except httpx.ConnectError as error:
            raise UnavailableError(
                f"Nothing answers at {self._url}; is the service up, and MIGRATION_HTTP_URL right?"
            ) from error
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"The answer of the service at {self._url} broke off; try again."
            ) from error
        except ValueError as error:
            raise self._unexpected_response() from error


def _job_path(request_id: str) -> str:
    return f"{JOBS_PATH}/{quote(request_id, safe='')}"


def _errors_path(request_id: str) -> str:
    return f"{_job_path(request_id)}/errors"


def _load_replaced_error() -> ReplacedLoadError:
    return ReplacedLoadError(
        "The job started a new load while its rejected rows were read, so the output is incomplete; "
        "run the command again."
    )
