"""Arguments and options of the commands, declared for typer; they import the rest on use."""
