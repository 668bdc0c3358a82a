"""Runs the service: opens what a replica needs, waits for Postgres, and closes it all at the end."""

import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import structlog

from consumer.http import open_files, server
from consumer.http.access import Access
from consumer.http.token_file import TokenFile, TokensUnreadableError
from consumer.scratch import Scratch
from consumer.service import Service
from consumer.settings import Settings, WrongSettings
from consumer.shutdown import Shutdown
from consumer.waiting import open_database

log: structlog.stdlib.BoundLogger = structlog.get_logger("app")


async def run(settings: Settings, environment: Mapping[str, str]) -> None:
    """Run the service until it is told to stop. Raises SchemaOutdated, CannotServe, WrongSettings."""
    access_control = _access_control(settings)
    open_files.raise_limit()
    shutdown = Shutdown(settings.migration_drain_seconds)
    shutdown.install()
    with (
        closing(server.listen(settings.migration_http_host, settings.migration_http_port)) as listener,
        closing(_scratch(settings)) as scratch,
    ):
        dsn = settings.database_url.get_secret_value()
        database = await open_database(dsn, listener, shutdown.stop)
        if database is None:
            return
        try:
            service = Service(settings, environment, scratch.path, database, shutdown, access_control)
            await service.run(listener)
        finally:
            await database.close()
    log.info("service.stopped")


def _access_control(settings: Settings) -> Access:
    """Access control over HTTP; raises WrongSettings if public, without tokens and not explicitly open."""
    if problem := settings.exposure_problem():
        raise WrongSettings(problem)
    path = settings.migration_http_tokens_file
    try:
        return Access(None if path is None else TokenFile.open(path))
    except TokensUnreadableError as error:
        raise WrongSettings(str(error)) from None


def _scratch(settings: Settings) -> Scratch:
    root = settings.migration_scratch or Path(tempfile.gettempdir())
    try:
        return Scratch.open(root)
    except OSError as error:
        raise WrongSettings(f"MIGRATION_SCRATCH: cannot use {root} ({error.strerror or error})") from None
