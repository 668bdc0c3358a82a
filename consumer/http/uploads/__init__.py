"""Uploads: multipart parsing, digests, chunks on migration.uploads."""
