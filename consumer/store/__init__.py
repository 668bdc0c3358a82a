"""The folder that knows our Postgres."""
