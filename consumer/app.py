"""Runs the service: opens the resources of a replica, waits for Postgres, closes them at the end."""

import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import structlog

from consumer.http import server
from consumer.http.auth.authenticator import Authenticator
from consumer.http.auth.session import SessionSigner
from consumer.http.auth.token_file import TokenFile, TokensUnreadableError
from consumer.http.limits import open_files
from consumer.runtime import failpoints
from consumer.runtime.shutdown import Shutdown
from consumer.runtime.startup import wait_for_database
from consumer.runtime.tempdir import ProcessTempDir
from consumer.service import Service
from consumer.settings import Settings, SettingsError
from consumer.worker.fork_server import ForkServer

log: structlog.stdlib.BoundLogger = structlog.get_logger("app")

IGNORED_FAILPOINTS = (
    "MIGRATION_FAILPOINTS is set, but has no effect without "
    f"MIGRATION_FAILPOINTS_ENABLED={failpoints.ENABLING_VALUE}: unset it, it is for tests only"
)


async def run(settings: Settings, environment: Mapping[str, str]) -> None:
    """Run the service until a signal stops it.

    `environment` is that of child processes. Raises SchemaOutdatedError, BindError,
    SettingsError, ForkServerError.
    """
    if settings.ignores_failpoints():
        log.warning("failpoints.ignored", reason=IGNORED_FAILPOINTS)
    access_control = _access_control(settings)
    open_files.raise_limit()
    shutdown = Shutdown(settings.migration_drain_seconds)
    shutdown.install()
    with (
        closing(server.listen(settings.migration_http_host, settings.migration_http_port)) as listener,
        closing(_open_temp_dir(settings)) as temp_dir,
    ):
        fork_server = ForkServer(environment)
        try:
            await fork_server.start()
            dsn = settings.database_url.get_secret_value()
            database = await wait_for_database(dsn, listener, shutdown.stop)
            if database is None:
                return
            try:
                service = Service(
                    settings, fork_server, temp_dir.path, database, shutdown, access_control, environment
                )
                await service.run(listener)
            finally:
                await database.close()
        finally:
            await fork_server.close()
    log.info("service.stopped")


def _access_control(settings: Settings) -> Authenticator:
    """Access control of the HTTP side; raises SettingsError if it is public without tokens and not open."""
    if problem := settings.exposure_problem():
        raise SettingsError(problem)
    path = settings.migration_http_tokens_file
    if path is None:
        return Authenticator()
    try:
        return Authenticator(TokenFile.open(path), _session_signer(settings))
    except TokensUnreadableError as error:
        raise SettingsError(str(error)) from None


def _session_signer(settings: Settings) -> SessionSigner:
    """The signer of sessions; with a random key if the settings have none, which is logged."""
    if problem := settings.cookie_key_problem():
        log.warning("auth.random_cookie_key", reason=problem)
    key = settings.cookie_key()
    return SessionSigner.with_random_key() if key is None else SessionSigner(key)


def _open_temp_dir(settings: Settings) -> ProcessTempDir:
    root = settings.migration_scratch or Path(tempfile.gettempdir())
    try:
        return ProcessTempDir.open(root)
    except OSError as error:
        raise SettingsError(f"MIGRATION_SCRATCH: cannot use {root} ({error.strerror or error})") from None
