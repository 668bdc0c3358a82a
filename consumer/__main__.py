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
from schemas.version import VERSION

EXIT_FAILURE = 2
EXIT_INTERRUPTED = 130
EXPECTED_ERRORS = (
    *(SettingsError, SchemaOutdatedError, BindError),
    *(DatabaseUnavailableError, QueryError, DataRejectedError, OrphanRowsError),
)


def main() -> None:
    """Parse the command line, read the settings, do it; a failure that can be foreseen is one sentence."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.command == "token":  # which needs no settings: it is made before there are any
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
    """The usual end would wait for threads that look at what does not answer."""
    sys.stdout.flush()
    os._exit(EXIT_INTERRUPTED)


async def _dispatch(arguments: argparse.Namespace, loaded: Settings) -> int:
    match arguments.command:
        case "migrate":
            from consumer.store import migrate  # what it is made of is large, and nobody else needs it

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
    """Print a new token in the first line, and behind an empty one its table for the tokens file."""
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
    bring = commands.add_parser("migrate", help="bring the database schema up to date")
    bring.add_argument(
        "--enforce-foreign-keys",
        action="store_true",
        help="have Postgres check every reference from now on, and validate those there are (slower imports)",
    )
    commands.add_parser("doctor", help="check settings, Kafka, Postgres, the inbox, and what is stored")
    token = commands.add_parser(
        "token",
        help="make an access token for the HTTP side",
        description="Prints a new token, once, then an empty line and the table that goes into the file "
        "MIGRATION_HTTP_TOKENS_FILE. Only the token's SHA-256 is in that table.",
    )
    token.add_argument("name", metavar="NAME", help="whose it is; shown as `requested_by`")
    token.add_argument(
        "--rights",
        required=True,
        help="separated by commas: read (jobs, no cell value), rows (rejected rows, personal data), act",
    )
    return parser


if __name__ == "__main__":
    main()
