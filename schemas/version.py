"""The version of the package, its documents and its images; pyproject.toml reads it from here."""

VERSION = "0.2.0"
