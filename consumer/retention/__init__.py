"""Prunes what is older than it is kept."""
