"""Who may call: tokens, their rights, and the identity behind a request."""
