"""The service: records requests as jobs, runs them, tells how they stand."""
