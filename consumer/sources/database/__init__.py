"""A table of another PostgreSQL as a source: one snapshot an attempt, read in pages by key."""
