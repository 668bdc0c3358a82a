"""Deletes data beyond its retention period."""
