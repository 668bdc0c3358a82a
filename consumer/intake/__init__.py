"""Records requests as jobs."""
