"""The command `migration-consumer`: run (the default), migrate, doctor."""

import argparse
import asyncio
import os
import sys
from typing import NoReturn

from consumer import app, doctor, faults, logs, settings
from consumer.http.server import CannotServe
from consumer.settings import Settings, WrongSettings
from consumer.store import foreign_keys
from consumer.store.errors import Conflict, DatabaseUnavailable, StatementFailed, ValueRefused
from consumer.store.foreign_keys import OrphansFound
from consumer.store.revisions import SchemaOutdated
from schemas.version import VERSION

EXIT_WRONG = 2
EXIT_INTERRUPTED = 130
FORESEEN = (
    *(WrongSettings, SchemaOutdated, CannotServe),
    *(DatabaseUnavailable, StatementFailed, ValueRefused, OrphansFound),
)


def main() -> None:
    """Parse the command line, read the settings, do it; a failure that can be foreseen is one sentence."""
    arguments = _parser().parse_args()
    try:
        loaded = settings.load()
        faults.arm(loaded.migration_faults)
        logs.configure(level=loaded.migration_log_level, fmt=loaded.migration_log_format)
        raise SystemExit(asyncio.run(_do(arguments, loaded)))
    except Conflict as error:
        _refuse(f"{error}; try again when no load runs")
    except FORESEEN as error:
        _refuse(str(error))
    except KeyboardInterrupt:
        _end_at_once()


def _refuse(sentence: str) -> NoReturn:
    print(f"migration-consumer: {sentence}", file=sys.stderr)
    raise SystemExit(EXIT_WRONG)


def _end_at_once() -> NoReturn:
    """The usual end would wait for threads that look at what does not answer."""
    sys.stdout.flush()
    os._exit(EXIT_INTERRUPTED)


async def _do(arguments: argparse.Namespace, loaded: Settings) -> int:
    match arguments.command:
        case "migrate":
            from consumer.store import migrate  # what it is made of is large, and nobody else needs it

            await migrate.upgrade(loaded.database_url.get_secret_value())
            if arguments.enforce_foreign_keys:
                await foreign_keys.enforce_all(loaded.database_url.get_secret_value())
            print("migration-consumer: the database schema is up to date")
            return 0
        case "doctor":
            return await doctor.examine(loaded)
        case _:
            await app.run(loaded, settings.child_environment())
            return 0


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
    return parser


if __name__ == "__main__":
    main()
