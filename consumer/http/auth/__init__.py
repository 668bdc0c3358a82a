"""Authentication by bearer tokens, and their rights."""
