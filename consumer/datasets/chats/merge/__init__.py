"""How a batch of checked rows becomes rows of schema `directory`: SQL, run by the store.

The planner knows nothing of temp tables, and a plan that scans a large table once per batch makes a
load quadratic. So every look at a large table is a `lateral (… offset 0)`, which stays one index probe
per row.
"""
