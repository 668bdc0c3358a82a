"""Links of the OpenAPI document: from responses that name a job to the operations on that job."""

from typing import Any

Json = dict[str, Any]

OPERATIONS_ON_JOB = (
    *("getJob", "followJob", "listAttempts", "listRejectedRows", "summarizeRejectedRows"),
    *("cancelJob", "retryJob", "importDryRun", "correctRejectedRows"),
)
"""Operations on one job, which is their parameter `id`."""
OPERATIONS_RETURNING_JOB = (
    *("startExcel", "startDatabase", "startGoogleSheets", "publishRequest", "correctRejectedRows"),
    *("cancelJob", "retryJob", "importDryRun", "getJob"),
)
"""Operations whose 2xx responses contain the request id of a job."""
REQUEST_ID_EXPRESSION = "$response.body#/request_id"


def add_links(operation: Json) -> None:
    """Add links to the 2xx responses of an operation if they name a job."""
    if operation["operationId"] not in OPERATIONS_RETURNING_JOB:
        return
    for status in ("200", "202"):
        if status in operation["responses"]:
            operation["responses"][status]["links"] = {
                target: {"operationId": target, "parameters": {"id": REQUEST_ID_EXPRESSION}}
                for target in OPERATIONS_ON_JOB
                if target != operation["operationId"]
            }
