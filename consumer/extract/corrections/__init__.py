"""Corrections: rows of a file, compared with the rejected rows of the job that they correct."""
