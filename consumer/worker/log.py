"""The worker's log; `job_id`, `run` and `attempt` are bound to the task of each attempt."""

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")
