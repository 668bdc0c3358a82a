"""`make bench-corrections`: what the way of rejected rows costs, from the dry run to the correction."""
