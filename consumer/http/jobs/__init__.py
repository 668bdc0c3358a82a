"""Reading jobs: paths, filters, pages, attempts."""
