"""Authentication by bearer tokens and by sessions of the page, and the rights of both."""
