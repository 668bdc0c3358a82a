"""The rules of single values: pure functions `cell -> Valid | Invalid`, one file per kind of value."""
