"""The command `migration-consumer`: run (the default), migrate, doctor, token."""

import argparse
import asyncio
import os
import sys
from typing import NoReturn

from consumer import app, doctor, settings
from consumer.http.auth import tokens
from consumer.http.server import BindError
from consumer.runtime import failpoints, hardening
from consumer.settings import Settings, SettingsError
from consumer.store import foreign_keys
from consumer.store.errors import (
    DatabaseUnavailableError,
    DataRejectedError,
    QueryError,
    TransactionConflictError,
)
from consumer.store.foreign_keys import OrphanRowsError
from consumer.store.schema_version import SchemaOutdatedError
from consumer.telemetry import logs
from consumer.worker.fork_server_process import ForkServerError
from schemas.version import VERSION

EXIT_FAILURE = 2
EXIT_INTERRUPTED = 130
EXPECTED_ERRORS = (
    *(SettingsError, SchemaOutdatedError, BindError),
    *(DatabaseUnavailableError, QueryError, DataRejectedError, OrphanRowsError, ForkServerError),
)


def main() -> None:
    """Run one command; an expected error is printed as one sentence, with EXIT_FAILURE."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.command == "token":  # needs no settings
        _issue_token(parser, arguments)
        return
    try:
        loaded = settings.load()
        settings.clear_secret_variables()
        if loaded.migration_inspectable == "no":
            hardening.disable_dumping()
        failpoints.arm(loaded.armed_failpoints())
        logs.configure(level=loaded.migration_log_level, fmt=loaded.migration_log_format)
        raise SystemExit(asyncio.run(_dispatch(arguments, loaded)))
    except TransactionConflictError as error:
        _exit_with_error(f"{error}; try again when no load runs")
    except EXPECTED_ERRORS as error:
        _exit_with_error(str(error))
    except KeyboardInterrupt:
        _exit_immediately()


def _exit_with_error(message: str) -> NoReturn:
    print(f"migration-consumer: {message}", file=sys.stderr)
    raise SystemExit(EXIT_FAILURE)


def _exit_immediately() -> NoReturn:
    """Exit without waiting for threads, which may be blocked on a server that does not answer."""
    sys.stdout.flush()
    os._exit(EXIT_INTERRUPTED)


async def _dispatch(arguments: argparse.Namespace, loaded: Settings) -> int:
    match arguments.command:
        case "migrate":
            from consumer.store import migrate  # a large import, needed for this command only

            await migrate.upgrade(loaded.database_url.get_secret_value())
            if arguments.enforce_foreign_keys:
                await foreign_keys.enforce_all(loaded.database_url.get_secret_value())
            print("migration-consumer: the database schema is up to date")
            return 0
        case "doctor":
            return await doctor.run_checks(loaded)
        case _:
            await app.run(loaded, settings.child_environment())
            return 0


def _issue_token(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Print a new token, an empty line, and its table for the tokens file."""
    try:
        rights = tokens.parse_rights(right.strip() for right in arguments.rights.split(","))
    except ValueError as error:
        parser.error(f"argument --rights: {error}")
    try:
        token, table = tokens.issue_token(arguments.name, rights)
    except ValueError as error:
        parser.error(f"argument NAME: {error}")
    print(f"{token}\n\n{table}", end="", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="migration-consumer", description=__doc__)
    parser.add_argument("--version", action="version", version=f"migration-consumer {VERSION}")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="run the service (the default)")
    migrate_parser = commands.add_parser("migrate", help="bring the database schema up to date")
    migrate_parser.add_argument(
        "--enforce-foreign-keys",
        action="store_true",
        help="have Postgres enforce every foreign key, and validate existing rows (imports become slower)",
    )
    commands.add_parser("doctor", help="check settings, Kafka, Postgres, the inbox, and stored values")
    token_parser = commands.add_parser(
        "token",
        help="issue an access token for the HTTP side",
        description="Prints a new token, an empty line, and the table to add to the file "
        "MIGRATION_HTTP_TOKENS_FILE. The table holds only the SHA-256 of the token, which is not stored.",
    )
    token_parser.add_argument("name", metavar="NAME", help="owner of the token; shown as `requested_by`")
    token_parser.add_argument(
        "--rights",
        required=True,
        help="separated by commas: read (jobs, no cell value), rows (rejected rows, personal data), act",
    )
    return parser


if __name__ == "__main__":
    main()
