"""Jobs in HTTP: addresses, lookup, views, entity tags."""
