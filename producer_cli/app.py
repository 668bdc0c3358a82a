"""The typer application: the tree of commands."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from producer_cli.arguments import jobs, start, template
from producer_cli.arguments.correct import CORRECT_EXAMPLES, correct
from producer_cli.arguments.options import examples_epilog
from producer_cli.errors import handle_output_errors

EPILOG = examples_epilog(
    "migration start excel chats.xlsx --watch",
    "migration status",
    "migration errors REQUEST_ID --csv rejected.csv",
) + (
    "\n\n\b\nExit codes:\n"
    "  0 done or completed    1 failed            2 wrong usage or input\n"
    "  3 cancelled            4 waiting timed out 5 Kafka or the service not reachable\n"
    "  74 output cannot be written                130 Ctrl-C    141 output pipe closed"
    "\n\n\b\nEnvironment:\n"
    "  KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_MECHANISM,\n"
    "  KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD, KAFKA_SSL_CAFILE, MIGRATION_HTTP_URL;\n"
    "  without the first, .devstack/env of this folder or of one above it is read."
)


class _CommandGroup(TyperGroup):
    """Lists `start` first and translates errors of the output."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Parse the command line; typer prints help and version here."""
        with handle_output_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with handle_output_errors():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of the help page: `start`, then alphabetically."""
        return sorted(super().list_commands(ctx), key=lambda name: name != "start")


def build() -> typer.Typer:
    """Build the application."""
    app = typer.Typer(
        name="migration",
        cls=_CommandGroup,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(epilog=EPILOG)(_root)
    app.add_typer(start.app, name="start")
    app.command(epilog=jobs.STATUS_EXAMPLES)(jobs.status)
    app.command(epilog=jobs.WATCH_EXAMPLES)(jobs.watch)
    app.command(epilog=jobs.CANCEL_EXAMPLES)(jobs.cancel)
    app.command(epilog=jobs.RETRY_EXAMPLES)(jobs.retry)
    app.command("import", epilog=jobs.IMPORT_EXAMPLES)(jobs.import_dry_run)
    app.command(epilog=jobs.ERRORS_EXAMPLES)(jobs.errors)
    app.command(epilog=CORRECT_EXAMPLES)(correct)
    app.command(epilog=template.EXAMPLES)(template.template)
    return app


def _print_version(requested: bool) -> None:
    if requested:
        from schemas.version import VERSION

        typer.echo(f"migration {VERSION}")
        raise typer.Exit


def _root(
    version: Annotated[  # noqa: ARG001  # used by its callback
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Request imports over Kafka, follow them, and show rejected rows."""
    from producer_cli.errors import DEBUG

    DEBUG.set(debug)
