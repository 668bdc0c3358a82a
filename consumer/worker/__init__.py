"""Claims jobs and runs each one: extraction in a child process, batches into Postgres, outcome, retries."""
