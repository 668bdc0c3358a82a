"""A database with the minimal dataset, as in the integration tests of the store."""

from tests.integration.store.conftest import database, other_replica_database

__all__ = ["database", "other_replica_database"]
