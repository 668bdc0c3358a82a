"""Responses with the text of Google: errors of the Sheets API and of its front ends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON_CONTENT_TYPE = "application/json; charset=UTF-8"
PROJECT = "000000000000"

BAD_GATEWAY = """<!DOCTYPE html>
<html lang=en>
  <meta charset=utf-8>
  <title>Error 502 (Server Error)!!1</title>
  <p><b>502.</b> <ins>That’s an error.</ins>
  <p>The server encountered a temporary error and could not complete your request.
  <p>Please try again in 30 seconds. <ins>That’s all we know.</ins>
"""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """Status, body and headers of a response."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON_CONTENT_TYPE


def ok(body: Any) -> ApiResponse:
    """200 with JSON."""
    return ApiResponse(200, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def api_error(
    code: int, status: str, message: str, *details: Mapping[str, Any], **headers: str
) -> ApiResponse:
    """An error of the API; keyword arguments become headers, with `-` for `_`."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ApiResponse(code, json.dumps({"error": error}, indent=2).encode(), named)


def invalid_token() -> ApiResponse:
    """401: the token is missing or invalid."""
    return api_error(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        www_authenticate='Bearer realm="https://accounts.google.com/", error="invalid_token"',
    )


def forbidden() -> ApiResponse:
    """403: the spreadsheet is not shared with the account."""
    return api_error(403, "PERMISSION_DENIED", "The caller does not have permission")


def not_found() -> ApiResponse:
    """404: the spreadsheet does not exist."""
    return api_error(404, "NOT_FOUND", "Requested entity was not found.")


def invalid_argument(message: str) -> ApiResponse:
    """400: a parameter is invalid."""
    return api_error(400, "INVALID_ARGUMENT", message)


def office_file() -> ApiResponse:
    """400: the id names an Office file in Drive, not a spreadsheet."""
    return api_error(400, "FAILED_PRECONDITION", "This operation is not supported for this document")


def unavailable() -> ApiResponse:
    """503."""
    return api_error(503, "UNAVAILABLE", "The service is currently unavailable.")


def internal() -> ApiResponse:
    """500."""
    return api_error(500, "INTERNAL", "Internal error encountered.")


def quota_exceeded(retry_after: str | None) -> ApiResponse:
    """429: the quota of read requests per minute is exceeded."""
    headers = {} if retry_after is None else {"retry_after": retry_after}
    return api_error(
        429,
        "RESOURCE_EXHAUSTED",
        "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user' of "
        f"service 'sheets.googleapis.com' for consumer 'project_number:{PROJECT}'.",
        _error_info(
            "RATE_LIMIT_EXCEEDED",
            quota_metric="sheets.googleapis.com/read_requests",
            quota_limit="ReadRequestsPerMinutePerUser",
            quota_limit_value="60",
            quota_location="global",
        ),
        _help_links(
            "Request a higher quota limit.", "https://cloud.google.com/docs/quota#requesting_higher_quota"
        ),
        **headers,
    )


def usage_limit(reason: str) -> ApiResponse:
    """403 with a reason: how older versions of the API report an exceeded quota."""
    message = "User Rate Limit Exceeded" if reason.startswith("user") else "Rate Limit Exceeded"
    error = {
        "errors": [{"domain": "usageLimits", "reason": reason, "message": message}],
        "code": 403,
        "message": message,
    }
    return ApiResponse(403, json.dumps({"error": error}, indent=1).encode())


def api_disabled() -> ApiResponse:
    """403: the Sheets API is not enabled in the account's project."""
    address = (
        f"https://console.developers.google.com/apis/api/sheets.googleapis.com/overview?project={PROJECT}"
    )
    return api_error(
        403,
        "PERMISSION_DENIED",
        f"Google Sheets API has not been used in project {PROJECT} before or it is disabled. Enable it by "
        f"visiting {address} then retry. If you enabled this API recently, wait a few minutes for the action "
        "to propagate to our systems and retry.",
        _help_links("Google developers console API activation", address),
        _error_info("SERVICE_DISABLED"),
    )


def bad_gateway() -> ApiResponse:
    """502 of a front end, in HTML."""
    return ApiResponse(502, BAD_GATEWAY.encode(), content_type="text/html; charset=UTF-8")


def token_error(error: str, description: str) -> ApiResponse:
    """400 in the format of the token endpoint (RFC 6749, section 5.2)."""
    body = {"error": error, "error_description": description}
    return ApiResponse(400, json.dumps(body, indent=2).encode())


def _error_info(reason: str, **metadata: str) -> dict[str, Any]:
    common = {"service": "sheets.googleapis.com", "consumer": f"projects/{PROJECT}"}
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": common | metadata,
    }


def _help_links(description: str, url: str) -> dict[str, Any]:
    links = [{"description": description, "url": url}]
    return {"@type": "type.googleapis.com/google.rpc.Help", "links": links}
