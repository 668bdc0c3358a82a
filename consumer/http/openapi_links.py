"""Links of the OpenAPI document: from a response that names a job to what can be asked of that job."""

from typing import Any

Json = dict[str, Any]

OF_A_JOB = (
    *("getJob", "followJob", "listAttempts", "listRejectedRows", "summarizeRejectedRows"),
    *("cancelJob", "retryJob"),
)
"""Operations on one job, which they have as the parameter `id`."""
NAMES_A_JOB = {
    **dict.fromkeys(
        ("startExcel", "startDatabase", "startGoogleSheets", "publishRequest"), "$response.body#/request_id"
    ),
    **dict.fromkeys(("cancelJob", "retryJob", "getJob"), "$response.body#/request_id"),
    "listJobs": "$response.body#/items/0/request_id",
}
"""Where the responses of an operation have the request id of a job."""


def add_links(operation: Json) -> None:
    """Add the links to the 2xx responses of an operation, where these name a job."""
    expression = NAMES_A_JOB.get(operation["operationId"])
    if expression is None:
        return
    for status in ("200", "202"):
        if status in operation["responses"]:
            operation["responses"][status]["links"] = {
                target: {"operationId": target, "parameters": {"id": expression}}
                for target in OF_A_JOB
                if target != operation["operationId"]
            }
