"""Merges a batch of valid rows into schema `directory`, in SQL that the store runs.

The planner has no statistics of temp tables, and a plan that scans a large table for every batch makes a
load quadratic. Hence each lookup in a large table is a `lateral (… offset 0)`, which stays an index probe
per row, or an index scan over an array of keys.
"""
