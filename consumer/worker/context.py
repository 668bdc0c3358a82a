"""What every attempt of this process works with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumer.sources.base import SourceCredentials
from consumer.store.database import Database
from consumer.telemetry.events import EventSink, ignore_event
from consumer.worker.fork_server import ForkServer


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Shared by all attempts of a worker.

    `start_parameters` is the part of the START frame that comes from the settings. `resolve_credentials`
    returns the secrets that the source of a request needs, or raises UnresolvableRequestError.
    `calls_per_minute` is the rate limit of one Google account.
    """

    database: Database
    start_parameters: Mapping[str, Any]
    fork_server: ForkServer
    temp_dir: Path
    resolve_credentials: Callable[[Mapping[str, Any]], SourceCredentials]
    calls_per_minute: int = 60
    emit: EventSink = ignore_event
