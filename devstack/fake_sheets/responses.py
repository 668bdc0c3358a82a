"""Answers as Google words them: errors of the Sheets API, and those of its front ends."""

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
    """What goes back over the wire."""

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
    """An error of the API; keywords become headers, `_` read as `-`."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ApiResponse(code, json.dumps({"error": error}, indent=2).encode(), named)


def invalid_token() -> ApiResponse:
    """No token, or one that does not hold."""
    return api_error(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        www_authenticate='Bearer realm="https://accounts.google.com/", error="invalid_token"',
    )


def forbidden() -> ApiResponse:
    """The spreadsheet is not shared with who asks."""
    return api_error(403, "PERMISSION_DENIED", "The caller does not have permission")


def not_found() -> ApiResponse:
    """There is no such spreadsheet."""
    return api_error(404, "NOT_FOUND", "Requested entity was not found.")


def invalid_argument(message: str) -> ApiResponse:
    """The question itself is wrong."""
    return api_error(400, "INVALID_ARGUMENT", message)


def office_file() -> ApiResponse:
    """The id is that of a workbook kept in Drive, not of a spreadsheet."""
    return api_error(400, "FAILED_PRECONDITION", "This operation is not supported for this document")


def unavailable() -> ApiResponse:
    """The service is overloaded."""
    return api_error(503, "UNAVAILABLE", "The service is currently unavailable.")


def internal() -> ApiResponse:
    """The service is broken for the moment."""
    return api_error(500, "INTERNAL", "Internal error encountered.")


def quota_exceeded(retry_after: str | None) -> ApiResponse:
    """The quota of reads per minute is used up."""
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
    """A quota told the older way: 403 with a reason."""
    message = "User Rate Limit Exceeded" if reason.startswith("user") else "Rate Limit Exceeded"
    error = {
        "errors": [{"domain": "usageLimits", "reason": reason, "message": message}],
        "code": 403,
        "message": message,
    }
    return ApiResponse(403, json.dumps({"error": error}, indent=1).encode())


def api_disabled() -> ApiResponse:
    """The Sheets API is not enabled in the account's project."""
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
    """A front end that reaches nobody: HTML."""
    return ApiResponse(502, BAD_GATEWAY.encode(), content_type="text/html; charset=UTF-8")


def token_error(error: str, description: str) -> ApiResponse:
    """The token endpoint's own shape."""
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
