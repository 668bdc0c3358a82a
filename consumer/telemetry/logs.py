"""Structured logs: constant event names with keys, phones redacted; JSON, or readable at a terminal."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from consumer.telemetry.redaction import redact_phones

_UNREDACTED_KEYS = frozenset({"request_id", "command_id", "timestamp", "job_id", "owner"})
"""Keys whose values are our own ids: a long number in them is no phone."""


def configure(*, level: str, fmt: str) -> None:
    """Send structlog and the standard library's logging, which libraries use, to stderr in one format."""
    as_json = fmt == "json" or (fmt == "auto" and not sys.stderr.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.types.Processor] = [
        structlog.processors.format_exc_info,
        redact,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.dev.ConsoleRenderer(),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # At DEBUG it prints passwords and complete messages.
    logging.getLogger("aiokafka").setLevel(max(logging.INFO, logging.getLevelName(level)))
    # It logs each of its plugins at every `migrate`.
    logging.getLogger("alembic.runtime.plugins").setLevel(max(logging.WARNING, logging.getLevelName(level)))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=False,
    )


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor of structlog: redacts phones in every text of a log line, exceptions included."""
    for key, value in event.items():
        if isinstance(value, str) and key not in _UNREDACTED_KEYS:
            event[key] = redact_phones(value)
    return event
