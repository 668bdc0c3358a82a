"""Arguments and options of the commands, declared for typer.

Everything else is imported inside the functions, so that `--help` stays fast.
"""
